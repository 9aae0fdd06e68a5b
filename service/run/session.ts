// One session in a worker: from a plan to descriptors and a start frame, from the report frame to
// what the session ended with. No host path reaches the worker; it gets descriptors only.
import { openSync } from 'node:fs'
import { type ChannelOf, nvramAlias, writesAtRandom } from '../job/channel.ts'
import { type Digest, hexOf } from '../job/digest.ts'
import type { LinkUrl } from '../job/links.ts'
import type { ObjectUrl } from '../job/node-url.ts'
import type { SessionPlan, SessionSource } from '../job/plan.ts'
import type { NativeReport } from '../job/report.ts'
import type { FdHandle, Native } from '../native.ts'
import { WorkerError } from './errors.ts'
import type { ImageLease } from './programs.ts'
import { openScratch, type Scratch } from './scratch.ts'
import type { Snapshot } from './snapshots.ts'
import { decodeReport, encodeStart, type ReportFrame } from './wire.ts'
import type { Worker } from './worker.ts'

/** The kernel's buffer between a guest and us: what it may write before anybody reads. */
export const outputPipeBytes = 512 * 1024
/** From the request to stop to the end of the process. */
export const cancelMs = 50
/** Workers that may die before they have received a start, until the job is told. */
export const startsMax = 4

/** Descriptors for reading, which the session closes. Throws when there is no such thing. */
export type SessionInputs = {
  readonly openPart: (name: string) => FdHandle
  readonly openBlob: (digest: Digest) => FdHandle
  /** Of a graph: an object that exists, and this node's end of a link. */
  readonly openObject: (url: ObjectUrl) => FdHandle
  readonly openLink: (url: LinkUrl, end: 'read' | 'write') => FdHandle
}

/** How an output is called in a session's `pipes` and `files`. */
export function outputName(
  source: Extract<SessionSource, { kind: 'response' | 'object' }>,
): string {
  return source.kind === 'response' ? source.name : `${source.bucket}/${source.key}`
}

export type Session = {
  /** As in the worker's frames; counts from 1 within the life of the service. */
  readonly id: number
  /** Read ends, by outputName. Whoever has the session closes them. */
  readonly pipes: ReadonlyMap<string, FdHandle>
  /** Outputs that are written at random. The same. */
  readonly files: ReadonlyMap<string, Scratch>
  /** Never rejects. The worker has closed its side of all pipes. */
  readonly ended: Promise<NativeReport | WorkerError>
  /** Asks for an end, takes it a moment later. */
  cancel(): void
  /** Cancels it and frees its outputs: nobody wants them. */
  abandon(): void
}

export type SessionOptions = {
  readonly native: Native
  readonly scratchDir: string
  /** /dev/null, shared by all. */
  readonly nothing: FdHandle
  readonly killGraceMs: number
  /**
   * Another worker for a session that has not begun. Undefined: the end of its worker is the end of
   * the session. Rejects with WorkerError.
   */
  readonly replace: (() => Promise<Worker>) | undefined
  readonly snapshot?: SnapshotUse | undefined
}

/** A session starts from a snapshot, or ends at its checkpoint and leaves one in `file`. */
export type SnapshotUse =
  | { readonly from: Snapshot; readonly mark: 'made' | 'used' }
  | { readonly file: FdHandle; readonly onMade: () => void }

/** What a worker has mapped when `snapshot` of `program` is in place, or the program alone. */
export function mappedName(program: Digest, snapshot: Snapshot | undefined): string {
  return snapshot === undefined ? program : `${program} ${snapshot.nameHex}`
}

let lastSessionId = 0

/** The first of `count` numbers in a row that no other session has. */
export function takeSessionIds(count: number): number {
  const first = lastSessionId + 1
  lastSessionId += count
  return first
}

/** Throws WireError when the plan does not fit into a frame; then nothing is left behind. */
export function startSession(
  plan: SessionPlan,
  program: Digest,
  image: ImageLease,
  inputs: SessionInputs,
  worker: Worker,
  options: SessionOptions,
): Session {
  const table = new DescriptorTable(plan, inputs, options)
  try {
    for (const channel of plan.channels) {
      for (const source of channel.sources) table.open(source, channel)
    }
    return new Running(plan, program, image, table, worker, options)
  } catch (error) {
    table.closeOurs()
    table.closeTheirs()
    throw error
  }
}

class Running implements Session {
  readonly id: number
  readonly ended: Promise<NativeReport | WorkerError>
  #worker: Worker
  #timer: NodeJS.Timeout | undefined
  #isCancelled = false
  #isOver = false
  readonly #plan: SessionPlan
  readonly #program: Digest
  readonly #image: ImageLease
  readonly #table: DescriptorTable
  readonly #options: SessionOptions

  /** Throws WireError. */
  constructor(
    plan: SessionPlan,
    program: Digest,
    image: ImageLease,
    table: DescriptorTable,
    worker: Worker,
    options: SessionOptions,
  ) {
    this.id = takeSessionIds(1)
    this.#plan = plan
    this.#program = program
    this.#image = image
    this.#table = table
    this.#worker = worker
    this.#options = options
    const first = this.#ask()
    // While the start may have to be sent again, what it gives away is kept.
    if (options.replace === undefined) table.closeTheirs()
    this.ended = this.#finish(first).finally(() => {
      this.#isOver = true
      clearTimeout(this.#timer)
      table.closeTheirs()
    })
  }

  get #mapped(): string {
    const { snapshot } = this.#options
    return mappedName(this.#program, snapshot && 'from' in snapshot ? snapshot.from : undefined)
  }
  get pipes(): ReadonlyMap<string, FdHandle> {
    return this.#table.pipes
  }
  get files(): ReadonlyMap<string, Scratch> {
    return this.#table.files
  }

  cancel(): void {
    if (this.#isOver || this.#isCancelled) return
    this.#isCancelled = true
    this.#worker.cancel(this.id)
    this.#timer = setTimeout(() => this.#worker.kill('SIGKILL'), cancelMs)
  }

  abandon(): void {
    this.cancel()
    this.#table.closeOurs()
  }

  async #finish(first: Promise<Buffer>): Promise<NativeReport | WorkerError> {
    let answer = first
    for (let starts = 1; ; starts++) {
      try {
        return this.#read(await answer)
      } catch (error) {
        if (!(error instanceof WorkerError)) return unreadable(error)
        if (error.code !== 'worker-unread') return error
        const { replace } = this.#options
        if (replace === undefined || this.#isCancelled || starts === startsMax) return error
        try {
          this.#worker = await replace()
        } catch {
          return error
        }
        if (this.#isCancelled) return error
        answer = this.#ask()
      }
    }
  }

  #ask(): Promise<Buffer> {
    const [plan, worker, table] = [this.#plan, this.#worker, this.#table]
    const { snapshot } = this.#options
    const isMapped = worker.mapped === this.#mapped
    const frame = encodeStart(this.id, {
      memoryBytes: plan.memoryBytes,
      wallMs: plan.timeoutMs,
      cpuMs: 0,
      profile: this.#image.profile,
      memoryEtag: plan.memoryEtag,
      ...(isMapped ? { mappedSha256Hex: hexOf(this.#program) } : {}),
      ...(snapshot === undefined ? {} : { snapshot: 'from' in snapshot ? snapshot.from : 'make' }),
      channels: plan.channels.map(({ alias, type, etag, limits, sources }) => {
        return { alias, type, etag, limits, sourceCount: sources.length }
      }),
    })
    worker.mapped = undefined
    const fds = isMapped ? [...table.fds] : [this.#image.handle, ...table.fds]
    if (snapshot !== undefined) {
      const at = isMapped ? 0 : 1
      if ('file' in snapshot) fds.splice(at, 0, snapshot.file)
      else if (!isMapped) fds.splice(at, 0, snapshot.from.handle)
    }
    return worker.ask(frame, fds, plan.timeoutMs + this.#options.killGraceMs)
  }

  #read(bytes: Buffer): NativeReport {
    const report = decodeReport(bytes, this.#plan.channels.length)
    if (report.isMapped) this.#worker.mapped = this.#mapped
    const { snapshot } = this.#options
    if (snapshot !== undefined && 'file' in snapshot && report.hasSnapshot) snapshot.onMade()
    const native = toNativeReport(report, this.#plan)
    return snapshot !== undefined && 'from' in snapshot
      ? { ...native, snapshot: snapshot.mark }
      : native
  }
}

/** What the worker gets, in the order of the start frame. */
class DescriptorTable {
  readonly fds: FdHandle[] = []
  readonly pipes = new Map<string, FdHandle>()
  readonly files = new Map<string, Scratch>()
  readonly #opened: FdHandle[] = []
  readonly #plan: SessionPlan
  readonly #inputs: SessionInputs
  readonly #options: SessionOptions

  constructor(plan: SessionPlan, inputs: SessionInputs, options: SessionOptions) {
    this.#plan = plan
    this.#inputs = inputs
    this.#options = options
  }

  open(source: SessionSource, channel: ChannelOf<unknown>): void {
    const own = this.#openOwn(source, channel)
    if (own !== undefined) this.#opened.push(own)
    this.fds.push(own ?? this.#options.nothing)
  }

  /** Idempotent. */
  closeTheirs(): void {
    for (const handle of this.#opened.splice(0)) handle.close()
  }

  closeOurs(): void {
    for (const handle of this.pipes.values()) handle.close()
    for (const file of this.files.values()) file.close()
  }

  #openOwn(source: SessionSource, channel: ChannelOf<unknown>): FdHandle | undefined {
    const isWritten = channel.limits.writes > 0n
    switch (source.kind) {
      case 'null':
        return channel.alias === nvramAlias ? this.#nvram() : undefined
      case 'part':
        return this.#inputs.openPart(source.name)
      case 'sha256':
        return this.#inputs.openBlob(source.digest)
      case 'response':
        return this.#output(outputName(source), channel)
      case 'object':
        return isWritten
          ? this.#output(outputName(source), channel)
          : this.#inputs.openObject(source)
      case 'link':
        return this.#inputs.openLink(source, isWritten ? 'write' : 'read')
    }
  }

  #nvram(): FdHandle | undefined {
    const { nvram } = this.#plan
    if (nvram === undefined) return undefined
    return this.#options.native.makeMemfd('nvram', Buffer.from(nvram), { seal: true })
  }

  #output(name: string, channel: ChannelOf<unknown>): FdHandle {
    const { native, scratchDir } = this.#options
    if (writesAtRandom(channel)) {
      const file = openScratch(scratchDir)
      this.files.set(name, file)
      return native.adoptFd(openSync(`/proc/self/fd/${file.fd}`, 'r+'))
    }
    const pipe = native.makePipe({ sizeBytes: outputPipeBytes, nonBlockingRead: true })
    this.pipes.set(name, pipe.read)
    return pipe.write
  }
}

function unreadable(error: unknown): WorkerError {
  return new WorkerError('worker-wire', 'an unreadable report', { cause: error })
}

export function toNativeReport(
  frame: ReportFrame,
  plan: Pick<SessionPlan, 'channels'>,
): NativeReport {
  const { outcome, reason, validator, memoryEtag } = frame
  const address = `0x${frame.faultAddress.toString(16).padStart(8, '0')}`
  const { programSha256Hex: hex } = frame
  return {
    outcome,
    exitCode: outcome === 'exited' ? frame.exitCode : null,
    reason: reason === '' ? null : reason,
    validator,
    profile: validator === 'ok' ? frame.profile : null,
    wallMs: frame.wallUs / 1000,
    cpuMs: frame.cpuUs / 1000,
    peakMemoryBytes: frame.peakMemoryBytes,
    memoryEtag,
    program: hex === '' ? null : `sha256:${hex}`,
    fault: outcome === 'trapped' ? { signal: frame.faultSignal, address } : null,
    error: outcome === 'failed' ? { code: reason, message: frame.state } : null,
    violationCount: 0,
    violations: [],
    channels: frame.channels.map(({ index, ...used }) => {
      return { alias: plan.channels[index]?.alias ?? '', ...used }
    }),
  }
}
