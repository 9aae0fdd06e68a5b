// Who runs what others may be waiting for. Everybody who waits has an end: the landing, its own
// time, its own signal.

/**
 * kept: there is a result now. lost: the job was given up, and another may run it. useless: no
 * result of it can be kept. late: the time is over.
 */
export type Landing = 'kept' | 'lost' | 'useless'
/** Once or more often; the first one counts. */
export type Land = (landing: Landing) => void

export class Flights {
  readonly #flights = new Map<string, Promise<Landing>>()

  get count(): number {
    return this.#flights.size
  }

  /** What to call at the end. Undefined when another has begun. */
  tryBegin(key: string): Land | undefined {
    if (this.#flights.has(key)) return undefined
    const { promise, resolve } = Promise.withResolvers<Landing>()
    this.#flights.set(key, promise)
    return (landing) => {
      if (this.#flights.get(key) === promise) this.#flights.delete(key)
      resolve(landing)
    }
  }

  /**
   * Undefined when nobody runs it. `untilMs`: of performance.now(). Rejects with the signal's
   * reason.
   */
  tryWait(
    key: string,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<Landing | 'late'> | undefined {
    const flight = this.#flights.get(key)
    if (flight === undefined) return undefined
    const { promise, resolve, reject } = Promise.withResolvers<Landing | 'late'>()
    const onAbort = () => reject(signal.reason)
    const timer = setTimeout(() => resolve('late'), untilMs - performance.now())
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    flight.then(resolve)
    return promise.finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    })
  }
}
