// Workers of one role: some wait, ready to be asked; each that dies is replaced; their number is
// bounded. Who may reuse a worker is decided here and nowhere else.
import type { ReusePolicy } from '../config.ts'
import type { Native } from '../native.ts'
import { WorkerError } from './errors.ts'
import type { Hello } from './wire.ts'
import { Worker, type WorkerOptions } from './worker.ts'

export type PoolOptions = WorkerOptions & {
  readonly reuse: ReusePolicy
  /** Fresh workers that wait for a task. */
  readonly spare: number
  /** Used workers that wait for a task: what a large graph leaves behind ends above that. */
  readonly idleMax: number
  /** Processes, whatever they do. More than `spare`. */
  readonly workersMax: number
}

/** Which worker a task would like: one that knows its program saves the most. */
export type Affinity = { readonly tenant: string; readonly program: string }

type Waiting = {
  readonly affinity: Affinity
  readonly resolve: (worker: Worker) => void
  readonly reject: (error: Error) => void
}

/** Deaths before hello, one after another, until whoever waits is told. */
const startFailuresMax = 3
const startPauseMs = 500

export class WorkerPool {
  readonly #native: Native
  readonly #options: PoolOptions
  /** In the order of their last use. */
  readonly #workers = new Set<Worker>()
  readonly #lent = new Set<Worker>()
  readonly #queue: Waiting[] = []
  readonly #onDeath: (error: WorkerError) => void
  #kind: Hello | undefined
  #startFailures = 0
  #pause: NodeJS.Timeout | undefined
  #isClosed = false
  #isRefilling = false
  #closed = Promise.withResolvers<void>()
  started = 0
  died = 0
  reused = 0
  /** Tasks that met a worker with their program mapped, and tasks that did not. */
  affinityHits = 0
  affinityMisses = 0

  constructor(native: Native, options: PoolOptions, onDeath: (error: WorkerError) => void) {
    this.#native = native
    this.#options = options
    this.#onDeath = onDeath
  }

  get size(): number {
    return this.#workers.size
  }
  /** What the processes say of themselves, as of the last one that started. */
  get kind(): Hello {
    if (this.#kind === undefined) throw new Error('the pool is not open')
    return this.#kind
  }
  /** Those that wait for a task. */
  idle(): Worker[] {
    return [...this.#workers].filter(({ state }) => state === 'idle')
  }
  get busy(): number {
    return this.#lent.size
  }
  /** Processes that have a task now. */
  get busyPids(): number[] {
    return [...this.#lent].map(({ pid }) => pid)
  }

  /** Starts the spare workers and waits for one. Throws WorkerError when none can be started. */
  async open(): Promise<void> {
    const worker = await this.take({ tenant: '', program: '' })
    worker.tenant = undefined
    this.giveBack(worker)
  }

  /** An idle worker that the caller must give back; undefined when none is there now. */
  tryTake(affinity: Affinity): Worker | undefined {
    const worker = this.#isClosed ? undefined : this.#pick(affinity)
    return worker === undefined ? undefined : this.#lend(worker, affinity)
  }

  /** The same, with a wait. Rejects with WorkerError. */
  take(affinity: Affinity): Promise<Worker> {
    const worker = this.tryTake(affinity)
    if (worker !== undefined) return Promise.resolve(worker)
    return new Promise((resolve, reject) => {
      this.#queue.push({ affinity, resolve, reject })
      this.#serve()
    })
  }

  /** After its answer or its death, once. */
  giveBack(worker: Worker): void {
    this.#lent.delete(worker)
    if (this.#workers.delete(worker)) this.#workers.add(worker)
    const { reuse, idleMax } = this.#options
    const isUsedUp = reuse === 'session' && !worker.isFresh
    if (!worker.isReusable || isUsedUp) worker.close()
    else if (this.#workers.size - this.#lent.size > idleMax && this.#queue.length === 0) {
      this.#endOldest()
    }
    this.#serve()
  }

  /** Ends all processes and waits until they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#pause)
    for (const { reject } of this.#queue.splice(0)) reject(notStarted('the pool is closed'))
    for (const worker of this.#workers) worker.close()
    if (this.#workers.size === 0) this.#closed.resolve()
    await this.#closed.promise
  }

  #lend(worker: Worker, { tenant, program }: Affinity): Worker {
    if (!worker.isFresh) this.reused += 1
    if (worker.mapped === program) this.affinityHits += 1
    else this.affinityMisses += 1
    worker.tenant = tenant
    this.#lent.add(worker)
    if (worker.isFresh) this.#refillSoon()
    return worker
  }

  /** The best idle worker, undefined when the task must wait for a fresh one. */
  #pick({ tenant, program }: Affinity): Worker | undefined {
    const { reuse } = this.#options
    let best: Worker | undefined
    let bestRank = 0
    for (const worker of this.#workers) {
      if (!worker.isReusable || this.#lent.has(worker)) continue
      const isOwn = worker.tenant === tenant
      if (!worker.isFresh && !(reuse === 'shared' || (reuse === 'tenant' && isOwn))) continue
      const isMapped = worker.mapped === program
      const rank = worker.isFresh ? 1 : 2 + (isOwn ? 1 : 0) + (isMapped ? 2 : 0)
      // With its program mapped the one whose caches are warmest; else the one whose program has
      // waited longest for its next session.
      if (rank > bestRank || (rank === bestRank && isMapped)) {
        best = worker
        bestRank = rank
      }
    }
    return best
  }

  /** Hands idle workers to those who wait; makes room and starts more when that is not enough. */
  #serve(): void {
    for (let i = 0; i < this.#queue.length && !this.#isClosed; ) {
      const waiting = this.#queue[i]
      const worker = waiting && this.#pick(waiting.affinity)
      if (waiting === undefined || worker === undefined) i += 1
      else {
        this.#queue.splice(i, 1)
        waiting.resolve(this.#lend(worker, waiting.affinity))
      }
    }
    this.#refill()
  }

  // Behind the task that took a worker: starting a process takes longer than sending a frame.
  #refillSoon(): void {
    if (this.#isRefilling) return
    this.#isRefilling = true
    setImmediate(() => {
      this.#isRefilling = false
      this.#refill()
    })
  }

  #refill(): void {
    if (this.#isClosed || this.#pause !== undefined) return
    let fresh = 0
    for (const worker of this.#workers) {
      if (worker.isFresh && !this.#lent.has(worker) && worker.state !== 'ended') fresh += 1
    }
    const { spare, workersMax } = this.#options
    for (const wanted = spare + this.#queue.length; fresh < wanted; fresh += 1) {
      if (this.#workers.size >= workersMax && !this.#evict()) return
      if (this.#workers.size >= workersMax || !this.#start()) return
    }
  }

  /** Makes room for a task that waits: nobody else can take what it ends. */
  #evict(): boolean {
    return this.#queue.length > 0 && this.#endOldest()
  }

  /** Ends the used worker that has waited longest. Its place is free when it is gone. */
  #endOldest(): boolean {
    for (const worker of this.#workers) {
      if (worker.state === 'idle' && !worker.isFresh && !this.#lent.has(worker)) {
        worker.close()
        return true
      }
    }
    return false
  }

  #start(): boolean {
    try {
      const worker = new Worker(this.#native, this.#options, {
        onIdle: (greeting) => {
          this.#startFailures = 0
          this.#kind = greeting.hello
          this.#serve()
        },
        onEnd: (ended, error) => this.#bury(ended, error),
      })
      this.#workers.add(worker)
      this.started += 1
      return true
    } catch (error) {
      this.#startFailed(error)
      return false
    }
  }

  #bury(worker: Worker, error: WorkerError | undefined): void {
    this.#workers.delete(worker)
    if (this.#isClosed && this.#workers.size === 0) this.#closed.resolve()
    if (error !== undefined) {
      this.died += 1
      this.#onDeath(error)
    }
    if (error !== undefined && worker.isFresh && !this.#lent.has(worker)) this.#startFailed(error)
    else this.#serve()
  }

  // A latch against storms: what cannot start now is tried again a little later.
  #startFailed(cause: unknown): void {
    this.#startFailures += 1
    if (this.#startFailures >= startFailuresMax) {
      for (const { reject } of this.#queue.splice(0)) reject(notStarted('no worker starts', cause))
    }
    if (this.#isClosed || this.#pause !== undefined) return
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#serve()
    }, startPauseMs)
  }
}

function notStarted(detail: string, cause?: unknown): WorkerError {
  return new WorkerError('worker-start', detail, { cause })
}
