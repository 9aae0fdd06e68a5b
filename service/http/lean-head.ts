// The head of a request for the lean lane: only what is plainly a small job and says nothing out of
// the ordinary. Everything else is undefined and goes to the HTTP server, which knows all of HTTP.
import { type ManifestForm, tryManifestForm } from '../job/parse-manifest.ts'
import { tryTenant } from '../tenant/tenant.ts'
import { requestIdPattern } from './request-id.ts'
import { tryResponseForm } from './response-parts.ts'

export type LeanHead = {
  readonly bodyBytes: number
  readonly tenant: string
  readonly requestId: string | undefined
  /** The body is a manifest, or parts between boundaries. */
  readonly body: { readonly form: ManifestForm } | { readonly boundary: string }
}

const requestLine = 'POST /v1/jobs HTTP/1.1'
/** No control characters, nothing beyond ASCII, no white space around the value but one space. */
const headerPattern = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([!-~](?:[ -~]*[!-~])?)$/
/** RFC 2046 §5.1.1; those that need quotes have them. */
const boundaryPattern =
  /^multipart\/form-data; ?boundary=(?:([\w'+.-]{1,70})|"([\w'()+,./:=?-]{1,70})")$/i
/** What changes how a body is framed, a connection used or an answer made. */
const extraordinary = new Set([
  'content-encoding',
  'expect',
  'prefer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** `text`: without the empty line at its end. */
export function tryLeanHead(
  text: string,
  bodyBytesMax: number,
  tenantHeader: string,
): LeanHead | undefined {
  const [first, ...lines] = text.split('\r\n')
  if (first !== requestLine) return undefined
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const [, given = '', value = ''] = headerPattern.exec(line) ?? []
    const name = given.toLowerCase()
    if (name === '' || extraordinary.has(name) || Object.hasOwn(headers, name)) return undefined
    headers[name] = value
  }
  const { host, connection = 'keep-alive', 'content-length': length = '' } = headers
  if (host === undefined || connection.toLowerCase() !== 'keep-alive') return undefined
  if (!/^(0|[1-9]\d{0,8})$/.test(length) || Number(length) > bodyBytesMax) return undefined
  if (tryResponseForm(headers.accept) !== 'multipart') return undefined
  const tenant = tryTenant(headers, tenantHeader)
  const body = bodyOf(headers['content-type'] ?? '')
  if (tenant === undefined || body === undefined) return undefined
  const id = headers['x-request-id']
  const requestId = id !== undefined && requestIdPattern.test(id) ? id : undefined
  return { bodyBytes: Number(length), tenant, requestId, body }
}

function bodyOf(type: string): LeanHead['body'] | undefined {
  const [, token, quoted] = boundaryPattern.exec(type) ?? []
  const boundary = token ?? quoted
  if (boundary !== undefined) return { boundary }
  const form = tryManifestForm(type)
  return form === 'json' ? { form } : undefined
}
