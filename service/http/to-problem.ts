// From whatever was thrown to a Problem. Nothing foreign gets through: an unknown error is
// `internal`.
import { ManifestError, PlanError } from '../job/errors.ts'
import { AdmissionError, ProgramRefusedError, WorkerError } from '../run/errors.ts'
import { WireError } from '../run/wire.ts'
import { StoreError } from '../store/errors.ts'
import { Problem, type RequestCode } from './problem.ts'
import { programProblem } from './refusal.ts'

const byCode: Readonly<Record<string, readonly [RequestCode, string]>> = {
  ENOSPC: ['no-space', 'the disk of the service is full'],
  EDQUOT: ['no-space', 'the disk quota of the service is used up'],
  EMFILE: ['worker-failed', 'no descriptors left'],
  ENFILE: ['worker-failed', 'no descriptors left'],
  EAGAIN: ['worker-failed', 'no processes left'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['media-type-unsupported', 'see openapi.json for media types'],
  FST_INVALID_MULTIPART_CONTENT_TYPE: ['media-type-unsupported', 'multipart/form-data expected'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['body-incomplete', 'Content-Length and body differ'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['limit-exceeded', 'the body is above requestBytesMax'],
  FST_ERR_MAX_PARAM_LENGTH: ['request-invalid', 'a name in the path is above 200 characters'],
  FST_ERR_BAD_URL: ['request-invalid', 'the path is malformed'],
  ERR_STREAM_PREMATURE_CLOSE: ['body-incomplete', 'the body ended too early'],
  ECONNRESET: ['body-incomplete', 'the body ended too early'],
}

/** Told of one manifest: half a megabyte of mistakes would be an answer of many. */
const errorsMax = 100

export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ManifestError || error instanceof PlanError) {
    const [first] = error.issues
    if (first === undefined) return new Problem('internal', `${error.name} without issue`)
    const { code, detail, ...place } = first
    const errors = error.issues.slice(0, errorsMax)
    return new Problem(code, detail, { ...place, errors }, { cause: error })
  }
  if (error instanceof AdmissionError) {
    const more = { retryAfterS: error.retryAfterS }
    return new Problem(error.code, error.message, more, { cause: error })
  }
  if (error instanceof StoreError) return storeProblem(error)
  if (error instanceof ProgramRefusedError) return programProblem(error)
  if (error instanceof WireError && error.code === 'frame-too-large') {
    const detail = 'its channels do not fit into one session'
    return new Problem('session-refused', detail, { reason: error.code }, { cause: error })
  }
  if (error instanceof WorkerError) {
    return new Problem('worker-failed', 'try again', { reason: error.code }, { cause: error })
  }
  if (isSqliteFull(error)) return new Problem('no-space', 'a table of the service is full')
  const known = error instanceof Error && 'code' in error ? byCode[String(error.code)] : undefined
  if (known !== undefined) return new Problem(known[0], known[1], {}, { cause: error })
  if (error instanceof Error && 'statusCode' in error && error.statusCode === 400) {
    return new Problem('request-invalid', 'the request is malformed', {}, { cause: error })
  }
  return new Problem('internal', 'the log of the service has the details', {}, { cause: error })
}

/** SQLITE_FULL: the disk, or the bound of a database. */
function isSqliteFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13
}

function storeProblem(error: StoreError): Problem {
  const more = { limit: error.limit?.name, value: error.limit?.value }
  const options = { cause: error }
  switch (error.code) {
    case 'object-too-large':
      return new Problem('limit-exceeded', error.message, more, options)
    case 'store-full':
      return new Problem('no-space', error.message, more, options)
    case 'precondition-failed':
      return new Problem('precondition-failed', error.message, {}, options)
  }
}
