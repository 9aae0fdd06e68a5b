// The fields that a manifest of one node and a group of a graph have in common, in JSON: their
// shapes, and the way from them to a draft. Pure.
import { z } from 'zod'
import {
  type ChannelLimits,
  type ChannelOf,
  type ChannelType,
  defaultContentType,
  limitUnbounded,
} from './channel.ts'
import type { ManifestCode, ManifestIssue } from './errors.ts'
import type { ManifestDraft, ProgramUrl } from './manifest.ts'
import { isFault, parseSourceUrl, type SourceFault } from './source-url.ts'

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
// What reads records leaves this name out without a word.
const env = z
  .unknown()
  .refine((value) => !Object.hasOwn(Object(value), '__proto__'), 'no variable is named __proto__')
  .pipe(z.record(envName, text))
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

/** Shapes of the fields of one node. */
export const nodeFields = {
  program: z.string(),
  args: z.array(text).max(argsMax).optional(),
  env: env.optional(),
  time: z.int().min(0).max(timeMax).optional(),
  image: z.string().optional(),
  memoryBytes: z.int().min(1).optional(),
  memoryEtag: z.boolean().optional(),
  timeoutMs: z.int().min(1).optional(),
  channels: z.array(channelSchema).optional(),
}
const nodeSchema = z.strictObject(nodeFields)
type NodeJson = z.infer<typeof nodeSchema>
type ChannelJson = z.infer<typeof channelSchema>

export type Report = (code: ManifestCode, detail: string, pointer: string) => void

type Drafted<Url> = Omit<ManifestDraft, 'channels'> & {
  readonly channels: readonly ChannelOf<Url>[]
}

/** `kinds`: what a source, what a sink may be. `parse` gives a URL of `Url` or a fault. */
export type UrlRules<Url extends { readonly kind: string }> = {
  readonly parse: (text: string) => Url | SourceFault
  readonly sources: readonly Url['kind'][]
  readonly sinks: readonly Url['kind'][]
}

/** Undefined when something was reported. `place`: the pointer of the object that `json` is. */
export function readNode<Url extends { readonly kind: string }>(
  json: NodeJson,
  place: string,
  rules: UrlRules<Url>,
  report: Report,
): Drafted<Url> | undefined {
  let isWhole = true
  const note: Report = (...issue) => {
    isWhole = false
    report(...issue)
  }
  const program = readProgramUrl(json.program, `${place}/program`, note)
  const image =
    json.image === undefined ? undefined : readProgramUrl(json.image, `${place}/image`, note)
  if (Object.keys(json.env ?? {}).length > envMax) {
    note('json-field', `at most ${envMax} variables`, `${place}/env`)
  }
  const channels = (json.channels ?? []).flatMap((channel, index) => {
    const made = makeChannel(channel, `${place}/channels/${index}`, rules, note)
    return made === undefined ? [] : [made]
  })
  if (!isWhole || program === undefined) return undefined
  return {
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
}

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

function makeChannel<Url extends { readonly kind: string }>(
  json: ChannelJson,
  pointer: string,
  rules: UrlRules<Url>,
  report: Report,
): ChannelOf<Url> | undefined {
  if ((json.source === undefined) === (json.sink === undefined)) {
    report('channel-direction', 'a channel has either a source or a sink', pointer)
    return undefined
  }
  const isInput = json.source !== undefined
  const place = `${pointer}/${isInput ? 'source' : 'sink'}`
  const parsed = rules.parse(json.source ?? json.sink ?? '')
  if (isFault(parsed)) {
    report(parsed.code, parsed.detail, place)
    return undefined
  }
  const fitting: readonly Url['kind'][] = isInput ? rules.sources : rules.sinks
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

/** What zod found, as issues of ours. */
export function issuesOf(issue: z.core.$ZodIssue): ManifestIssue[] {
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
