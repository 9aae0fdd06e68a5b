// One job from its slot to its report: starts the session, collects the outputs, watches the
// deadline, and frees everything exactly once. Whoever has a JobRun must call `close`.
import { fstatSync } from 'node:fs'
import type { Limits } from '../config.ts'
import type { Digest } from '../job/digest.ts'
import type { Plan } from '../job/plan.ts'
import { makeLostReport, makeReport, type NativeReport, type Report } from '../job/report.ts'
import { Output } from './output.ts'
import { type SessionOptions, type SessionSources, startSession } from './session-process.ts'

export type JobRun = {
  readonly outputs: readonly Output[]
  /** Never rejects. All outputs have ended when it resolves. */
  readonly ended: Promise<{ report: Report; native: NativeReport | undefined }>
  /** Resolves at the next change of any output, or at once when one came since the last call. */
  changed(): Promise<void>
  cancel(): void
  /** Kills what still runs and frees outputs. Idempotent. */
  close(): void
}

export async function startJob(
  plan: Plan,
  program: Digest,
  sources: SessionSources,
  options: SessionOptions,
  limits: Limits,
): Promise<JobRun> {
  const session = await startSession(plan, sources, options)
  let wake: (() => void) | undefined
  let isDirty = false
  const onChange = () => {
    isDirty = true
    wake?.()
  }
  const outputs = plan.responses.map(({ name, contentType }) => {
    return new Output(name, contentType, onChange)
  })
  let cause: 'deadline' | 'spool' | 'cancel' | undefined
  const stop = (why: typeof cause, signal: 'SIGTERM' | 'SIGKILL') => {
    cause ??= why
    session.kill(signal)
  }
  const collected = outputs.map(async (output) => {
    const stream = session.streams.get(output.name)
    if (stream === undefined) return
    const isWhole = await output.collect(stream, limits, options.scratchDir).catch(() => false)
    if (!isWhole) stop('spool', 'SIGTERM')
  })
  // Started before the guest is: the program is judged within the same time.
  const soft = setTimeout(() => stop('deadline', 'SIGTERM'), plan.timeoutMs + 250)
  const hard = setTimeout(() => stop('deadline', 'SIGKILL'), plan.timeoutMs + limits.killGraceMs)
  const finish = async () => {
    const native = await session.ended
    clearTimeout(soft)
    clearTimeout(hard)
    await Promise.all(collected)
    for (const output of outputs) {
      const file = session.files.get(output.name)
      if (file !== undefined) output.adopt(file, fstatSync(file.fd).size)
    }
    return { report: judge(native, program, cause), native }
  }
  return {
    outputs,
    ended: finish(),
    changed: async () => {
      if (!isDirty) await new Promise<void>((resolve) => (wake = resolve))
      isDirty = false
    },
    cancel: () => stop('cancel', 'SIGTERM'),
    close: () => {
      stop('cancel', 'SIGKILL')
      for (const output of outputs) output.close()
      for (const file of session.files.values()) file.close()
    },
  }
}

function judge(
  native: NativeReport | undefined,
  program: Digest,
  cause: 'deadline' | 'spool' | 'cancel' | undefined,
): Report {
  if (native === undefined) {
    if (cause === 'deadline') return makeLostReport('limited', 'limit-wall-time', program)
    if (cause === 'spool') return makeLostReport('limited', 'limit-spool', program)
    if (cause === 'cancel') return makeLostReport('cancelled', 'cancelled', program)
    return makeLostReport('failed', 'worker-died', program)
  }
  const report = makeReport(native, program)
  // We sent the signal, so "cancelled by the operator" is not the whole truth.
  if (report.outcome === 'cancelled' && cause === 'deadline') {
    return { ...report, outcome: 'limited', reason: 'limit-wall-time' }
  }
  if (report.outcome === 'cancelled' && cause === 'spool') {
    return { ...report, outcome: 'limited', reason: 'limit-spool' }
  }
  return report
}
