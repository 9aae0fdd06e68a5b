// The URLs of a graph's channels: those of a single node, objects of a store, devices of other
// nodes. Pure.
import { findNameFault } from '../store/object.ts'
import type { ManifestCode } from './errors.ts'
import { tryGlob } from './glob.ts'
import { isFault, parseSourceUrl, type SourceFault, type SourceUrl } from './source-url.ts'

/** `key` may hold wildcards. */
export type ObjectUrl = { readonly kind: 'object'; readonly bucket: string; readonly key: string }
/** Another group's device; a `*` stands for the name of the instance at this end. */
export type NodeUrl = { readonly kind: 'node'; readonly group: string; readonly device: string }
export type NodeChannelUrl = SourceUrl | ObjectUrl | NodeUrl

export const nodeNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/
const devicePattern = /^[A-Za-z0-9*][A-Za-z0-9*._/-]{0,254}$/

export function parseNodeChannelUrl(text: string): NodeChannelUrl | SourceFault {
  if (text.startsWith('node:')) return parseNode(text.slice('node:'.length))
  if (text.startsWith('file:') && !text.startsWith('file:/')) {
    return parseObject(text.slice('file:'.length))
  }
  if (text.startsWith('response:') && text.includes('*')) return parseResponse(text)
  return parseSourceUrl(text)
}

function parseNode(text: string): NodeUrl | SourceFault {
  const slash = text.indexOf('/')
  const group = slash < 0 ? text : text.slice(0, slash)
  const device = slash < 0 ? '' : text.slice(slash + 1)
  if (nodeNamePattern.test(group) && devicePattern.test(device)) {
    return { kind: 'node', group, device }
  }
  return fault('source-syntax', 'written node:NAME/DEVICE, for example node:reduce/stdin')
}

function parseObject(text: string): ObjectUrl | SourceFault {
  const slash = text.indexOf('/')
  const name = { bucket: text.slice(0, Math.max(slash, 0)), key: text.slice(slash + 1) }
  if (slash < 0 || findNameFault(name) !== undefined) {
    return fault('source-syntax', 'written file:BUCKET/KEY')
  }
  if (tryGlob(name.key) === undefined) return fault('wildcard-syntax', '* or **, at most 8')
  return { kind: 'object', ...name }
}

/** A star stands for the name of the instance, so that the rest must be a name. */
function parseResponse(text: string): SourceUrl | SourceFault {
  const parsed = parseSourceUrl(text.replaceAll('*', 'x'))
  if (isFault(parsed) || parsed.kind !== 'response') return parsed
  return { kind: 'response', name: text.slice('response:'.length) }
}

function fault(code: ManifestCode, detail: string): SourceFault {
  return { code, detail }
}
