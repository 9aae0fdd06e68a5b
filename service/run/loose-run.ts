// One graph without links: its nodes need not run at the same time, so a few workers take them one
// after the other, the small ones many in a frame. Ends all of them when one fails, and commits the
// objects that they have written when none has. Whoever has the run must call `close`.
import { Readable } from 'node:stream'
import type { Limits } from '../config.ts'
import { canWrite } from '../job/channel.ts'
import type { Digest } from '../job/digest.ts'
import type { GraphPlan, NodePlan } from '../job/graph-plan.ts'
import { GraphTally, type NodeFacts } from '../job/graph-report.ts'
import type { ObjectUrl } from '../job/node-url.ts'
import type { NodeReport } from '../job/report.ts'
import type { ObjectStore } from '../store/object.ts'
import { Changes } from './changes.ts'
import { WorkerError } from './errors.ts'
import { GraphOutputs } from './graph-outputs.ts'
import { type GraphStart, storeFailed } from './graph-run.ts'
import { HeldParts } from './held-parts.ts'
import { type EndCause, type JobEnd, type JobRun, reportOfEnd } from './job-run.ts'
import { KeptBytes } from './kept-bytes.ts'
import type { Output, StoredPiece } from './output.ts'
import type { ImageLease } from './programs.ts'
import { type Session, type SessionInputs, takeSessionIds, toNativeReport } from './session.ts'
import type { ProgramSource, Sessions } from './sessions.ts'
import { SmallInputs } from './small-node.ts'
import { type SmallNode, SmallRun, type SmallRunOwner } from './small-run.ts'
import { decodeReport } from './wire.ts'
import { copyReport, eachRecord, type ReportHead, recordsOfReport } from './wire-many.ts'

/** How many processes a graph without links has at once. */
export function looseWorkers(plan: GraphPlan, limits: Limits): number {
  return Math.min(plan.nodes.length, limits.graphWorkersMax, limits.nodesRunningMax)
}

/** Rejects when a program is refused or no worker starts; then nothing runs. */
export async function startLoose(
  { plan, programOf, inputs, tenant }: GraphStart,
  sessions: Sessions,
  store: ObjectStore,
  limits: Limits,
  signal: AbortSignal,
): Promise<JobRun> {
  const parts = new HeldParts(sessions.native, plan, inputs.openPart)
  const programs = new Map<string, LooseProgram>()
  try {
    for (const { program } of plan.nodes) {
      const name = nameOf(program)
      if (programs.has(name)) continue
      const given = programOf(program)
      const open = program.kind === 'part' ? () => parts.open(program.name) : given.open
      const image = await sessions.programs.lease(given.digest, open)
      programs.set(name, { source: { digest: given.digest, open }, image })
      signal.throwIfAborted()
    }
    const held = { ...inputs, openPart: (name: string) => parts.open(name) }
    const run = new LooseRun(plan, programs, held, tenant, sessions, store, limits)
    run.left.then(() => parts.close())
    return run
  } catch (error) {
    parts.close()
    for (const { image } of programs.values()) image.release()
    throw error
  }
}

function nameOf(program: NodePlan['program']): string {
  return program.kind === 'part' ? program.name : program.digest
}

type LooseProgram = { readonly source: ProgramSource; readonly image: ImageLease }

type Piece = Buffer | StoredPiece

class LooseRun implements JobRun, SmallRunOwner {
  readonly sessionIds: readonly number[]
  readonly left: Promise<void>
  readonly ended: Promise<JobEnd>
  failure: Error | undefined
  readonly #plan: GraphPlan
  readonly #tenant: string
  readonly #sessions: Sessions
  readonly #changes = new Changes()
  readonly #inputs: SessionInputs
  readonly #small: SmallInputs
  readonly #programs: ReadonlyMap<string, LooseProgram>
  readonly #outputs: GraphOutputs
  readonly #kept: KeptBytes
  readonly #tally: GraphTally
  readonly #firstId: number
  readonly #isDone: Uint8Array
  readonly #running = new Set<Pick<Session, 'cancel'>>()
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #silenceMsMax: number
  /** Of the objects that nodes are writing, by node and channel. */
  readonly #pieces = new Map<string, Piece[]>()
  #peeked: SmallNode | undefined
  #staged: Promise<void> = Promise.resolve()
  #next = 0
  #cause: EndCause | undefined
  #failed: NodeReport | undefined

  constructor(
    plan: GraphPlan,
    programs: ReadonlyMap<string, LooseProgram>,
    inputs: SessionInputs,
    tenant: string,
    sessions: Sessions,
    store: ObjectStore,
    limits: Limits,
  ) {
    this.#plan = plan
    this.#tenant = tenant
    this.#sessions = sessions
    this.#inputs = inputs
    this.#small = new SmallInputs(inputs)
    this.#programs = programs
    this.#firstId = takeSessionIds(plan.nodes.length)
    this.sessionIds = [this.#firstId, this.#firstId + plan.nodes.length - 1]
    this.#isDone = new Uint8Array(plan.nodes.length)
    this.#tally = new GraphTally(plan.nodes, limits.reportNodesMax, false)
    this.#kept = new KeptBytes(sessions.scratchDir, limits)
    this.#outputs = new GraphOutputs({
      plan,
      store,
      scratchDir: sessions.scratchDir,
      limits,
      onChange: this.#changes.ring,
      onFault: (fault) => this.#stop(fault),
    })
    const timeoutMs = plan.nodes.reduce((most, node) => Math.max(most, node.timeoutMs), 0)
    this.#silenceMsMax = timeoutMs + limits.killGraceMs
    this.#timer = setTimeout(() => this.#stop('deadline'), limits.timeoutMsMax)
    const lanes = Array.from({ length: looseWorkers(plan, limits) }, () => this.#lane())
    this.left = Promise.all(lanes).then(() => clearTimeout(this.#timer))
    this.ended = this.#finish()
  }

  get outputs(): readonly Output[] {
    return this.#outputs.all
  }

  changed(): Promise<void> {
    return this.#changes.next()
  }

  cancel(): void {
    this.#stop('cancel')
  }

  fail(error: Error): void {
    this.failure ??= error
    this.#stop('cancel')
  }

  close(): void {
    this.#stop('cancel')
    this.#outputs.close()
    this.#kept.close()
  }

  /** Of any program, if none is given. */
  tryPeek(program?: Digest): SmallNode | undefined {
    const at = this.#next
    const node = this.#plan.nodes[at]
    if (node === undefined || this.#cause !== undefined) return undefined
    if (program !== undefined && this.#programOf(node).source.digest !== program) return undefined
    if (this.#peeked?.at === at) return this.#peeked
    if (!this.#sessions.keepsWorkers) return undefined
    const inputs = this.#small.tryRead(node)
    if (inputs === undefined) return undefined
    this.#peeked = { at, node, sessionId: this.#firstId + at, inputs }
    return this.#peeked
  }

  take(): void {
    this.#next += 1
  }

  onReport(at: number, frame: Buffer, from: number, to: number, head: ReportHead): void {
    const node = this.#nodeAt(at)
    eachRecord(frame, recordsOfReport(frame, from, to), to, (channel, bytes) =>
      this.onOutput(at, channel, bytes),
    )
    const { outcome, exitCode } = head
    if (outcome === 'exited' && !this.#tally.keeps(head)) {
      const { wallUs, cpuUs, peakMemoryBytes, isValid, isZvm } = head
      const validator = isValid ? 'ok' : 'not-run'
      const profile = isValid ? (isZvm ? 'zvm' : 'nacl') : null
      const times = { wallMs: wallUs / 1000, cpuMs: cpuUs / 1000, peakMemoryBytes }
      this.#nodeEnded(at, node, { outcome, exitCode, validator, profile, ...times }, undefined)
    } else {
      const decoded = decodeReport(copyReport(frame, from, to), node.channels.length)
      this.#report(at, node, toNativeReport(decoded, node))
    }
    this.#closeSmall(at, node, outcome === 'exited')
  }

  onOutput(at: number, channel: number, bytes: Buffer): void {
    const source = this.#nodeAt(at).channels[channel]?.sources[0]
    if (source?.kind !== 'response' && source?.kind !== 'object') return
    const piece = this.#kept.tryKeep(bytes)
    if (piece === undefined) this.#stop('spool')
    else if (source.kind === 'response') this.#outputs.tryGet(source.name)?.put(piece)
    else {
      const name = `${at}/${channel}`
      const pieces = this.#pieces.get(name)
      if (pieces === undefined) this.#pieces.set(name, [piece])
      else pieces.push(piece)
    }
  }

  onLost(at: number, error: WorkerError): void {
    const node = this.#nodeAt(at)
    this.#report(at, node, error)
    this.#closeSmall(at, node, false)
  }

  #nodeAt(at: number): NodePlan {
    const node = this.#plan.nodes[at]
    if (node === undefined) throw new Error(`there is no node ${at}`)
    return node
  }

  #programOf({ program }: NodePlan): LooseProgram {
    const known = this.#programs.get(nameOf(program))
    if (known === undefined) throw new Error('a node without its program')
    return known
  }

  #stop(cause: EndCause): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    this.#abort.abort(new Error(cause))
    for (const each of this.#running) each.cancel()
  }

  async #lane(): Promise<void> {
    try {
      for (;;) {
        const node = this.#plan.nodes[this.#next]
        if (node === undefined || this.#cause !== undefined) return
        if (this.tryPeek() === undefined) await this.#runAlone(this.#next++, node)
        else await this.#runSmall(this.#programOf(node))
      }
    } catch (error) {
      if (this.#cause === undefined) this.fail(error instanceof Error ? error : new Error('?'))
    }
  }

  async #runSmall({ source, image }: LooseProgram): Promise<void> {
    const affinity = { tenant: this.#tenant, program: source.digest }
    const worker = await this.#sessions.workers.take(affinity)
    try {
      const silenceMsMax = this.#silenceMsMax
      const run = new SmallRun(worker, this, { program: source.digest, image, silenceMsMax })
      this.#running.add(run)
      await run.done
      this.#running.delete(run)
    } finally {
      this.#sessions.workers.giveBack(worker)
    }
  }

  async #runAlone(at: number, node: NodePlan): Promise<void> {
    const start = { plan: node, program: this.#programOf(node).source, inputs: this.#inputs }
    const session = await this.#sessions.start(start, this.#tenant, this.#abort.signal)
    this.#running.add(session)
    if (this.#cause !== undefined) session.cancel()
    this.#outputs.collect(node, session)
    const end = await session.ended
    this.#running.delete(session)
    await this.#outputs.takeFiles(node, session)
    this.#report(at, node, end)
  }

  #report(at: number, node: NodePlan, end: Parameters<typeof reportOfEnd>[0]): void {
    const { digest } = this.#programOf(node).source
    const report = { node: node.name, ...reportOfEnd(end, digest, this.#cause) }
    this.#nodeEnded(at, node, report, report)
  }

  #nodeEnded(at: number, node: NodePlan, facts: NodeFacts, report: NodeReport | undefined): void {
    this.#isDone[at] = 1
    const isKept = report !== undefined && this.#tally.keeps(report)
    this.#tally.add(at, node.group, facts, isKept ? report : undefined)
    if (report !== undefined && report.outcome !== 'exited') {
      this.#failed ??= report
      this.#stop('node')
    }
  }

  /** A small node writes no more: what it wrote is whole if it exited. */
  #closeSmall(at: number, node: NodePlan, isWhole: boolean): void {
    for (const [index, { sources, limits, contentType }] of node.channels.entries()) {
      const [source] = sources
      if (source?.kind === 'response') this.#outputs.tryGet(source.name)?.end()
      else if (source?.kind === 'object' && canWrite(limits)) {
        const pieces = this.#pieces.get(`${at}/${index}`) ?? []
        this.#pieces.delete(`${at}/${index}`)
        if (isWhole) this.#stage(source, contentType, pieces)
      }
    }
  }

  /** One after the other, because each one opens a file. */
  #stage(url: ObjectUrl, contentType: string, pieces: readonly Piece[]): void {
    this.#staged = this.#staged.then(() => {
      if (this.#cause !== undefined) return
      const bytes = Readable.from(bytesOf(pieces), { objectMode: false })
      return this.#outputs.stage(url, contentType, bytes)
    })
  }

  async #finish(): Promise<JobEnd> {
    await this.left
    await this.#staged
    await this.#outputs.settled()
    for (const { image } of this.#programs.values()) image.release()
    for (const [at, node] of this.#plan.nodes.entries()) {
      if (this.#isDone[at] === 0) this.#report(at, node, neverBegan)
    }
    for (const output of this.#outputs.all) if (!output.ended) output.end()
    const isGood = this.#cause === undefined && this.#tally.hasSucceeded
    const objects = isGood ? this.#outputs.tryCommit() : []
    this.#outputs.discard()
    if (objects === undefined) this.#cause = 'store'
    const failed = this.#failed ?? (this.#cause === 'store' ? storeFailed : undefined)
    const report = { ...this.#tally.report(objects ?? [], failed), links: [] }
    return { report, native: undefined }
  }
}

/** There is a cause whenever a node has not begun, and it tells more. */
const neverBegan = new WorkerError('worker-died', 'not begun')

function* bytesOf(pieces: readonly Piece[]): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.isBuffer(piece) ? piece : piece.read()
}
