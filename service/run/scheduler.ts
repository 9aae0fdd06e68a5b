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

type Waiting = { readonly start: () => void; readonly refuse: (reason: unknown) => void }

const retryAfterSMax = 60
/** Weight of the newest job in the mean. */
const meanWeight = 0.1

export class Scheduler {
  #places = 0
  #running = 0
  #isDraining = false
  #meanRunMs = 0
  readonly #queue = new Set<Waiting>()
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
    return this.#queue.size
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
        await this.#acquire(signal)
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
    for (const waiting of [...this.#queue]) {
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
    const next = this.#queue.values().next().value
    // The slot goes from hand to hand, so nobody can slip in between.
    if (next === undefined) this.#running -= 1
    else next.start()
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#isDraining) throw new AdmissionError('draining', 'try another instance', 1)
    if (this.#running < this.#limits.concurrencyMax) this.#running += 1
    else await this.#wait(signal)
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#queue.delete(waiting)
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
      const timer = setTimeout(() => {
        waiting.refuse(new AdmissionError('queue-timeout', 'no slot in time', this.#retryAfterS()))
      }, this.#limits.queueWaitMs)
      signal.addEventListener('abort', onAbort)
      this.#queue.add(waiting)
    })
  }
}
