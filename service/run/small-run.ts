// One worker that takes small nodes of one program, many in a frame and two frames under way, until
// its owner has no more of them. How many it puts into a frame follows from how long they take, so
// that neither long nodes queue behind each other nor short ones wait for the wire.
import type { Digest } from '../job/digest.ts'
import type { NodePlan } from '../job/graph-plan.ts'
import type { WorkerError } from './errors.ts'
import type { ImageLease } from './programs.ts'
import { StartsPacker } from './small-node.ts'
import { frameTypeOf, sessionIdOf, WireError } from './wire.ts'
import { eachRecord, eachReport, type ReportHead, readReportHead } from './wire-many.ts'
import type { Talk, Worker } from './worker.ts'

export type SmallNode = {
  /** In the plan. */
  readonly at: number
  readonly sessionId: number
  readonly node: NodePlan
  readonly inputs: readonly Buffer[]
}

export type SmallRunOwner = {
  /** The node that is next, if it is a small one of this program; it stays next until `take`. */
  tryPeek(program: Digest): SmallNode | undefined
  take(): void
  onReport(at: number, frame: Buffer, from: number, to: number, head: ReportHead): void
  onOutput(at: number, channel: number, bytes: Buffer): void
  /** This node's worker has ended without its report. Those behind it have not begun. */
  onLost(at: number, error: WorkerError): void
}

export type SmallRunOptions = {
  readonly program: Digest
  readonly image: ImageLease
  /** From a frame of the worker to the next one. */
  readonly silenceMsMax: number
}

const framesMax = 2
const frameNodesMax = 512
/** What a frame should take, so that lanes end together and a stop is heard soon. */
const frameUs = 5_000
/** From the request to stop to the end of the process. */
const cancelMs = 50
const outputRecordsAt = 24

type Sent = { readonly nodes: SmallNode[]; done: number; wallUs: number }

export class SmallRun {
  /** Never rejects. The worker is idle or has ended. */
  readonly done: Promise<void>
  readonly #worker: Worker
  readonly #owner: SmallRunOwner
  readonly #options: SmallRunOptions
  readonly #talk: Talk
  readonly #packer: StartsPacker
  readonly #finish: () => void
  readonly #sent: Sent[] = []
  #waiting: { readonly frame: Buffer; readonly bringsImage: boolean } | undefined
  #frameNodes = 1
  #doneCount = 0
  #isMapped: boolean
  #isStopped = false
  #killTimer: NodeJS.Timeout | undefined

  /** `worker` is idle, and this run's until `done`. */
  constructor(worker: Worker, owner: SmallRunOwner, options: SmallRunOptions) {
    this.#worker = worker
    this.#owner = owner
    this.#options = options
    this.#packer = new StartsPacker(options.program, options.image.profile)
    this.#isMapped = worker.mapped === options.program
    worker.mapped = undefined
    const done = Promise.withResolvers<void>()
    this.done = done.promise
    this.#finish = done.resolve
    this.#talk = worker.talk({
      onFrame: (frame) => this.#take(frame),
      onEnd: (error) => this.#onEnd(error),
    })
    this.#pump()
  }

  /** No more nodes; those under way are cancelled, or their process is killed. */
  cancel(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    if (this.#sent.length === 0) return
    this.#worker.kill('SIGTERM')
    this.#killTimer = setTimeout(() => this.#worker.kill('SIGKILL'), cancelMs)
  }

  #pump(): void {
    while (this.#sendWaiting() && this.#sent.length < framesMax && !this.#isStopped) {
      const nodes = this.#pack()
      if (nodes.length === 0) break
      this.#sent.push({ nodes, done: 0, wallUs: 0 })
    }
    if (this.#sent.length > 0) this.#talk.expect(this.#options.silenceMsMax)
    else this.#end()
  }

  /** The nodes of the next frame, which then waits to be sent. */
  #pack(): SmallNode[] {
    const { program } = this.#options
    const nodes: SmallNode[] = []
    this.#packer.begin(this.#isMapped)
    while (nodes.length < this.#frameNodes) {
      const next = this.#owner.tryPeek(program)
      if (next === undefined) break
      if (!this.#packer.tryAdd(next.sessionId, next.node, next.inputs)) break
      this.#owner.take()
      nodes.push(next)
    }
    if (nodes.length === 0) return nodes
    this.#waiting = { frame: this.#packer.finish(), bringsImage: !this.#isMapped }
    this.#isMapped = true
    return nodes
  }

  /** False when the socket is full. */
  #sendWaiting(): boolean {
    if (this.#waiting === undefined) return true
    const { frame, bringsImage } = this.#waiting
    if (!this.#talk.send(frame, bringsImage ? [this.#options.image.handle] : [])) return false
    this.#waiting = undefined
    return true
  }

  #take(frame: Buffer): void {
    const type = frameTypeOf(frame)
    if (type === 'output') {
      const node = this.#current()
      if (sessionIdOf(frame) !== node.sessionId) throw new WireError('frame-invalid', 'session')
      eachRecord(frame, outputRecordsAt, frame.length, (channel, bytes) =>
        this.#owner.onOutput(node.at, channel, bytes),
      )
      this.#talk.expect(this.#options.silenceMsMax)
      return
    }
    if (type !== 'reports') throw new WireError('frame-invalid', 'type')
    eachReport(frame, (from, to) => this.#takeReport(frame, from, to))
    this.#pump()
  }

  #current(): SmallNode {
    const sent = this.#sent[0]
    const node = sent?.nodes[sent.done]
    if (node === undefined) throw new WireError('frame-invalid', 'an answer without a task')
    return node
  }

  #takeReport(frame: Buffer, from: number, to: number): void {
    const node = this.#current()
    const head = readReportHead(frame, from)
    if (head.sessionId !== node.sessionId) throw new WireError('frame-invalid', 'session')
    this.#owner.onReport(node.at, frame, from, to, head)
    this.#doneCount += 1
    this.#worker.mapped = head.isMapped ? this.#options.program : undefined
    const sent = this.#sent[0]
    if (sent === undefined) return
    sent.done += 1
    sent.wallUs += head.wallUs
    if (sent.done < sent.nodes.length) return
    this.#sent.shift()
    const fit = Math.floor(frameUs / Math.max(sent.wallUs / sent.done, 1))
    this.#frameNodes = Math.min(Math.max(fit, 1), 2 * this.#frameNodes, frameNodesMax)
  }

  #end(): void {
    this.#talk.end(this.#doneCount)
    clearTimeout(this.#killTimer)
    this.#finish()
  }

  #onEnd(error: WorkerError): void {
    const sent = this.#sent[0]
    const node = sent?.nodes[sent.done]
    if (node !== undefined) this.#owner.onLost(node.at, error)
    clearTimeout(this.#killTimer)
    this.#finish()
  }
}
