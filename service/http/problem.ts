// Problems (RFC 9457): every code of the service, its status and title, in one table. `type` is a
// page that this service serves. Details are ours, never a peer's text or a stack trace.
import { manifestCodes, planCodes } from '../job/errors.ts'
import { problemHelp } from './problem-help.ts'

type Entry = readonly [status: number, title: string]

const manifestEntry: Entry = [400, 'The manifest is malformed']
const planEntry: Entry = [422, 'The job asks for more than this service gives']

const requestTable = {
  'multipart-malformed': [400, 'The multipart body is malformed'],
  'tar-malformed': [400, 'The tar body is malformed'],
  'body-incomplete': [400, 'The body ended too early'],
  'part-order': [400, 'The parts are not in the order manifest, program, inputs'],
  'part-missing': [400, 'A part that the manifest names is missing'],
  'part-unexpected': [400, 'A part that the manifest does not name'],
  'part-duplicate': [400, 'Two parts have one name'],
  'part-name-invalid': [400, 'The name of a part is not acceptable'],
  'part-encoding': [400, 'A part has a transfer encoding'],
  'image-malformed': [400, 'The image is not an acceptable tar archive'],
  'digest-invalid': [400, 'Not a digest'],
  'request-invalid': [400, 'The request is malformed'],
  'not-found': [404, 'There is no such resource'],
  'program-not-found': [404, 'No such program is stored'],
  'blob-not-found': [404, 'No such blob is stored'],
  'bucket-invalid': [400, 'The name of the bucket is not acceptable'],
  'key-invalid': [400, 'The key of the object is not acceptable'],
  'object-not-found': [404, 'No such object is stored'],
  'job-not-found': [404, 'There is no such job'],
  'output-not-found': [404, 'The job has no such output'],
  'job-not-ended': [409, 'The job has not ended'],
  'method-not-allowed': [405, 'The resource does not have this method'],
  'not-acceptable': [406, 'The answer cannot take this form'],
  'upload-timeout': [408, 'The client was silent within its request'],
  'precondition-failed': [412, 'The object is not what the request expects'],
  'limit-exceeded': [413, 'Something in the request is above a limit'],
  'media-type-unsupported': [415, 'The media type is not supported'],
  'range-unsatisfiable': [416, 'The range lies outside of the object'],
  'header-too-large': [431, 'The header of the request is too large'],
  'program-refused': [422, 'The program was refused'],
  'session-refused': [422, 'The session could not start as the manifest asks'],
  'queue-full': [503, 'Too many jobs are waiting'],
  'queue-timeout': [503, 'The job waited too long for its turn'],
  'jobs-full': [503, 'There is no room for another asynchronous job'],
  'listeners-full': [503, 'Too many clients listen to events'],
  draining: [503, 'The service is shutting down'],
  'worker-failed': [503, 'The process of the session could not be started'],
  'no-space': [507, 'There is no space left'],
  internal: [500, 'The service failed'],
} as const satisfies Record<string, Entry>

export type RequestCode = keyof typeof requestTable
export type ProblemCode = RequestCode | (typeof manifestCodes)[number] | (typeof planCodes)[number]

export const problemTable = Object.freeze({
  ...Object.fromEntries(manifestCodes.map((code) => [code, manifestEntry])),
  ...Object.fromEntries(planCodes.map((code) => [code, planEntry])),
  ...requestTable,
}) as Readonly<Record<ProblemCode, Entry>>

/** `more`: further members: limit, value, pointer, line, column, errors, violations, part. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly more: Readonly<Record<string, unknown>>
  constructor(
    code: ProblemCode,
    detail: string,
    more: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(detail, options)
    this.name = 'Problem'
    this.code = code
    this.status = problemTable[code][0]
    this.more = more
  }
}

export const problemType = 'application/problem+json'

export function problemBody(problem: Problem): Record<string, unknown> {
  const title = problemTable[problem.code][1]
  const { code, status, message: detail, more } = problem
  return { type: `/problems/${code}`, title, status, code, detail, ...more }
}

export function limitProblem(limit: string, value: number, unit: string, more = {}): Problem {
  const detail = `${limit} is ${value} ${unit}`
  return new Problem('limit-exceeded', detail, { limit, value, unit, ...more })
}

/** The page behind `type`: plain HTML, undefined for a code that does not exist. */
export function problemPage(code: string): string | undefined {
  if (!isProblemCode(code)) return undefined
  const [status, title] = problemTable[code]
  const [meaning, remedy] = problemHelp[code].map(toHtml)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${code}</title>
<h1>${title}</h1><p>Code <code>${code}</code>, HTTP status ${status}.</p>
<p>${meaning}</p><p><b>What to do:</b> ${remedy}</p>
<p>The member <code>detail</code> of the answer says what exactly; <code>pointer</code> (JSON) or
<code>line</code> and <code>column</code> say where, <code>limit</code> and <code>value</code> say
which limit. <a href="/v1/limits">Limits in force</a>,
<a href="/problems/">all problems</a></p></html>
`
}

/** All of them, as HTML. */
export function problemIndex(): string {
  const rows = Object.entries(problemTable).map(([code, [status, title]]) => {
    return `<tr><td>${status}<td><a href="/problems/${code}">${code}</a><td>${title}`
  })
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems</title>
<h1>Problems</h1><table>${rows.join('\n')}</table></html>
`
}

/** The table of docs/problems.md. */
export function problemMarkdown(): string {
  const codes = Object.keys(problemTable).filter(isProblemCode)
  const rows = codes.map((code) => {
    const [status, title] = problemTable[code]
    const [meaning, remedy] = problemHelp[code]
    return `| ${status} | \`${code}\` | ${title}. ${meaning} | ${remedy} |`
  })
  return ['| Status | Code | Meaning | What to do |', '|---|---|---|---|', ...rows].join('\n')
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemTable, code)
}

function toHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]+)`/g, '<code>$1</code>')
}
