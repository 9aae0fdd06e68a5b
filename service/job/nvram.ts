// The text of /dev/nvram, by which arguments, environment, clock and image reach a guest in the
// classic way. Pure. Everything that its readers treat as special is escaped as \xHH.
import { imageAlias } from './channel.ts'
import { ManifestError } from './errors.ts'
import { type ManifestDraft, needsNvram } from './manifest.ts'

/** What a guest reads; more would be lost without a word. */
export const nvramBytesMax = 10_240

const plain = /[A-Za-z0-9_./:@%+-]/

/** Undefined when the guest is told nothing. Throws ManifestError when the text is too long. */
export function makeNvram(manifest: Omit<ManifestDraft, 'channels' | 'memo'>): string | undefined {
  if (!needsNvram(manifest)) return undefined
  const lines: string[] = []
  if (manifest.image !== undefined) {
    lines.push('[fstab]', `channel=${imageAlias},mountpoint=/,access=ro,removable=no`)
  }
  if (manifest.args.length > 0) {
    lines.push('[args]', `args=${manifest.args.map(escapeArgument).join(' ')}`)
  }
  const env = Object.entries(manifest.env)
  if (env.length > 0) {
    lines.push('[env]', ...env.map(([name, value]) => `name=${name},value=${escapeText(value)}`))
  }
  if (manifest.time !== undefined) lines.push('[time]', `seconds=${manifest.time}`)
  const text = `${lines.join('\n')}\n`
  if (Buffer.byteLength(text) > nvramBytesMax) {
    const detail = `args, env and their escapes need more than ${nvramBytesMax} bytes`
    throw new ManifestError([{ code: 'nvram-too-large', detail, pointer: '' }])
  }
  return text
}

function escapeArgument(text: string): string {
  return text === '' ? '""' : escapeText(text)
}

function escapeText(text: string): string {
  let result = ''
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte)
    result += plain.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return result
}
