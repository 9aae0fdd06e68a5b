// Everything that runs sessions, made once: the addon, two pools of workers (sessions, and the
// judging of programs), the cache of images. Jobs come through `start`, programs through `check`.
import { join } from 'node:path'
import type { Limits, ReusePolicy } from '../config.ts'
import type { Digest } from '../job/digest.ts'
import type { SessionPlan, SnapshotPlan } from '../job/plan.ts'
import { type FdHandle, loadNative, type Native } from '../native.ts'
import { WorkerError } from './errors.ts'
import { type InlineEvents, type InlineJob, InlineRun } from './inline-run.ts'
import { type ImageLease, type ProgramLimits, Programs } from './programs.ts'
import {
  mappedName,
  type Session,
  type SessionInputs,
  type SnapshotUse,
  startSession,
} from './session.ts'
import { type SnapshotLimits, Snapshots } from './snapshots.ts'
import type { Worker } from './worker.ts'
import { WorkerPool } from './worker-pool.ts'

export type SessionsLimits = ProgramLimits &
  SnapshotLimits & {
    readonly concurrencyMax: number
    readonly nodesRunningMax: number
    readonly workersSpare: number
    readonly workerStartMsMax: number
    readonly killGraceMs: number
    readonly spoolDiskBytesMax: number
  }

export type SessionsOptions = {
  readonly nativeDir: string
  readonly scratchDir: string
  readonly reuse: ReusePolicy
  readonly limits: SessionsLimits
  readonly onWorkerDeath: (error: WorkerError) => void
}

/** `open` is called only when the program has no image yet. */
export type ProgramSource = { readonly digest: Digest; readonly open: () => FdHandle }

/** One session to be: what it is, what it runs, where its bytes are. */
export type SessionStart = {
  readonly plan: SessionPlan
  readonly program: ProgramSource
  readonly inputs: SessionInputs
  /** Of a job that may start from one. */
  readonly snapshot?: SnapshotPlan | undefined
}

export class Sessions {
  readonly native: Native
  readonly workers: WorkerPool
  readonly prepareWorkers: WorkerPool
  readonly programs: Programs
  readonly snapshots: Snapshots
  readonly scratchDir: string
  /** Whether a worker may run one session after the other. */
  readonly keepsWorkers: boolean
  readonly #nothing: FdHandle
  readonly #killGraceMs: number
  readonly #isShared: boolean

  constructor({ nativeDir, scratchDir, reuse, limits, onWorkerDeath }: SessionsOptions) {
    this.native = loadNative(nativeDir)
    this.scratchDir = scratchDir
    this.keepsWorkers = reuse !== 'session'
    this.#killGraceMs = limits.killGraceMs
    this.#isShared = reuse === 'shared'
    this.snapshots = new Snapshots(this.native, limits)
    this.#nothing = this.native.openNull()
    const common = {
      path: join(nativeDir, 'zvm-worker'),
      fileSizeBytes: limits.spoolDiskBytesMax,
      startMsMax: limits.workerStartMsMax,
    }
    const { concurrencyMax, nodesRunningMax, workersSpare } = limits
    const idleMax = 2 * concurrencyMax + workersSpare
    const sessions = {
      ...common,
      role: 'session',
      reuse,
      tasksMax: reuse === 'session' ? 1 : 0,
      spare: workersSpare,
      idleMax,
      workersMax: idleMax + nodesRunningMax,
    } as const
    // A program of one client never meets a worker that has read one of another.
    const preparing = {
      ...common,
      role: 'prepare',
      reuse: 'session',
      tasksMax: 1,
      spare: 1,
      idleMax: 1,
      workersMax: concurrencyMax + 1,
    } as const
    this.workers = new WorkerPool(this.native, sessions, onWorkerDeath)
    this.prepareWorkers = new WorkerPool(this.native, preparing, onWorkerDeath)
    this.programs = new Programs(this.native, this.prepareWorkers, limits)
  }

  /** Throws WorkerError when no worker starts: nothing would ever run here. */
  async open(): Promise<void> {
    await Promise.all([this.workers.open(), this.prepareWorkers.open()])
  }

  async close(): Promise<void> {
    await Promise.all([this.workers.close(), this.prepareWorkers.close()])
    this.programs.close()
    this.snapshots.close()
    this.#nothing.close()
  }

  /** Judges a program without running it. Rejects as `Programs.lease`. */
  async check(digest: Digest, open: () => FdHandle): Promise<Pick<ImageLease, 'profile'>> {
    const image = await this.programs.lease(digest, open)
    image.release()
    return image
  }

  /**
   * Prepares the program if need be and starts one session. Rejects with ProgramRefusedError,
   * WorkerError, WireError, or the signal's reason.
   */
  async start(start: SessionStart, tenant: string, signal: AbortSignal): Promise<Session> {
    const { digest, open } = start.program
    const image = await this.programs.lease(digest, open)
    try {
      signal.throwIfAborted()
      const snapshot = await this.#trySnapshot(start, image, tenant)
      const program = mappedName(digest, snapshot?.from)
      signal.throwIfAborted()
      const worker = await this.workers.take({ tenant, program })
      let lent: Worker | undefined = worker
      const giveBack = () => {
        if (lent !== undefined) this.workers.giveBack(lent)
        lent = undefined
      }
      try {
        signal.throwIfAborted()
        const replace = async () => {
          giveBack()
          lent = await this.workers.take({ tenant, program })
          return lent
        }
        const session = this.#begin(start, image, worker, { replace, snapshot })
        if (snapshot !== undefined) session.ended.then(snapshot.release)
        session.ended.then(giveBack).finally(image.release)
        return session
      } catch (error) {
        giveBack()
        throw error
      }
    } catch (error) {
      image.release()
      throw error
    }
  }

  /** Whether jobs whose bytes travel in frames may be started: a worker that ends has no ticks. */
  get hasInline(): boolean {
    return this.keepsWorkers
  }

  /** At once, or not at all: undefined when there is no image or no idle worker. */
  tryStartInline(
    job: InlineJob,
    tenant: string,
    events: InlineEvents,
    limits: Limits,
  ): InlineRun | undefined {
    const image = this.programs.tryImage(job.program)
    const worker = image && this.workers.tryTake({ tenant, program: job.program })
    if (image === undefined || worker === undefined) return undefined
    return this.#beginInline(job, tenant, image, worker, events, limits)
  }

  /** The same with waits. Rejects as `start` does. */
  async startInline(
    job: InlineJob,
    { digest, open }: ProgramSource,
    tenant: string,
    events: InlineEvents,
    limits: Limits,
  ): Promise<InlineRun> {
    const image = await this.programs.lease(digest, open)
    try {
      const worker = await this.workers.take({ tenant, program: digest })
      return this.#beginInline(job, tenant, image, worker, events, limits)
    } finally {
      image.release()
    }
  }

  #beginInline(
    job: InlineJob,
    tenant: string,
    image: Pick<ImageLease, 'handle' | 'profile'>,
    worker: Worker,
    events: InlineEvents,
    limits: Limits,
  ): InlineRun {
    const workers = {
      take: () => this.workers.take({ tenant, program: job.program }),
      giveBack: (used: Worker) => this.workers.giveBack(used),
    }
    const run = new InlineRun(job, worker, events, limits, this.scratchDir, workers)
    try {
      run.begin(image)
      return run
    } catch (error) {
      this.workers.giveBack(worker)
      throw error
    }
  }

  /**
   * Starts all sessions of a graph, or none. The caller has seen to it that there are workers
   * enough. Rejects as `start` does.
   */
  async startAll(
    starts: readonly SessionStart[],
    tenant: string,
    signal: AbortSignal,
  ): Promise<Session[]> {
    const images = new Map<Digest, ImageLease>()
    const workers: Worker[] = []
    const sessions: Session[] = []
    try {
      for (const { program } of starts) {
        if (images.has(program.digest)) continue
        images.set(program.digest, await this.programs.lease(program.digest, program.open))
        signal.throwIfAborted()
      }
      workers.push(...(await this.#takeAll(starts, tenant)))
      signal.throwIfAborted()
      for (const start of starts) {
        const image = images.get(start.program.digest)
        const worker = workers[0]
        if (image === undefined || worker === undefined) throw new Error('a start without worker')
        // No other worker later: its neighbours have begun by then.
        const session = this.#begin(start, image, worker)
        session.ended.then(() => this.workers.giveBack(worker))
        sessions.push(session)
        workers.shift()
      }
      return sessions
    } catch (error) {
      for (const session of sessions) session.abandon()
      throw error
    } finally {
      for (const worker of workers) this.workers.giveBack(worker)
      for (const image of images.values()) image.release()
    }
  }

  async #takeAll(starts: readonly SessionStart[], tenant: string): Promise<Worker[]> {
    const takes = starts.map(({ program }) =>
      this.workers.take({ tenant, program: program.digest }),
    )
    const taken = await Promise.allSettled(takes)
    const workers = taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = taken.find((each) => each.status === 'rejected')
    if (failed === undefined) return workers
    for (const worker of workers) this.workers.giveBack(worker)
    throw failed.reason
  }

  #begin(
    { plan, inputs, program }: SessionStart,
    image: ImageLease,
    worker: Worker,
    more: { replace?: () => Promise<Worker>; snapshot?: SnapshotUse | undefined } = {},
  ): Session {
    return startSession(plan, program.digest, image, inputs, worker, {
      native: this.native,
      scratchDir: this.scratchDir,
      nothing: this.#nothing,
      killGraceMs: this.#killGraceMs,
      replace: more.replace,
      snapshot: more.snapshot,
    })
  }

  /** Undefined: the job asks for none, or its program has none. Never rejects. */
  async #trySnapshot(start: SessionStart, image: ImageLease, tenant: string) {
    const { snapshot, program } = start
    if (snapshot === undefined) return undefined
    const owner = this.#isShared ? '' : tenant
    const key = JSON.stringify([owner, program.digest, image.profile, snapshot.key])
    return this.snapshots.tryLease(key, async (file) => {
      const worker = await this.workers.take({ tenant, program: program.digest })
      let isMade = false
      try {
        const onMade = () => {
          isMade = true
        }
        const making = { ...start, plan: snapshot.session }
        const session = this.#begin(making, image, worker, { snapshot: { file, onMade } })
        const end = await session.ended
        if (end instanceof WorkerError) throw end
      } finally {
        this.workers.giveBack(worker)
      }
      return isMade
    })
  }
}
