// The URLs by which a manifest names bytes: part:, response:, sha256:, null:. Pure. Host paths
// are never accepted here; schemes of object stores are refused until a store for them is
// configured.
import { type Digest, tryDigest } from './digest.ts'
import type { ManifestCode } from './errors.ts'

export type SourceUrl =
  | { readonly kind: 'part'; readonly name: string }
  | { readonly kind: 'response'; readonly name: string }
  | { readonly kind: 'sha256'; readonly digest: Digest }
  | { readonly kind: 'null' }

export type SourceFault = { readonly code: ManifestCode; readonly detail: string }

/** Names of parts: safe in headers, file names and tar members without any quoting. */
export const partNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Parts with a meaning of their own. */
export const manifestPartName = 'manifest'
export const reportPartName = 'report'

export function parseSourceUrl(text: string): SourceUrl | SourceFault {
  if (text === 'null:') return { kind: 'null' }
  if (text.startsWith('/') || /^file:/i.test(text)) {
    return fault('source-host-path', 'paths of the host are not accepted over HTTP')
  }
  const colon = text.indexOf(':')
  if (colon <= 0) return fault('source-syntax', 'a source is written scheme:name, or null:')
  const scheme = text.slice(0, colon)
  const name = text.slice(colon + 1)
  if (scheme === 'part' || scheme === 'response') {
    if (!partNamePattern.test(name)) {
      return fault('source-syntax', `${scheme}: needs 1 to 128 letters, digits, dots, _ or -`)
    }
    if (scheme === 'part' && name === manifestPartName) {
      return fault('part-name-reserved', 'the manifest cannot be an input of the job')
    }
    if (scheme === 'response' && name === reportPartName) {
      return fault('response-name-reserved', 'the name report belongs to the report')
    }
    return { kind: scheme, name }
  }
  if (scheme === 'sha256') {
    const digest = tryDigest(text)
    if (digest === undefined) {
      return fault('source-syntax', 'sha256: needs 64 lower-case hexadecimal digits')
    }
    return { kind: 'sha256', digest }
  }
  if (scheme === 'null') return fault('source-syntax', 'null: has no name')
  return fault('source-scheme', 'known schemes are part:, response:, sha256: and null:')
}

export function isFault(value: object): value is SourceFault {
  return 'code' in value
}

function fault(code: ManifestCode, detail: string): SourceFault {
  return { code, detail }
}
