// Room for the nodes of graphs. A graph takes room for all its nodes or waits; whoever waits
// longest goes first, so that a large graph is not overtaken for ever by small ones.

type Waiting = { readonly count: number; readonly start: () => void }

export class NodeSlots {
  #free: number
  readonly #queue = new Set<Waiting>()

  /** `max`: nodes that may run at once. */
  constructor(max: number) {
    this.#free = max
  }

  get free(): number {
    return this.#free
  }

  /** `count` is at most `max`. Gives back the room once, when called. Rejects when aborted. */
  acquire(count: number, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#queue.delete(waiting)
        reject(signal.reason)
        this.#serve()
      }
      const waiting: Waiting = {
        count,
        start: () => {
          signal.removeEventListener('abort', onAbort)
          resolve(this.#giver(count))
        },
      }
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      signal.addEventListener('abort', onAbort)
      this.#queue.add(waiting)
      this.#serve()
    })
  }

  #giver(count: number): () => void {
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#free += count
      this.#serve()
    }
  }

  #serve(): void {
    for (const waiting of this.#queue) {
      if (waiting.count > this.#free) return
      this.#queue.delete(waiting)
      this.#free -= waiting.count
      waiting.start()
    }
  }
}
