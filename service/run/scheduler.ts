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
   * Asks for a slot, once. Exactly one of the two is called, maybe at once, unless the place is
   * released before. `refuse` gets an AdmissionError.
   */
  request(start: () => void, refuse: (error: AdmissionError) => void): void
  /**
   * The same with a promise. Rejects with AdmissionError, or with the signal's reason when it is
   * aborted.
   */
  acquire(signal: AbortSignal): Promise<void>
  /** The slot, when the job has run; the place stays. Idempotent. */
  releaseSlot(): void
  /** Both, or the wait for a slot. Idempotent. */
  release(): void
}

/** Jobs of requests that wait for their answer, and those that outlive their request. */
type Lane = 'sync' | 'async'

type Waiting = {
  readonly start: () => void
  readonly refuse: (error: AdmissionError) => void
  readonly sinceMs: number
}

const retryAfterSMax = 60
/** Weight of the newest job in the mean. */
const meanWeight = 0.1

export class Scheduler {
  #places = 0
  #running = 0
  #isDraining = false
  #meanRunMs = 0
  #timer: NodeJS.Timeout | undefined
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
    if (this.#isDraining) throw draining()
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
    if (this.#isDraining) throw draining()
    return this.#placeIn('async')
  }

  #placeIn(lane: Lane): Place {
    this.#places += 1
    let isPlaced = true
    let waiting: Waiting | undefined
    let startedMs: number | undefined
    const releaseSlot = () => {
      if (startedMs === undefined) return
      const runMs = performance.now() - startedMs
      startedMs = undefined
      this.#free(runMs)
    }
    const request: Place['request'] = (start, refuse) => {
      const begin = () => {
        startedMs = performance.now()
        waiting = undefined
        start()
      }
      if (this.#isDraining) refuse(draining())
      else if (this.#running < this.#limits.concurrencyMax) {
        this.#running += 1
        begin()
      } else waiting = this.#wait(lane, begin, refuse)
    }
    const leave = () => {
      if (waiting !== undefined) this.#queues[lane].delete(waiting)
      waiting = undefined
    }
    return {
      request,
      acquire: (signal) => acquire(request, leave, signal),
      releaseSlot,
      release: () => {
        leave()
        releaseSlot()
        if (isPlaced) this.#places -= 1
        isPlaced = false
      },
    }
  }

  /** No new jobs; those that wait are refused, those that run go on. */
  drain(): void {
    this.#isDraining = true
    const waiting = [...this.#queues.sync, ...this.#queues.async]
    for (const queue of Object.values(this.#queues)) queue.clear()
    for (const { refuse } of waiting) refuse(draining())
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
    const queue = this.#queues[lane]
    const next = queue.values().next().value
    if (next !== undefined) queue.delete(next)
    return next
  }

  #wait(lane: Lane, start: () => void, refuse: Waiting['refuse']): Waiting {
    const waiting = { start, refuse, sinceMs: performance.now() }
    this.#queues[lane].add(waiting)
    if (lane === 'sync') this.#watchQueue()
    return waiting
  }

  // One timer for all: who came first is the first to be late.
  #watchQueue(): void {
    const first = this.#queues.sync.values().next().value
    if (first === undefined || this.#timer !== undefined) return
    const lateInMs = first.sinceMs + this.#limits.queueWaitMs - performance.now()
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#refuseLate()
        this.#watchQueue()
      },
      Math.max(1, Math.ceil(lateInMs)),
    ).unref()
  }

  #refuseLate(): void {
    const lateMs = performance.now() - this.#limits.queueWaitMs
    for (const waiting of this.#queues.sync) {
      if (waiting.sinceMs > lateMs) return
      this.#queues.sync.delete(waiting)
      waiting.refuse(new AdmissionError('queue-timeout', 'no slot in time', this.#retryAfterS()))
    }
  }
}

function acquire(request: Place['request'], leave: () => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const onAbort = () => {
      leave()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const settle = () => signal.removeEventListener('abort', onAbort)
    request(
      () => {
        settle()
        resolve()
      },
      (error) => {
        settle()
        reject(error)
      },
    )
  })
}

function draining(): AdmissionError {
  return new AdmissionError('draining', 'try another instance', 1)
}
