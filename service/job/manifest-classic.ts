// The classic text form (version 20130611, docs/abi.md §5, strict mode) with the URLs of the HTTP
// contract in place of host paths. The first error ends the reading; it has a line and a column.
// Pure.
import { type Channel, type ChannelType, channelSourcesMax, defaultContentType } from './channel.ts'
import { integerOf, limitOf } from './classic-number.ts'
import { type ManifestCode, ManifestError } from './errors.ts'
import { finishManifest, type Manifest, type ManifestDraft, type ProgramUrl } from './manifest.ts'
import { isFault, parseSourceUrl, type SourceUrl } from './source-url.ts'

const linesMax = 8192
const valueBytesMax = 8192
const timeoutSecondsMax = 2n ** 31n - 1n
const keywords = ['Version', 'Program', 'Memory', 'Timeout', 'Channel', 'Etag'] as const
type Keyword = (typeof keywords)[number]
/** Known to the classic runtime, without meaning for a job of one node. */
const unsupported = ['Node', 'NameServer', 'Job']

/** A piece of a line: `column` is that of its first byte, from 1. */
type Token = { readonly text: string; readonly line: number; readonly column: number }
type Entry = { readonly keyword: Keyword; readonly at: Token; readonly value: Token }

/** Throws ManifestError with one issue. */
export function parseClassicManifest(text: string): Manifest {
  const entries = readEntries(text)
  const once = (keyword: Keyword): Token => {
    const entry = entries.find((candidate) => candidate.keyword === keyword)
    if (entry !== undefined) return entry.value
    throw new ManifestError([{ code: 'missing-keyword', detail: `${keyword} is missing` }])
  }
  const timeout = once('Timeout')
  const memory = once('Memory')
  const program = once('Program')
  const version = once('Version')
  if (version.text !== '20130611') throw fail(version, 'invalid-version', 'must be 20130611')
  const channels = entries.filter((entry) => entry.keyword === 'Channel')
  const draft: ManifestDraft = {
    program: readProgram(program),
    args: [],
    env: {},
    ...readMemory(memory),
    timeoutMs: readTimeout(timeout),
    channels: channels.map((entry) => readChannel(entry.value)),
  }
  return finishManifest(draft, (index) => {
    const value = index === undefined ? undefined : channels[index]?.value
    return value === undefined ? {} : { line: value.line, column: value.column }
  })
}

function readEntries(text: string): Entry[] {
  const lines = text.split('\n')
  const entries: Entry[] = []
  const seen = new Set<Keyword>()
  for (const [index, raw] of lines.entries()) {
    const start = { text: raw, line: index + 1, column: 1 }
    if (index >= linesMax) throw fail(start, 'too-many-lines', `at most ${linesMax} lines`)
    const entry = readEntry({ ...start, text: raw.endsWith('\r') ? raw.slice(0, -1) : raw })
    if (entry === undefined) continue
    if (seen.has(entry.keyword) && entry.keyword !== 'Channel') {
      throw fail(entry.at, 'duplicate-key', 'this keyword may come once')
    }
    seen.add(entry.keyword)
    entries.push(entry)
  }
  return entries
}

function readEntry(line: Token): Entry | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = line.text.search(/[\u0000-\u0008\u000a-\u001f\u007f]/)
  if (control >= 0) throw fail(cut(line, control), 'control-character', 'a control character')
  const whole = strip(line)
  if (whole.text === '' || whole.text.startsWith('#') || whole.text.startsWith('==')) {
    return undefined
  }
  const equals = whole.text.indexOf('=')
  if (equals < 0) throw fail(whole, 'missing-equals', 'neither a comment nor keyword = value')
  const at = strip(cut(whole, 0, equals))
  const value = strip(cut(whole, equals + 1))
  if (at.text === '') throw fail(cut(whole, equals), 'missing-key', 'nothing before the =')
  if (unsupported.includes(at.text)) {
    throw fail(at, 'unsupported-key', 'belongs to jobs of several nodes')
  }
  const keyword = keywords.find((known) => known === at.text)
  if (keyword === undefined) throw fail(at, 'unknown-key', 'this keyword is not known')
  if (value.text === '') throw fail(value, 'empty-value', 'nothing behind the =')
  if (Buffer.byteLength(value.text) > valueBytesMax) {
    throw fail(value, 'value-too-long', `at most ${valueBytesMax} bytes`)
  }
  return { keyword, at, value }
}

function readProgram(value: Token): ProgramUrl {
  const url = parseSourceUrl(value.text)
  if (isFault(url)) throw fail(value, url.code, url.detail)
  if (url.kind === 'part' || url.kind === 'sha256') return url
  throw fail(value, 'source-scheme', 'must be part:NAME or sha256:HEX')
}

function readMemory(value: Token): { memoryBytes: number; memoryEtag: boolean } {
  const fields = split(value, ',')
  const [bytes, etag] = fields
  if (bytes === undefined || etag === undefined || fields.length !== 2) {
    throw fail(value, 'memory-fields-invalid', 'two fields: bytes, etag')
  }
  const size = readInteger(bytes)
  if (size < 1n || size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw fail(bytes, 'number-out-of-range', 'no size of a memory')
  }
  return { memoryBytes: Number(size), memoryEtag: readFlag(etag, 'memory-etag-invalid') }
}

function readTimeout(value: Token): number {
  const seconds = readInteger(value)
  if (seconds < 1n) throw fail(value, 'invalid-timeout', 'at least one second')
  if (seconds > timeoutSecondsMax) throw fail(value, 'number-out-of-range', 'at most 2^31 - 1')
  return Number(seconds) * 1000
}

function readChannel(value: Token): Channel {
  const fields = split(value, ',')
  const [sources, alias, type, etag, reads, readBytes, writes, writeBytes] = fields
  if (
    sources === undefined ||
    alias === undefined ||
    type === undefined ||
    etag === undefined ||
    reads === undefined ||
    readBytes === undefined ||
    writes === undefined ||
    writeBytes === undefined ||
    fields.length !== 8
  ) {
    throw fail(fields[8] ?? value, 'channel-fields-invalid', 'a channel has eight fields')
  }
  if (alias.text === '') throw fail(alias, 'channel-alias-invalid', 'the alias is empty')
  return {
    sources: readSources(sources),
    alias: alias.text,
    type: readType(type),
    etag: readFlag(etag, 'channel-etag-invalid'),
    limits: {
      reads: readLimit(reads),
      readBytes: readLimit(readBytes),
      writes: readLimit(writes),
      writeBytes: readLimit(writeBytes),
    },
    contentType: defaultContentType,
  }
}

function readSources(value: Token): SourceUrl[] {
  const tokens = split(value, ';')
  const extra = tokens[channelSourcesMax]
  if (extra !== undefined) throw fail(extra, 'channel-sources-invalid', 'at most 16 sources')
  return tokens.map((token) => {
    const url = parseSourceUrl(token.text)
    if (isFault(url)) throw fail(token, url.code, url.detail)
    return url
  })
}

function readType(token: Token): ChannelType {
  const value = readInteger(token)
  if (value === 0n || value === 1n || value === 2n || value === 3n) {
    return Number(value) as ChannelType
  }
  throw fail(token, 'channel-type-invalid', '0 to 3')
}

function readFlag(token: Token, code: ManifestCode): boolean {
  const value = readInteger(token)
  if (value !== 0n && value !== 1n) throw fail(token, code, '0 or 1')
  return value === 1n
}

function readLimit(token: Token): bigint {
  const value = limitOf(readInteger(token))
  if (value === undefined) throw fail(token, 'channel-limits-negative', 'below 0')
  return value
}

function readInteger(token: Token): bigint {
  const value = integerOf(token.text)
  if (typeof value === 'bigint') return value
  const place = value.offset === 0 ? token : cut(token, value.offset)
  throw fail(place, value.code, value.detail)
}

function cut(token: Token, from: number, to?: number): Token {
  const before = Buffer.byteLength(token.text.slice(0, from))
  return { text: token.text.slice(from, to), line: token.line, column: token.column + before }
}

function strip(token: Token): Token {
  const blanks = token.text.length - token.text.replace(/^[ \t]+/, '').length
  return cut({ ...token, text: token.text.replace(/[ \t]+$/, '') }, blanks)
}

function split(token: Token, separator: string): Token[] {
  const tokens: Token[] = []
  let from = 0
  for (const piece of token.text.split(separator)) {
    tokens.push(strip(cut(token, from, from + piece.length)))
    from += piece.length + 1
  }
  return tokens
}

function fail(at: Token, code: ManifestCode, detail: string): ManifestError {
  return new ManifestError([{ code, detail, line: at.line, column: at.column }])
}
