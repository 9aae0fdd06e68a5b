// The JSON form of a manifest. Strict: unknown fields are errors; every mistake is reported at
// once, each with its JSON pointer (RFC 6901). Pure.
import { z } from 'zod'
import {
  type Channel,
  type ChannelLimits,
  type ChannelType,
  defaultContentType,
  limitUnbounded,
} from './channel.ts'
import { type ManifestCode, ManifestError, type ManifestIssue } from './errors.ts'
import { finishManifest, type Manifest, type ProgramUrl } from './manifest.ts'
import { isFault, parseSourceUrl, type SourceUrl } from './source-url.ts'

export const argsMax = 100
export const envMax = 100
const textBytesMax = 10_240
const timeMax = 4_294_967_295

const text = z
  .string()
  .max(textBytesMax)
  .refine((value) => !value.includes('\0'), 'has a NUL')
const count = z.int().min(0)
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
const contentType = z.string().regex(/^[\x21-\x7e][\x20-\x7e]{0,254}$/)

const channelSchema = z.strictObject({
  alias: z.string(),
  source: z.string().optional(),
  sink: z.string().optional(),
  access: z.enum(['sequential', 'random', 'append']).optional(),
  contentType: contentType.optional(),
  etag: z.boolean().optional(),
  limits: z
    .strictObject({ reads: count, readBytes: count, writes: count, writeBytes: count })
    .partial()
    .optional(),
})

const manifestSchema = z.strictObject({
  program: z.string(),
  args: z.array(text).max(argsMax).optional(),
  env: z.record(envName, text).optional(),
  time: z.int().min(0).max(timeMax).optional(),
  image: z.string().optional(),
  memoryBytes: z.int().min(1).optional(),
  memoryEtag: z.boolean().optional(),
  timeoutMs: z.int().min(1).optional(),
  channels: z.array(channelSchema).optional(),
})
type ChannelJson = z.infer<typeof channelSchema>

/** Throws ManifestError. */
export function parseJsonManifest(bytes: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(bytes)
  } catch {
    throw new ManifestError([{ code: 'json-syntax', detail: 'not a JSON text', pointer: '' }])
  }
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw new ManifestError(parsed.error.issues.flatMap(issuesOf))

  const issues: ManifestIssue[] = []
  const json = parsed.data
  const report = (code: ManifestCode, detail: string, pointer: string) =>
    issues.push({ code, detail, pointer })
  const program = readProgramUrl(json.program, '/program', report)
  const image = json.image === undefined ? undefined : readProgramUrl(json.image, '/image', report)
  if (Object.keys(json.env ?? {}).length > envMax) {
    report('json-field', `at most ${envMax} variables`, '/env')
  }
  const channels = (json.channels ?? []).flatMap((channel, index) => {
    const made = makeChannel(channel, `/channels/${index}`, report)
    return made === undefined ? [] : [made]
  })
  if (issues.length > 0 || program === undefined) throw new ManifestError(issues)

  const draft = {
    program,
    args: json.args ?? [],
    env: json.env ?? {},
    ...(json.time === undefined ? {} : { time: json.time }),
    ...(image === undefined ? {} : { image }),
    ...(json.memoryBytes === undefined ? {} : { memoryBytes: json.memoryBytes }),
    memoryEtag: json.memoryEtag ?? false,
    ...(json.timeoutMs === undefined ? {} : { timeoutMs: json.timeoutMs }),
    channels,
  }
  return finishManifest(draft, (index) => ({
    pointer: index === undefined || index >= channels.length ? '' : `/channels/${index}`,
  }))
}

type Report = (code: ManifestCode, detail: string, pointer: string) => void

function readProgramUrl(url: string, pointer: string, report: Report): ProgramUrl | undefined {
  const parsed = parseSourceUrl(url)
  if (isFault(parsed)) {
    report(parsed.code, parsed.detail, pointer)
    return undefined
  }
  if (parsed.kind === 'part' || parsed.kind === 'sha256') return parsed
  report('source-scheme', 'must be part:NAME or sha256:HEX', pointer)
  return undefined
}

function makeChannel(json: ChannelJson, pointer: string, report: Report): Channel | undefined {
  if ((json.source === undefined) === (json.sink === undefined)) {
    report('channel-direction', 'a channel has either a source or a sink', pointer)
    return undefined
  }
  const isInput = json.source !== undefined
  const place = `${pointer}/${isInput ? 'source' : 'sink'}`
  const parsed = parseSourceUrl(json.source ?? json.sink ?? '')
  if (isFault(parsed)) {
    report(parsed.code, parsed.detail, place)
    return undefined
  }
  const fitting: readonly SourceUrl['kind'][] = isInput
    ? ['part', 'sha256', 'null']
    : ['response', 'null']
  if (!fitting.includes(parsed.kind)) {
    report('channel-direction', `a ${isInput ? 'source' : 'sink'} is not ${parsed.kind}:`, place)
    return undefined
  }
  if (isInput && json.access === 'append') {
    report('channel-direction', 'append is for sinks', `${pointer}/access`)
    return undefined
  }
  return {
    alias: json.alias,
    type: typeOf(isInput, json.access ?? 'sequential'),
    etag: json.etag ?? false,
    limits: limitsOf(isInput, json.limits ?? {}),
    sources: [parsed],
    contentType: json.contentType ?? defaultContentType,
  }
}

function typeOf(isInput: boolean, access: 'sequential' | 'random' | 'append'): ChannelType {
  if (access !== 'random') return 0
  return isInput ? 1 : 2
}

function limitsOf(isInput: boolean, limits: NonNullable<ChannelJson['limits']>): ChannelLimits {
  const limit = (value: number | undefined, applies: boolean) =>
    value === undefined ? (applies ? limitUnbounded : 0n) : BigInt(value)
  return {
    reads: limit(limits.reads, isInput),
    readBytes: limit(limits.readBytes, isInput),
    writes: limit(limits.writes, !isInput),
    writeBytes: limit(limits.writeBytes, !isInput),
  }
}

function issuesOf(issue: z.core.$ZodIssue): ManifestIssue[] {
  const pointer = pointerOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'unknown-field',
      detail: 'this field is not known',
      pointer: pointer + pointerOf([key]),
    }))
  }
  return [{ code: 'json-field', detail: issue.message, pointer }]
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
