// One job from its slot to its report: starts the session, collects the outputs, and frees
// everything exactly once. Whoever has a JobRun must call `close`.
import { fstatSync, readSync } from 'node:fs'
import type { Limits } from '../config.ts'
import type { Digest } from '../job/digest.ts'
import type { Plan } from '../job/plan.ts'
import { makeLostReport, makeReport, type NativeReport, type Report } from '../job/report.ts'
import type { FdHandle } from '../native.ts'
import { Changes } from './changes.ts'
import { WorkerError } from './errors.ts'
import { Output } from './output.ts'
import { outputPipeBytes, type Session, type SessionInputs } from './session.ts'
import type { ProgramSource, Sessions } from './sessions.ts'

/**
 * Most guests end sooner; what they wrote is then read from the pipes at once. For the others
 * streaming begins.
 */
const liveAfterMs = 4

export type JobEnd = { readonly report: Report; readonly native: NativeReport | undefined }

export type JobRun = {
  /** Of the frames to the workers; of a graph without links the first and the last of a row. */
  readonly sessionIds: readonly number[]
  readonly outputs: readonly Output[]
  /** Never rejects. The worker is done with the job; outputs may still be on their way. */
  readonly left: Promise<void>
  /** Never rejects. All outputs have ended when it resolves. */
  readonly ended: Promise<JobEnd>
  /** Resolves at the next change of any output, or at once when one came since the last call. */
  changed(): Promise<void>
  /** Of a job that asks for the memo: whether it has run for this request. */
  readonly cache?: 'hit' | 'miss'
  /** Why the answer cannot be completed, although it may have begun. */
  readonly failure: Error | undefined
  cancel(): void
  /** Cancels; whoever waits finds `failure`. The first one counts. */
  fail(error: Error): void
  /** Stops what still runs and frees outputs. Idempotent. */
  close(): void
}

/** An input that the client still sends while the job runs. */
export type LiveClock = {
  /** How long the guest may have waited for it so far. */
  readonly waitedMs: number
  /** False when all of it has come. */
  readonly isPumping: boolean
}

/** Rejects as Sessions.start does. */
export async function startJob(
  plan: Plan,
  program: ProgramSource,
  inputs: SessionInputs,
  sessions: Sessions,
  tenant: string,
  limits: Limits,
  signal: AbortSignal,
  live?: LiveClock,
): Promise<JobRun> {
  // The guest's own clock goes on while it waits for the client; ours, in Running, does not.
  const extraMs = live === undefined ? 0 : limits.liveWaitMsMax
  const timed = { ...plan, timeoutMs: plan.timeoutMs + extraMs }
  const session = await sessions.start(
    { plan: timed, program, inputs, snapshot: plan.snapshot },
    tenant,
    signal,
  )
  return new Running(plan, program.digest, session, sessions.scratchDir, limits, live)
}

class Running implements JobRun {
  readonly sessionIds: readonly number[]
  readonly outputs: readonly Output[]
  readonly left: Promise<void>
  readonly ended: Promise<JobEnd>
  readonly #changes = new Changes()
  #isClosed = false
  failure: Error | undefined
  #cause: EndCause | undefined
  #collected: Promise<void>[] = []
  #liveTimer: NodeJS.Timeout | undefined
  #clockTimer: NodeJS.Timeout | undefined
  readonly #live: LiveClock | undefined
  readonly #program: Digest
  readonly #session: Session
  readonly #scratchDir: string
  readonly #limits: Limits

  constructor(
    plan: Plan,
    program: Digest,
    session: Session,
    scratchDir: string,
    limits: Limits,
    live: LiveClock | undefined,
  ) {
    this.#live = live
    this.#program = program
    this.#session = session
    this.sessionIds = [session.id]
    this.#scratchDir = scratchDir
    this.#limits = limits
    this.outputs = plan.responses.map(
      ({ name, contentType }) => new Output(name, contentType, this.#changes.ring),
    )
    this.#liveTimer = setTimeout(() => this.#goLive(), liveAfterMs)
    if (live !== undefined) this.#watchClock(live, performance.now(), plan.timeoutMs)
    this.left = session.ended.then(() => undefined)
    this.ended = this.#finish()
  }

  changed(): Promise<void> {
    return this.#changes.next()
  }

  cancel(): void {
    this.#stop('cancel')
  }

  fail(error: Error): void {
    this.failure ??= error
    this.#stop('cancel')
  }

  close(): void {
    this.#stop('cancel')
    this.#isClosed = true
    for (const output of this.outputs) output.close()
    for (const pipe of this.#session.pipes.values()) pipe.close()
    for (const file of this.#session.files.values()) file.close()
  }

  #watchClock(live: LiveClock, startMs: number, timeoutMs: number): void {
    const leftMs = timeoutMs - (performance.now() - startMs - live.waitedMs)
    if (leftMs <= 0) this.#stop('deadline')
    else {
      this.#clockTimer = setTimeout(() => this.#watchClock(live, startMs, timeoutMs), leftMs + 1)
    }
  }

  #stop(cause: EndCause): void {
    this.#cause ??= cause
    this.#session.cancel()
  }

  async #finish(): Promise<JobEnd> {
    const end = await this.#session.ended
    clearTimeout(this.#clockTimer)
    if (this.#liveTimer !== undefined && outputPipeBytes <= this.#limits.spoolMemoryBytesMax) {
      this.#stopWaiting()
      this.#drain()
    } else this.#goLive()
    await Promise.all(this.#collected)
    for (const output of this.outputs) {
      const file = this.#session.files.get(output.name)
      if (file !== undefined && file.fd >= 0) output.adopt(file, fstatSync(file.fd).size)
    }
    const native = end instanceof WorkerError ? undefined : end
    return { report: reportOfEnd(end, this.#program, this.#cause), native }
  }

  #stopWaiting(): void {
    clearTimeout(this.#liveTimer)
    this.#liveTimer = undefined
  }

  #goLive(): void {
    if (this.#liveTimer === undefined || this.#isClosed) return
    this.#stopWaiting()
    for (const output of this.outputs) {
      const pipe = this.#session.pipes.get(output.name)
      if (pipe !== undefined) this.#collected.push(this.#collect(output, pipe))
    }
  }

  async #collect(output: Output, pipe: FdHandle): Promise<void> {
    const mayWait = () => this.#live?.isPumping !== true
    const whole = output.collect(pipe, this.#limits, this.#scratchDir, mayWait).catch(() => false)
    if (!(await whole)) this.#stop('spool')
  }

  /** The writers are gone, so the pipes hold all that will ever come, and reading never waits. */
  #drain(): void {
    for (const output of this.outputs) {
      const pipe = this.#session.pipes.get(output.name)
      if (pipe === undefined) continue
      if (!pipe.closed) readAll(pipe, output)
      pipe.close()
      output.end()
    }
  }
}

/** What ended a job besides its guests: the client, its output, its time, a node, the store. */
export type EndCause = 'spool' | 'cancel' | 'deadline' | 'node' | 'store'

/** How a session ended, given that `cause` had stopped it. */
export function reportOfEnd(
  end: NativeReport | WorkerError,
  program: Digest,
  cause: EndCause | undefined,
): Report {
  if (end instanceof WorkerError) {
    if (end.code === 'worker-overdue') return makeLostReport('limited', 'limit-wall-time', program)
    const code = end.code === 'worker-unread' ? 'worker-died' : end.code
    const [outcome, reason] = cause === undefined ? (['failed', code] as const) : stopped[cause]
    return makeLostReport(outcome, reason, program)
  }
  const report = makeReport(end, program)
  // We sent the signal, so "cancelled by the operator" is not the whole truth.
  if (report.outcome !== 'cancelled' || cause === undefined) return report
  const [outcome, reason] = stopped[cause]
  return { ...report, outcome, reason }
}

const stopped = {
  spool: ['limited', 'limit-spool'],
  cancel: ['cancelled', 'cancelled'],
  deadline: ['limited', 'limit-wall-time'],
  node: ['cancelled', 'node-failed'],
  store: ['failed', 'store-failed'],
} as const satisfies Record<EndCause, readonly [Report['outcome'], string]>

const readBuffer = Buffer.alloc(outputPipeBytes)

function readAll(pipe: FdHandle, output: Output): void {
  for (let room = outputPipeBytes; room > 0; ) {
    let size: number
    try {
      size = readSync(pipe.fd, readBuffer, 0, room, null)
    } catch {
      // A worker that says it is done while it keeps its side: what came is all that counts.
      return
    }
    if (size === 0) return
    output.put(Buffer.from(readBuffer.subarray(0, size)))
    room -= size
  }
}
