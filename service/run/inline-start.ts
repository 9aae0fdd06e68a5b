// Which jobs need no descriptors: their inputs fit into the start frame, their outputs are written
// in order and come back in frames. Their start frame is made once a plan; a session fills in what
// is its own.
import { canRead, canWrite, nvramAlias, writesAtRandom } from '../job/channel.ts'
import type { Plan } from '../job/plan.ts'
import { encodeStart, frameBytesMax, type InlineInput, type StartChannel } from './wire.ts'

export type InlineStart = {
  readonly template: Buffer
  /** Of each channel: where its bytes come from. */
  readonly parts: readonly { readonly channel: number; readonly part: string }[]
  readonly nvram: InlineInput | undefined
  /** By channel: which of the plan's responses it writes, if any. */
  readonly responses: readonly (number | undefined)[]
}

/** Undefined when the plan needs descriptors. */
export function tryInlineStart(plan: Plan): InlineStart | undefined {
  if (plan.imageParts.length > 0) return undefined
  const parts: { channel: number; part: string }[] = []
  const responses: (number | undefined)[] = []
  const channels: StartChannel[] = []
  let nvram: InlineInput | undefined
  for (const [at, channel] of plan.channels.entries()) {
    const [source, ...more] = channel.sources
    if (source === undefined || more.length > 0 || writesAtRandom(channel)) return undefined
    const isRead = canRead(channel.limits)
    if (isRead === canWrite(channel.limits)) return undefined
    let carriage: 'inline' | 'discard' = 'inline'
    if (source.kind === 'part') parts.push({ channel: at, part: source.name })
    else if (source.kind === 'response') {
      responses[at] = plan.responses.findIndex(({ name }) => name === source.name)
    } else if (source.kind !== 'null') return undefined
    else if (!isRead) carriage = 'discard'
    else if (channel.alias === nvramAlias && plan.nvram !== undefined) {
      nvram = { channel: at, bytes: Buffer.from(plan.nvram) }
    }
    const { alias, type, etag, limits } = channel
    channels.push({ alias, type, etag, limits, sourceCount: 0, carriage })
  }
  const { memoryBytes, memoryEtag, timeoutMs } = plan
  // The profile is the image's.
  const common = { memoryBytes, memoryEtag, wallMs: timeoutMs, cpuMs: 0, profile: 'zvm' } as const
  const template = encodeStart(0, { ...common, channels })
  return { template, parts, nvram, responses }
}

/** For the bytes of the parts. */
export function inlineRoomBytes({ template, nvram }: InlineStart): number {
  return frameBytesMax - template.length - (nvram?.bytes.length ?? 0)
}

/** In the order of the channels. */
export function inlineInputs(
  { parts, nvram }: InlineStart,
  bytesOf: (part: string) => Uint8Array,
): readonly InlineInput[] {
  const inputs: InlineInput[] = parts.map(({ channel, part }) => {
    return { channel, bytes: bytesOf(part) }
  })
  // It is the last channel of a plan.
  if (nvram !== undefined) inputs.push(nvram)
  return inputs
}
