// What can go wrong between a job and its session. HTTP statuses are given to the codes in
// http/problem.ts.

export const admissionCodes = [
  'queue-full',
  'queue-timeout',
  'draining',
  'jobs-full',
  'listeners-full',
] as const
export type AdmissionCode = (typeof admissionCodes)[number]

/** Why a job does not get its turn. */
export class AdmissionError extends Error {
  readonly code: AdmissionCode
  /** Seconds after which another try makes sense. */
  readonly retryAfterS: number
  constructor(code: AdmissionCode, detail: string, retryAfterS: number) {
    super(detail)
    this.name = 'AdmissionError'
    this.code = code
    this.retryAfterS = retryAfterS
  }
}

/**
 * worker-start: no process could be started. worker-died: it ended without an answer.
 * worker-unread: it ended before it had received the task, which another may be given.
 * worker-overdue: it did not answer in time and was killed. worker-refused: it did not take our
 * frame. worker-wire: it sent what is no frame.
 */
export type WorkerCode =
  | 'worker-start'
  | 'worker-died'
  | 'worker-unread'
  | 'worker-overdue'
  | 'worker-refused'
  | 'worker-wire'

export class WorkerError extends Error {
  readonly code: WorkerCode
  constructor(code: WorkerCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'WorkerError'
    this.code = code
  }
}

export type Violation = { readonly offset: number; readonly rule: string; readonly reason: string }

/** A program that does not become an image: what the loader or the validator said. */
export class ProgramRefusedError extends Error {
  /** elf-…, validation-failed, … */
  readonly code: string
  readonly violationCount: number
  /** The first ones. */
  readonly violations: readonly Violation[]
  constructor(
    code: string,
    detail: string,
    violationCount: number,
    violations: readonly Violation[],
  ) {
    super(detail)
    this.name = 'ProgramRefusedError'
    this.code = code
    this.violationCount = violationCount
    this.violations = violations
  }
}
