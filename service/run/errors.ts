// Why a job does not get its turn. HTTP statuses are given to the codes in http/problem.ts.

export const admissionCodes = ['queue-full', 'queue-timeout', 'draining'] as const
export type AdmissionCode = (typeof admissionCodes)[number]

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
