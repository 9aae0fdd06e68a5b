// From the bytes of the manifest part to a Manifest: chooses the form and refuses what is no
// text. Pure.
import { ManifestError } from './errors.ts'
import type { Graph } from './graph.ts'
import { parseJsonGraph } from './graph-json.ts'
import { tryLoneGraph } from './lone-graph.ts'
import type { Manifest } from './manifest.ts'
import { parseClassicManifest } from './manifest-classic.ts'
import { parseJsonManifest } from './manifest-json.ts'

export const manifestBytesMax = 524_288
export type ManifestForm = 'json' | 'classic'

/** Undefined when the media type is neither application/json nor text/plain. */
export function tryManifestForm(contentType: string): ManifestForm | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json') return 'json'
  if (type === 'text/plain') return 'classic'
  return undefined
}

/** A manifest of one node, or of many when it is JSON with `nodes`. Throws ManifestError. */
export function parseJobManifest(bytes: Uint8Array, form: ManifestForm): Manifest | Graph {
  const text = decode(bytes)
  if (form === 'classic') return parseClassicManifest(text)
  const value = parseJson(text)
  const isGraph = typeof value === 'object' && value !== null && 'nodes' in value
  if (isGraph) return parseJsonGraph(value)
  return tryLoneGraph(value) ?? parseJsonManifest(value)
}

export function isGraph(manifest: Manifest | Graph): manifest is Graph {
  return 'groups' in manifest
}

/** A manifest of one node. Throws ManifestError. */
export function parseManifest(bytes: Uint8Array, form: ManifestForm): Manifest {
  const text = decode(bytes)
  return form === 'json' ? parseJsonManifest(parseJson(text)) : parseClassicManifest(text)
}

function decode(bytes: Uint8Array): string {
  if (bytes.length === 0) throw wrong('manifest-empty', 'the manifest has no bytes')
  if (bytes.length > manifestBytesMax) {
    throw wrong('manifest-too-large', `at most ${manifestBytesMax} bytes`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw wrong('manifest-encoding', 'not UTF-8')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ManifestError([{ code: 'json-syntax', detail: 'not a JSON text', pointer: '' }])
  }
}

function wrong(
  code: 'manifest-empty' | 'manifest-too-large' | 'manifest-encoding',
  detail: string,
) {
  return new ManifestError([{ code, detail }])
}
