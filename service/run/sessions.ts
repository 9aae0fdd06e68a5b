// Everything that runs sessions, made once: the addon, two pools of workers (sessions, and the
// judging of programs), the cache of images. Jobs come through `start`, programs through `check`.
import { join } from 'node:path'
import type { ReusePolicy } from '../config.ts'
import type { Digest } from '../job/digest.ts'
import type { Plan } from '../job/plan.ts'
import { type FdHandle, loadNative, type Native } from '../native.ts'
import type { WorkerError } from './errors.ts'
import { type ImageLease, type ProgramLimits, Programs } from './programs.ts'
import { type Session, type SessionInputs, startSession } from './session.ts'
import { WorkerPool } from './worker-pool.ts'

export type SessionsLimits = ProgramLimits & {
  readonly concurrencyMax: number
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

/** Where a job's bytes are. `openProgram` is called only when the program has no image yet. */
export type JobInputs = SessionInputs & { readonly openProgram: () => FdHandle }

export class Sessions {
  readonly native: Native
  readonly workers: WorkerPool
  readonly prepareWorkers: WorkerPool
  readonly programs: Programs
  readonly scratchDir: string
  readonly #nothing: FdHandle
  readonly #killGraceMs: number

  constructor({ nativeDir, scratchDir, reuse, limits, onWorkerDeath }: SessionsOptions) {
    this.native = loadNative(nativeDir)
    this.scratchDir = scratchDir
    this.#killGraceMs = limits.killGraceMs
    this.#nothing = this.native.openNull()
    const common = {
      path: join(nativeDir, 'zvm-worker'),
      fileSizeBytes: limits.spoolDiskBytesMax,
      startMsMax: limits.workerStartMsMax,
    }
    const { concurrencyMax, workersSpare } = limits
    const sessions = {
      ...common,
      role: 'session',
      reuse,
      spare: workersSpare,
      workersMax: 2 * concurrencyMax + workersSpare,
    } as const
    // A program of one client never meets a worker that has read one of another.
    const preparing = {
      ...common,
      role: 'prepare',
      reuse: 'session',
      spare: 1,
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
  async start(
    plan: Plan,
    program: Digest,
    inputs: JobInputs,
    tenant: string,
    signal: AbortSignal,
  ): Promise<Session> {
    const image = await this.programs.lease(program, inputs.openProgram)
    try {
      signal.throwIfAborted()
      const worker = await this.workers.take({ tenant, program })
      try {
        signal.throwIfAborted()
        const session = startSession(plan, image, inputs, worker, {
          native: this.native,
          scratchDir: this.scratchDir,
          nothing: this.#nothing,
          killGraceMs: this.#killGraceMs,
        })
        session.ended.then(() => this.workers.giveBack(worker))
        return session
      } catch (error) {
        this.workers.giveBack(worker)
        throw error
      }
    } finally {
      image.release()
    }
  }
}
