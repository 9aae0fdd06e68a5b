// What the command's exit status says. The guest's own status is passed on as it is; these are
// for everything that is not the guest's word. Also the one error type of the command line.

/** Refused, unreachable, or not installed: the guest did not begin. */
export const statusRefused = 125
/** The guest began but did not exit by itself: trapped, limited, cancelled, failed. */
export const statusStopped = 126
/** Wrong usage, or a file that is not there. */
export const statusUsage = 127

/** `more`: the members of a problem, for `--json`. */
export class CliError extends Error {
  readonly status: number
  readonly code: string
  readonly more: Readonly<Record<string, unknown>>
  constructor(
    status: number,
    code: string,
    detail: string,
    more: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(detail, options)
    this.name = 'CliError'
    this.status = status
    this.code = code
    this.more = more
  }
}

export function usageError(detail: string): CliError {
  return new CliError(statusUsage, 'usage', detail)
}

/** A guest's exit code as a process can give it: never 0 for one that is not. */
export function statusOf(exitCode: number): number {
  const status = exitCode & 0xff
  return status === 0 && exitCode !== 0 ? 255 : status
}
