// A session that ended before its guest began, as a Problem: what the validator or the loader said.
import type { NativeReport } from '../job/report.ts'
import type { ProgramRefusedError } from '../run/errors.ts'
import { Problem } from './problem.ts'

type Verdict = Pick<ProgramRefusedError, 'violations' | 'violationCount'>

/** What preparing a program said. */
export function programProblem(error: ProgramRefusedError): Problem {
  return refused(error.code, error.message, error, error)
}

function refused(code: string, message: string, verdict: Verdict, cause?: Error): Problem {
  const { violations, violationCount } = verdict
  const [first] = violations
  return new Problem(
    'program-refused',
    message,
    {
      ...(first === undefined ? {} : { offset: first.offset, rule: first.rule }),
      reason: code,
      ...(violationCount === 0 ? {} : { violationCount, violations }),
    },
    { cause },
  )
}

/** Undefined when the guest began, or may have. */
export function refusalOf(report: NativeReport | undefined): Problem | undefined {
  if (report === undefined || report.outcome !== 'failed') return undefined
  const { code, message } = report.error ?? {
    code: report.reason ?? 'unknown',
    message: 'no details',
  }
  if (report.validator === 'failed') return refused(code, message, report)
  // Host code failed: nobody's request is to blame.
  if (code === 'trusted-fault') return undefined
  // The program is fine, but no memory of this size can hold it: found before the guest is entered.
  if (report.validator === 'not-run' || code.startsWith('memory-')) {
    const isProgram = /^(elf|program|image|loader)-/.test(code)
    return new Problem(isProgram ? 'program-refused' : 'session-refused', message, { reason: code })
  }
  return undefined
}
