// Who runs when: a bounded queue in front of a bounded number of slots. Aborting a waiting job
// removes it.
import { AdmissionError } from './errors.ts'

export type SchedulerLimits = {
  readonly concurrencyMax: number
  readonly queueMax: number
  readonly queueWaitMs: number
}

type Waiting = { readonly start: () => void; readonly refuse: (reason: Error) => void }

export class Scheduler {
  #running = 0
  #isDraining = false
  readonly #queue = new Set<Waiting>()
  readonly #limits: SchedulerLimits

  constructor(limits: SchedulerLimits) {
    this.#limits = limits
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

  /**
   * Throws AdmissionError when a job that came now would be refused. Cheap: asked before a body
   * is read.
   */
  checkRoom(): void {
    if (this.#isDraining) throw new AdmissionError('draining', 'try another instance', 1)
    if (this.#queue.size >= this.#limits.queueMax) {
      throw new AdmissionError('queue-full', `queueMax is ${this.#limits.queueMax}`, 1)
    }
  }

  /** Blocks until there is a slot; the caller gives it back by calling the result, once. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    this.checkRoom()
    if (this.#running < this.#limits.concurrencyMax) this.#running += 1
    else await this.#wait(signal)
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      const next = this.#queue.values().next().value
      // The slot goes from hand to hand, so nobody can slip in between.
      if (next === undefined) this.#running -= 1
      else next.start()
    }
  }

  /** No new jobs; those that wait are refused, those that run go on. */
  drain(): void {
    this.#isDraining = true
    for (const waiting of [...this.#queue]) {
      waiting.refuse(new AdmissionError('draining', 'try another instance', 1))
    }
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
      const onAbort = () => waiting.refuse(new Error('aborted'))
      const timer = setTimeout(
        () => waiting.refuse(new AdmissionError('queue-timeout', 'no slot in time', 2)),
        this.#limits.queueWaitMs,
      )
      signal.addEventListener('abort', onAbort)
      this.#queue.add(waiting)
    })
  }
}
