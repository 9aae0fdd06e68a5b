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
import { decodeReport, encodeStart, type ReportFrame } from './wire.ts'
import type { Worker } from './worker.ts'

/** The kernel's buffer between a guest and us: what it may write before anybody reads. */
export const outputPipeBytes = 512 * 1024
/** From the request to stop to the end of the process. */
const cancelMs = 50

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
    const sessionId = takeSessionIds(1)
    const isMapped = worker.mapped === program
    worker.mapped = undefined
    const frame = encodeStart(sessionId, {
      memoryBytes: plan.memoryBytes,
      wallMs: plan.timeoutMs,
      cpuMs: 0,
      profile: image.profile,
      memoryEtag: plan.memoryEtag,
      ...(isMapped ? { mappedSha256Hex: hexOf(program) } : {}),
      channels: plan.channels.map(({ alias, type, etag, limits, sources }) => {
        return { alias, type, etag, limits, sourceCount: sources.length }
      }),
    })
    const deadlineMs = plan.timeoutMs + options.killGraceMs
    const fds = isMapped ? table.fds : [image.handle, ...table.fds]
    const answer = worker.ask(frame, fds, deadlineMs)
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    const cancel = () => {
      if (isOver || timer !== undefined) return
      worker.cancel(sessionId)
      timer = setTimeout(() => worker.kill('SIGKILL'), cancelMs)
    }
    const ended = answer.then(
      (bytes) => {
        const report = decodeReport(bytes, plan.channels.length)
        if (report.isMapped) worker.mapped = program
        return toNativeReport(report, plan)
      },
      (error) => error,
    )
    return {
      id: sessionId,
      pipes: table.pipes,
      files: table.files,
      ended: ended.catch(unreadable).finally(() => {
        isOver = true
        clearTimeout(timer)
      }),
      cancel,
      abandon: () => {
        cancel()
        table.closeOurs()
      },
    }
  } catch (error) {
    table.closeOurs()
    throw error
  } finally {
    table.closeTheirs()
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

  closeTheirs(): void {
    for (const handle of this.#opened) handle.close()
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

export function toNativeReport(frame: ReportFrame, plan: SessionPlan): NativeReport {
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
