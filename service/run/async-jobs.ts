// Jobs that outlive their request: they wait in a queue of their own, of which one at a time
// stands in the queue that all jobs share, so that neither kind can starve the other. Outputs are
// staged while the guest writes and become visible together, before the state says `done`.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AsyncEvent, AsyncJob, AsyncState } from '../job/async-state.ts'
import type { Digest } from '../job/digest.ts'
import type { NativeReport } from '../job/report.ts'
import type { OpenObject } from '../store/object.ts'
import { AsyncOutputs, type OutputLimits } from './async-outputs.ts'
import { type AsyncPlace, type AsyncPlaceLimits, AsyncPlaces } from './async-places.ts'
import { type AsyncEnd, type AsyncPage, AsyncTable, type ListQuery } from './async-table.ts'
import { AdmissionError } from './errors.ts'
import type { JobRun } from './job-run.ts'

export type AsyncLimits = AsyncPlaceLimits &
  OutputLimits & {
    readonly asyncRetentionMs: number
    readonly eventListenersMax: number
  }

export type AsyncOptions = {
  /** Private (0700): the table and the outputs. */
  readonly folder: string
  readonly limits: AsyncLimits
  /** What clients are told about an error. */
  readonly problemOf: (error: unknown) => Readonly<Record<string, unknown>>
  /** The error of a session that ended before its guest began; undefined when it began. */
  readonly refusalOf: (report: NativeReport | undefined) => Error | undefined
  /** An ended job, or an error that is the service's own. */
  readonly onEnd: (id: string, state: AsyncState, error?: unknown) => void
}

/** What runs. `start` waits for a slot and rejects when the job cannot start. */
export type AsyncWork = {
  readonly tenant: string
  /** Undefined: a graph, which may have many. */
  readonly program: Digest | undefined
  /**
   * When it had better not start yet: resolves when to ask again, or when the signal is aborted.
   * Never rejects.
   */
  readonly tryWait?: ((signal: AbortSignal) => Promise<void> | undefined) | undefined
  readonly start: (id: string, signal: AbortSignal) => Promise<JobRun>
  /** Frees the uploads; a session that has started has descriptors of its own. Idempotent. */
  readonly dispose: () => void
}

type Entry = {
  readonly id: string
  readonly work: AsyncWork
  readonly place: AsyncPlace
  readonly abort: AbortController
  run: JobRun | undefined
  /** Others go first. */
  isHeld: boolean
  /** Its last state is in the table. */
  isOver: boolean
}

const retryMs = 200
const sweepMsMax = 60_000

export class AsyncJobs {
  readonly places: AsyncPlaces
  readonly #options: AsyncOptions
  readonly #table: AsyncTable
  readonly #outputs: AsyncOutputs
  readonly #queue = new Map<string, Entry>()
  readonly #active = new Map<string, Entry>()
  readonly #executing = new Set<Promise<void>>()
  readonly #listeners = new Map<string, Set<(event: AsyncEvent) => void>>()
  #listenerCount = 0
  #isStarting = false
  readonly #sweeper: NodeJS.Timeout

  constructor(options: AsyncOptions) {
    this.#options = options
    const { folder, limits } = options
    this.#table = new AsyncTable(folder, Date.now())
    this.#outputs = new AsyncOutputs(join(folder, 'outputs'), limits)
    this.places = new AsyncPlaces(limits, () => this.#table.count)
    // Committed right before the service died, or of a job that was just removed.
    this.#outputs.removeOrphans((id) => this.#table.tryGet(id)?.state === 'done')
    this.sweep(Date.now())
    const sweepMs = Math.min(sweepMsMax, Math.max(1, limits.asyncRetentionMs / 4))
    this.#sweeper = setInterval(() => this.sweep(Date.now()), sweepMs).unref()
  }

  get waiting(): number {
    return this.#queue.size
  }
  get active(): number {
    return this.#active.size
  }
  get kept(): number {
    return this.#table.count
  }
  get inputBytes(): number {
    return this.places.inputBytes
  }
  get listeners(): number {
    return this.#listenerCount
  }

  /** Takes over `place` and `work`. */
  submit(place: AsyncPlace, work: AsyncWork): AsyncJob {
    const id = randomUUID()
    const abort = new AbortController()
    const entry = { id, work, place, abort, run: undefined, isHeld: false, isOver: false }
    this.#table.add({ id, tenant: work.tenant, program: work.program }, Date.now())
    this.#queue.set(id, entry)
    setImmediate(() => this.#startNext())
    return this.#get(id)
  }

  tryGet(id: string): AsyncJob | undefined {
    return this.#table.tryGet(id)
  }

  list(query: ListQuery): AsyncPage {
    return this.#table.list(query)
  }

  /** Undefined: there is no such output, or it is not complete. */
  tryOpenOutput(id: string, name: string): OpenObject | undefined {
    if (this.#table.tryGet(id)?.state !== 'done') return undefined
    return this.#outputs.tryOpen(id, name)
  }

  /** Ends a job that has not ended; what it uses is freed a moment later. */
  cancel(id: string): void {
    const entry = this.#queue.get(id) ?? this.#active.get(id)
    if (entry !== undefined) this.#stop(entry, 'cancelled')
  }

  /** Of a job that has ended. */
  remove(id: string): void {
    // First the name, then the bytes: what a crash leaves in between is removed at the next start.
    this.#table.remove(id)
    this.#outputs.remove(id)
  }

  /** Removes what has been kept for long enough. */
  sweep(nowMs: number): void {
    const limitMs = nowMs - this.#options.limits.asyncRetentionMs
    for (const id of this.#table.endedBefore(limitMs)) this.remove(id)
  }

  /**
   * Events after the one of number `after`, and every later one through `onEvent`, until `stop` is
   * called. Throws AdmissionError when too many listen.
   */
  listen(id: string, after: number, onEvent: (event: AsyncEvent) => void) {
    const { eventListenersMax } = this.#options.limits
    if (this.#listenerCount >= eventListenersMax) {
      throw new AdmissionError('listeners-full', `eventListenersMax is ${eventListenersMax}`, 5)
    }
    const group = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, group.add(onEvent))
    this.#listenerCount += 1
    const stop = () => {
      if (group.delete(onEvent)) this.#listenerCount -= 1
      if (group.size === 0 && this.#listeners.get(id) === group) this.#listeners.delete(id)
    }
    return { past: this.#table.events(id, after), stop }
  }

  /** No new jobs; those that wait are interrupted, those that run go on. */
  drain(): void {
    this.places.drain()
    for (const entry of [...this.#queue.values()]) this.#stop(entry, 'interrupted')
  }

  /** When nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#executing.size > 0) await Promise.allSettled(this.#executing)
  }

  /** Interrupts what still runs. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.drain()
    for (const entry of [...this.#active.values()]) this.#stop(entry, 'interrupted')
    await this.idle()
    this.#outputs.close()
    this.#table.close()
  }

  #get(id: string): AsyncJob {
    const job = this.#table.tryGet(id)
    if (job === undefined) throw new Error('a job vanished from its table')
    return job
  }

  #stop(entry: Entry, state: 'cancelled' | 'interrupted'): void {
    this.#end(entry, state)
    entry.abort.abort(new Error(state))
    entry.run?.close()
    if (this.#queue.delete(entry.id)) this.#free(entry)
  }

  #startNext(): void {
    const entry = this.#isStarting ? undefined : this.#nextFree()
    if (entry === undefined) return
    this.#isStarting = true
    this.#queue.delete(entry.id)
    this.#active.set(entry.id, entry)
    const execution = this.#execute(entry)
      .catch((error) => this.#options.onEnd(entry.id, 'running', error))
      .finally(() => {
        this.#executing.delete(execution)
        this.#active.delete(entry.id)
        this.#free(entry)
      })
    this.#executing.add(execution)
  }

  /** The first that may start. The others are asked again when they say so. */
  #nextFree(): Entry | undefined {
    for (const entry of this.#queue.values()) {
      const held = entry.isHeld ? undefined : entry.work.tryWait?.(entry.abort.signal)
      if (held !== undefined) {
        entry.isHeld = true
        held.then(() => {
          entry.isHeld = false
          this.#startNext()
        })
      } else if (!entry.isHeld) return entry
    }
    return undefined
  }

  async #execute(entry: Entry): Promise<void> {
    try {
      entry.run = await this.#start(entry).finally(() => {
        entry.work.dispose()
        this.#isStarting = false
        this.#startNext()
      })
      if (entry.isOver) return
      this.#table.setRunning(entry.id, Date.now())
      this.#publish(entry.id)
      await this.#collect(entry, entry.run)
    } catch (error) {
      if (error instanceof AdmissionError && error.code === 'draining') {
        this.#end(entry, 'interrupted')
      } else this.#end(entry, 'failed', { problem: this.#options.problemOf(error) }, error)
    } finally {
      entry.run?.close()
    }
  }

  async #start(entry: Entry): Promise<JobRun> {
    for (;;) {
      try {
        return await entry.work.start(entry.id, entry.abort.signal)
      } catch (error) {
        const isFull = error instanceof AdmissionError && error.code !== 'draining'
        if (!isFull || entry.isOver) throw error
        await sleep(retryMs, undefined, { signal: entry.abort.signal })
      }
    }
  }

  async #collect(entry: Entry, run: JobRun): Promise<void> {
    const staged = await this.#outputs.stage(entry.id, run)
    try {
      const { report, native } = await run.ended
      if (entry.isOver) return
      const refusal = this.#options.refusalOf(native)
      if (refusal !== undefined) throw refusal
      // What a session that failed had written may be torn.
      if (report.outcome === 'failed' || report.outcome === 'cancelled') {
        this.#end(entry, 'failed', { report })
      } else this.#end(entry, 'done', { report, outputs: staged.commit() })
    } finally {
      staged.discard()
    }
  }

  #end(entry: Entry, state: AsyncState, end: AsyncEnd = {}, error?: unknown): void {
    if (entry.isOver) return
    entry.isOver = true
    this.#table.setEnded(entry.id, state, Date.now(), end)
    this.#publish(entry.id)
    this.#options.onEnd(entry.id, state, error)
  }

  #publish(id: string): void {
    const event = this.#table.events(id, 0).at(-1)
    const group = this.#listeners.get(id)
    if (event === undefined || group === undefined) return
    for (const listener of [...group]) listener(event)
  }

  #free(entry: Entry): void {
    entry.work.dispose()
    entry.place.release()
  }
}
