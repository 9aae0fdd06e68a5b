// Who runs when. A job has a place from its first byte to its last: it uploads, waits for a slot,
// runs. Places and slots are bounded; what has no place is refused at once, before its body is
// read.
import { AdmissionError } from './errors.ts'

export type SchedulerLimits = {
  readonly concurrencyMax: number
  readonly queueMax: number
  readonly queueWaitMs: number
}

/** Must be released, once or more often. */
export type Place = {
  /**
   * Waits for a slot. Rejects with AdmissionError, or with the signal's reason when it is aborted.
   */
  acquire(signal: AbortSignal): Promise<void>
  /** The slot, when the job has run; the place stays. Idempotent. */
  releaseSlot(): void
  /** Both. Idempotent. */
  release(): void
}

/** Jobs of requests that wait for their answer, and those that outlive their request. */
type Lane = 'sync' | 'async'

type Waiting = { readonly start: () => void; readonly refuse: (reason: unknown) => void }

const retryAfterSMax = 60
/** Weight of the newest job in the mean. */
const meanWeight = 0.1

export class Scheduler {
  #places = 0
  #running = 0
  #isDraining = false
  #meanRunMs = 0
  readonly #queues: Readonly<Record<Lane, Set<Waiting>>> = { sync: new Set(), async: new Set() }
  /** Whose turn it is when both wait. */
  #turn: Lane = 'sync'
  readonly #limits: SchedulerLimits

  constructor(limits: SchedulerLimits) {
    this.#limits = limits
  }

  /** Jobs that upload, wait, run or send their answer's last part. */
  get admitted(): number {
    return this.#places
  }
  get running(): number {
    return this.#running
  }
  get waiting(): number {
    return this.#queues.sync.size + this.#queues.async.size
  }
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Throws AdmissionError when a job that came now would be refused. */
  checkRoom(): void {
    if (this.#isDraining) throw new AdmissionError('draining', 'try another instance', 1)
    const { concurrencyMax, queueMax } = this.#limits
    if (this.#places >= concurrencyMax + queueMax) {
      const detail = `concurrencyMax + queueMax is ${concurrencyMax + queueMax}`
      throw new AdmissionError('queue-full', detail, this.#retryAfterS())
    }
  }

  /** Throws AdmissionError when there is no place. */
  admit(): Place {
    this.checkRoom()
    return this.#placeIn('sync')
  }

  /**
   * For a job that has waited elsewhere: refused only while draining, and its wait for a slot has
   * no limit of time. When both kinds wait, slots are given to them in turn; the caller lets one
   * wait at a time.
   */
  admitAsync(): Place {
    if (this.#isDraining) throw new AdmissionError('draining', 'try another instance', 1)
    return this.#placeIn('async')
  }

  #placeIn(lane: Lane): Place {
    this.#places += 1
    let isPlaced = true
    let startedMs: number | undefined
    const releaseSlot = () => {
      if (startedMs === undefined) return
      this.#free(performance.now() - startedMs)
      startedMs = undefined
    }
    return {
      acquire: async (signal) => {
        await this.#acquire(lane, signal)
        startedMs = performance.now()
        if (!isPlaced) releaseSlot()
      },
      releaseSlot,
      release: () => {
        releaseSlot()
        if (isPlaced) this.#places -= 1
        isPlaced = false
      },
    }
  }

  /** No new jobs; those that wait are refused, those that run go on. */
  drain(): void {
    this.#isDraining = true
    for (const waiting of [...this.#queues.sync, ...this.#queues.async]) {
      waiting.refuse(new AdmissionError('draining', 'try another instance', 1))
    }
  }

  /** When the jobs that wait now will have run, by the mean of those before. */
  #retryAfterS(): number {
    const rounds = this.#places / this.#limits.concurrencyMax
    const seconds = Math.ceil((rounds * this.#meanRunMs) / 1000)
    return Math.min(Math.max(seconds, 1), retryAfterSMax)
  }

  #free(runMs: number): void {
    this.#meanRunMs += (runMs - this.#meanRunMs) * meanWeight
    const next = this.#next()
    // The slot goes from hand to hand, so nobody can slip in between.
    if (next === undefined) this.#running -= 1
    else next.start()
  }

  #next(): Waiting | undefined {
    const other = this.#turn === 'sync' ? 'async' : 'sync'
    const lane = this.#queues[this.#turn].size > 0 ? this.#turn : other
    this.#turn = lane === 'sync' ? 'async' : 'sync'
    return this.#queues[lane].values().next().value
  }

  async #acquire(lane: Lane, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#isDraining) throw new AdmissionError('draining', 'try another instance', 1)
    if (this.#running < this.#limits.concurrencyMax) this.#running += 1
    else await this.#wait(lane, signal)
  }

  #wait(lane: Lane, signal: AbortSignal): Promise<void> {
    const queue = this.#queues[lane]
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.delete(waiting)
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
      const waiting: Waiting = {
        start: () => {
          leave()
          resolve()
        },
        refuse: (reason) => {
          leave()
          reject(reason)
        },
      }
      const onAbort = () => waiting.refuse(signal.reason)
      const onTimeout = () =>
        waiting.refuse(new AdmissionError('queue-timeout', 'no slot in time', this.#retryAfterS()))
      const timer = lane === 'async' ? undefined : setTimeout(onTimeout, this.#limits.queueWaitMs)
      signal.addEventListener('abort', onAbort)
      queue.add(waiting)
    })
  }
}
