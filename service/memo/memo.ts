// Results of jobs that ask for it. A job whose key has a result gets it without running; of jobs
// with the same key one runs and the others wait for it, each for as long as it could have taken by
// itself. Only what a guest has ended by itself is kept, and only when every byte of it was seen.
//
//   asked ─► kept? ──yes──► hit (every n-th: runs, is compared: verified, mismatch)
//              │ no
//              ├─► another runs it ─► wait ─► asked again; or run, when nothing can be kept of it
//              └─► run ─► record ─► keep
import { closeSync } from 'node:fs'
import type { GraphPlan } from '../job/graph-plan.ts'
import { type MemoWish, mayReadMemo, mayWriteMemo } from '../job/memo-wish.ts'
import type { Plan } from '../job/plan.ts'
import type { MemoMark, Report } from '../job/report.ts'
import type { JobEnd, JobRun } from '../run/job-run.ts'
import { isIntact, isSame, type Kept, makeResult, type Result } from './entry.ts'
import { Flights, type Land, type Landing } from './flights.ts'
import { type KeptRun, makeKeptRun } from './kept-run.ts'
import { Recorder } from './recorder.ts'
import type { MemoStore } from './store.ts'

/** A job whose guests see only what its key is made of. */
export type MemoJob = {
  readonly key: string
  readonly plan: Plan | GraphPlan
  /** Longest wait for another that runs the same. */
  readonly waitMs: number
  /** False when a result is more than what the responses hold. */
  readonly isKeepable: boolean
  /** False when it has read something else than what the key says. To be asked at its end. */
  readonly isAsKeyed: () => boolean
}

export type MemoOptions = {
  /** Part of every key: results of another one are never given. */
  readonly runtime: string
  readonly recordBytesMax: number
  /** A job has given a result that differs from the one that was kept. */
  readonly onMismatch: (key: string) => void
}

export class Memo {
  readonly store: MemoStore
  readonly #options: MemoOptions
  readonly #flights = new Flights()
  hits = 0
  misses = 0
  /** Jobs that waited for another that ran the same. */
  joined = 0
  verified = 0
  mismatches = 0
  /** Results that were kept. */
  stores = 0

  constructor(store: MemoStore, options: MemoOptions) {
    this.store = store
    this.#options = options
  }

  get runtime(): string {
    return this.#options.runtime
  }
  /** Jobs that run, and that others may be waiting for. */
  get flights(): number {
    return this.#flights.count
  }

  /**
   * The kept result, or what `start` gives. Rejects as `start` does, or with the signal's reason
   * while it waits for another.
   */
  async run(job: MemoJob, signal: AbortSignal, start: () => Promise<JobRun>): Promise<JobRun> {
    const { key, plan } = job
    if (!job.isKeepable || this.store.isUnstable(key)) {
      return marked(await start(), async () => 'bypass')
    }
    const found = await this.#find(job, signal)
    if (!('kept' in found)) return this.#record(job, signal, found.land, start)
    if (!this.#isDue(key, plan.memo)) {
      this.hits += 1
      return makeKeptRun(found.kept, plan.responses)
    }
    closeKept(found.kept)
    return this.#record(job, signal, undefined, start)
  }

  /**
   * The kept result at once: only when it is in memory and not to be verified. Otherwise undefined,
   * and nothing has happened.
   */
  tryHit(key: string, { memo, responses }: Plan): KeptRun | undefined {
    const isPlain = mayReadMemo(memo) && memo.verifyEvery === 0
    if (!isPlain || this.store.isUnstable(key)) return undefined
    const kept = this.store.tryOpen(key)
    if (kept === undefined) return undefined
    if ('fd' in kept.from) {
      closeKept(kept)
      return undefined
    }
    this.store.countHit(key)
    this.hits += 1
    return makeKeptRun(kept, responses)
  }

  /**
   * For those who wait in a queue of their own: undefined when the job may start, else resolves
   * when to ask again. Never rejects.
   */
  waiterOf({ key, plan, waitMs }: MemoJob): (signal: AbortSignal) => Promise<void> | undefined {
    let untilMs: number | undefined
    let isFree = !mayReadMemo(plan.memo)
    return (signal) => {
      if (isFree || this.store.has(key)) return undefined
      untilMs ??= performance.now() + waitMs
      const onLanding = (landing?: Landing | 'late') => {
        isFree = landing !== 'kept' && landing !== 'lost'
      }
      return this.#flights.tryWait(key, untilMs, signal)?.then(onLanding, () => onLanding())
    }
  }

  async close(): Promise<void> {
    await this.store.close()
  }

  /** The result; or the job is to run, and `land` is to be called when others may wait for it. */
  async #find(job: MemoJob, signal: AbortSignal): Promise<{ kept: Kept } | { land?: Land }> {
    const { key, plan } = job
    const begin = () => ({
      land: mayWriteMemo(plan.memo) ? this.#flights.tryBegin(key) : undefined,
    })
    if (!mayReadMemo(plan.memo)) return begin()
    const untilMs = performance.now() + job.waitMs
    for (let hasWaited = false; ; hasWaited = true) {
      const kept = this.store.tryOpen(key)
      if (kept !== undefined) return { kept }
      const waiting = this.#flights.tryWait(key, untilMs, signal)
      // At once, or everybody who waited for the same would begin.
      if (waiting === undefined) return begin()
      if (!hasWaited) this.joined += 1
      const landing = await waiting
      if (landing === 'late' || landing === 'useless') return {}
    }
  }

  #isDue(key: string, { verifyEvery }: MemoWish): boolean {
    const hits = this.store.countHit(key)
    return verifyEvery > 0 && hits % verifyEvery === 0
  }

  async #record(
    job: MemoJob,
    signal: AbortSignal,
    land: Land | undefined,
    start: () => Promise<JobRun>,
  ): Promise<JobRun> {
    let run: JobRun
    try {
      run = await start()
    } catch (error) {
      // Another may have more luck, unless it is the job that is to blame.
      land?.(signal.aborted ? 'lost' : 'useless')
      throw error
    }
    this.misses += 1
    if (!mayWriteMemo(job.plan.memo) && !this.store.has(job.key)) {
      return marked(run, async () => 'miss')
    }
    const recorder = new Recorder(job.plan, run, this.#options.recordBytesMax)
    const finish = async (report: Report): Promise<MemoMark> => {
      const recorded = await recorder.finish(report)
      const isGood = report.outcome === 'exited' && run.failure === undefined && job.isAsKeyed()
      if (!isGood || recorded === undefined) {
        land?.(signal.aborted ? 'lost' : 'useless')
        return 'miss'
      }
      const result = makeResult(report, recorded)
      const mark = await this.#compare(job.key, result)
      if (mark === 'miss' && mayWriteMemo(job.plan.memo)) {
        this.#keep(job.key, result).then(() => land?.('kept'))
      } else land?.(mark === 'verified' ? 'kept' : 'useless')
      return mark
    }
    return marked(run, ({ report }) =>
      finish(report).catch(() => {
        land?.('useless')
        return 'miss'
      }),
    )
  }

  /** miss: there was nothing to compare it with. */
  async #compare(key: string, result: Result): Promise<MemoMark> {
    const kept = this.store.tryOpen(key)
    if (kept === undefined) return 'miss'
    const isWhole = await hasItsBytes(kept)
    if (!isWhole) {
      this.store.remove(key)
      return 'miss'
    }
    if (isSame(kept, result)) {
      this.verified += 1
      return 'verified'
    }
    this.mismatches += 1
    this.store.setUnstable(key)
    this.#options.onMismatch(key)
    return 'mismatch'
  }

  async #keep(key: string, result: Result): Promise<void> {
    await this.store.put(key, result)
    if (this.store.has(key)) this.stores += 1
  }
}

/** Whether its bytes are those that were kept. Closes it. */
async function hasItsBytes(kept: Kept): Promise<boolean> {
  try {
    return await isIntact(kept)
  } finally {
    closeKept(kept)
  }
}

function closeKept({ from }: Kept): void {
  if ('fd' in from) closeSync(from.fd)
}

/** The run with a mark in its report, which is there when `markOf` has seen the end. */
function marked(run: JobRun, markOf: (end: JobEnd) => Promise<MemoMark>): JobRun {
  const ended = run.ended.then(async (end): Promise<JobEnd> => {
    const cache = await markOf(end)
    const report: Report = { ...end.report, cache }
    return { ...end, report }
  })
  return {
    sessionIds: run.sessionIds,
    outputs: run.outputs,
    left: run.left,
    ended,
    changed: () => run.changed(),
    get failure() {
      return run.failure
    },
    cache: 'miss',
    cancel: () => run.cancel(),
    fail: (error) => run.fail(error),
    close: () => run.close(),
  }
}
