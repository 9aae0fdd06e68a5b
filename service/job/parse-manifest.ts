// From the bytes of the manifest part to a Manifest: chooses the form and refuses what is no
// text. Pure.
import { ManifestError } from './errors.ts'
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

/** Throws ManifestError. */
export function parseManifest(bytes: Uint8Array, form: ManifestForm): Manifest {
  if (bytes.length === 0) throw wrong('manifest-empty', 'the manifest has no bytes')
  if (bytes.length > manifestBytesMax) {
    throw wrong('manifest-too-large', `at most ${manifestBytesMax} bytes`)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw wrong('manifest-encoding', 'not UTF-8')
  }
  return form === 'json' ? parseJsonManifest(parseJson(text)) : parseClassicManifest(text)
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
