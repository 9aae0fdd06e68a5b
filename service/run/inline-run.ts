// A job of one session whose bytes travel in frames (inline-start.ts), from its start frame to its
// report. Most end with one frame, and all that they wrote is in it. One that writes more, or that
// computes for long, becomes a stream: its outputs are collected like those of any other run, and
// the worker is not read while they are full.
import type { Limits } from '../config.ts'
import { type Digest, hexOf } from '../job/digest.ts'
import type { Plan } from '../job/plan.ts'
import { Changes } from './changes.ts'
import { WorkerError } from './errors.ts'
import { FrameSource } from './frame-source.ts'
import type { InlineStart } from './inline-start.ts'
import { type EndCause, type JobEnd, type JobRun, reportOfEnd } from './job-run.ts'
import { Output } from './output.ts'
import type { ImageLease } from './programs.ts'
import { cancelMs, startsMax, takeSessionIds, toNativeReport } from './session.ts'
import {
  decodeOutput,
  decodeReport,
  fillStart,
  type InlineInput,
  type OutputRecord,
  programCheck,
  WireError,
} from './wire.ts'
import type { Worker } from './worker.ts'

export type InlineJob = {
  readonly plan: Plan
  readonly start: InlineStart
  readonly program: Digest
  readonly inputs: readonly InlineInput[]
}

/** Where the run gets its workers from, and who gets them back. */
export type InlineWorkers = {
  take(): Promise<Worker>
  giveBack(worker: Worker): void
}

/** Each is called at most once, maybe before the run is in its caller's hands. */
export type InlineEvents = {
  /** It writes, and has not ended. */
  onStream(run: InlineRun): void
  /** The worker is free; before `onEnd`. */
  onLeft(): void
  onEnd(run: InlineRun, end: JobEnd): void
}

export class InlineRun implements JobRun {
  readonly sessionIds: readonly number[]
  readonly outputs: readonly Output[]
  failure: Error | undefined
  readonly #changes = new Changes()
  readonly #job: InlineJob
  #worker: Worker
  readonly #events: InlineEvents
  readonly #limits: Limits
  readonly #scratchDir: string
  readonly #workers: InlineWorkers
  #starts = 0
  readonly #startMs = performance.now()
  #cause: EndCause | undefined
  #isLeft = false
  #end: JobEnd | undefined
  #killTimer: NodeJS.Timeout | undefined
  #left: PromiseWithResolvers<void> | undefined
  #ended: PromiseWithResolvers<JobEnd> | undefined
  #stream: Stream | undefined

  constructor(
    job: InlineJob,
    worker: Worker,
    events: InlineEvents,
    limits: Limits,
    scratchDir: string,
    workers: InlineWorkers,
  ) {
    this.#workers = workers
    this.#job = job
    this.#worker = worker
    this.#events = events
    this.#limits = limits
    this.#scratchDir = scratchDir
    this.sessionIds = [takeSessionIds(1)]
    this.outputs = job.plan.responses.map(
      ({ name, contentType }) => new Output(name, contentType, this.#changes.ring),
    )
  }

  /** Throws WireError when the inputs do not fit into a frame; then nothing has happened. */
  begin(image: Pick<ImageLease, 'handle' | 'profile'>): void {
    const { start, program, inputs, plan } = this.#job
    const worker = this.#worker
    const isMapped = worker.mapped === program
    const mappedCheck = isMapped ? programCheck(hexOf(program)) : undefined
    const { profile, handle } = image
    const frame = fillStart(start.template, this.#id, { profile, mappedCheck }, inputs)
    if (frame === undefined) throw new WireError('frame-too-large', 'inputs')
    worker.mapped = undefined
    this.#starts += 1
    worker.start(frame, isMapped ? [] : [handle], plan.timeoutMs + this.#limits.killGraceMs, {
      onOutput: (output) => this.#take(decodeOutput(output, plan.channels.length)),
      onAnswer: (answer) => this.#finish(answer),
      onFailure: (error) => {
        if (error.code !== 'worker-unread' || !this.#mayAgain) this.#leave(error, [])
        else this.#again(image).catch(() => this.#leave(error, []))
      },
    })
  }

  /** The worker has not seen the frame: another one gets it. */
  async #again(image: Pick<ImageLease, 'handle' | 'profile'>): Promise<void> {
    this.#workers.giveBack(this.#worker)
    this.#worker = await this.#workers.take()
    // An image that was evicted meanwhile cannot be sent.
    if (this.#mayAgain && !image.handle.closed) this.begin(image)
    else throw new Error('it is not wanted any more')
  }

  get #mayAgain(): boolean {
    return this.#cause === undefined && this.#starts < startsMax
  }

  get left(): Promise<void> {
    this.#left ??= Promise.withResolvers()
    if (this.#isLeft) this.#left.resolve()
    return this.#left.promise
  }

  get ended(): Promise<JobEnd> {
    this.#ended ??= Promise.withResolvers()
    if (this.#end !== undefined) this.#ended.resolve(this.#end)
    return this.#ended.promise
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
    for (const output of this.outputs) output.close()
    // Nobody reads it any more, and the worker must get its report out.
    this.#stream?.close()
  }

  get #id(): number {
    return this.sessionIds[0] ?? 0
  }

  #stop(cause: EndCause): void {
    this.#cause ??= cause
    if (this.#isLeft || this.#killTimer !== undefined) return
    this.#worker.cancel(this.#id)
    this.#killTimer = setTimeout(() => this.#worker.kill('SIGKILL'), cancelMs)
  }

  #take(records: readonly OutputRecord[]): void {
    if (this.#stream === undefined) {
      const leftMs = this.#job.plan.timeoutMs - (performance.now() - this.#startMs)
      this.#stream = new Stream(this.outputs, this.#worker, leftMs, (output, source) =>
        output
          .collectFrom(source, this.#limits, this.#scratchDir)
          .catch(() => false)
          .then((isWhole) => {
            if (!isWhole) this.#stop('spool')
          }),
      )
      this.#put(this.#stream, records)
      this.#events.onStream(this)
    } else this.#put(this.#stream, records)
  }

  #put(sink: Stream | undefined, records: readonly OutputRecord[]): void {
    for (const { channel, bytes } of records) {
      const at = this.#job.start.responses[channel]
      if (at === undefined) continue
      if (sink === undefined) this.outputs[at]?.put(bytes)
      else sink.push(at, bytes)
    }
  }

  #finish(answer: Buffer): void {
    try {
      const { plan, program } = this.#job
      const report = decodeReport(answer, plan.channels.length)
      if (report.isMapped) this.#worker.mapped = program
      this.#leave(report, report.records)
    } catch (error) {
      const cause = { cause: error }
      this.#leave(new WorkerError('worker-wire', 'an unreadable report', cause), [])
    }
  }

  #leave(end: ReturnType<typeof decodeReport> | WorkerError, rest: readonly OutputRecord[]): void {
    clearTimeout(this.#killTimer)
    this.#isLeft = true
    this.#left?.resolve()
    const native = end instanceof WorkerError ? undefined : toNativeReport(end, this.#job.plan)
    this.#workers.giveBack(this.#worker)
    this.#events.onLeft()
    this.#put(this.#stream, rest)
    const finish = () => {
      const told = native ?? (end as WorkerError)
      const report = reportOfEnd(told, this.#job.program, this.#cause)
      this.#end = { report, native }
      this.#ended?.resolve(this.#end)
      this.#events.onEnd(this, this.#end)
    }
    if (this.#stream === undefined) {
      for (const output of this.outputs) output.end()
      finish()
    } else this.#stream.end().then(finish)
  }
}

/** Outputs that come in more than one frame, as sources for those who collect them. */
class Stream {
  readonly #sources: readonly FrameSource[]
  readonly #full = new Set<FrameSource>()
  readonly #collected: readonly Promise<void>[]
  readonly #worker: Worker
  readonly #deadline: NodeJS.Timeout
  #mayPause = true

  /**
   * `leftMs`: of the guest's time. What has waited until then is taken at once, since the report
   * stands behind it; it is bounded by what a socket holds.
   */
  constructor(
    outputs: readonly Output[],
    worker: Worker,
    leftMs: number,
    collect: (output: Output, source: FrameSource) => Promise<void>,
  ) {
    this.#worker = worker
    this.#deadline = setTimeout(() => this.close(), Math.max(0, leftMs))
    this.#sources = outputs.map(() => new FrameSource((source) => this.#taken(source)))
    this.#collected = this.#sources.flatMap((source, at) => {
      const output = outputs[at]
      return output === undefined ? [] : [collect(output, source)]
    })
  }

  push(at: number, bytes: Buffer): void {
    const source = this.#sources[at]
    if (source === undefined || source.push(bytes)) return
    this.#full.add(source)
    if (this.#mayPause) this.#worker.pause()
  }

  /** Nothing more will come; resolves when everything was taken. */
  async end(): Promise<void> {
    for (const source of this.#sources) source.end()
    await Promise.all(this.#collected)
  }

  /**
   * The worker does not wait for whoever reads any more. Before somebody else has it; idempotent.
   */
  close(): void {
    clearTimeout(this.#deadline)
    if (this.#mayPause) this.#worker.resume()
    this.#mayPause = false
  }

  #taken(source: FrameSource): void {
    if (!this.#full.delete(source)) return
    if (this.#mayPause && this.#full.size === 0) this.#worker.resume()
  }
}
