// A channel as the planner sees it: where its bytes come from or go to, and what the guest may do.
// Pure. Numbers of types and meaning of limits: docs/abi.md §7.3.
import type { ManifestCode } from './errors.ts'
import type { SourceUrl } from './source-url.ts'

/** 0 sequential, 1 random read, 2 random write, 3 both at random. */
export type ChannelType = 0 | 1 | 2 | 3

/**
 * Operations and bytes of one session, 0..2^63-1. A side exists when both of its limits are
 * positive.
 */
export type ChannelLimits = {
  readonly reads: bigint
  readonly readBytes: bigint
  readonly writes: bigint
  readonly writeBytes: bigint
}

export type Channel = ChannelOf<SourceUrl>

/** `Source`: the URLs that are possible where the channel stands. */
export type ChannelOf<Source> = {
  readonly alias: string
  readonly type: ChannelType
  readonly etag: boolean
  readonly limits: ChannelLimits
  /** One to sixteen; several are read by agreement and written together (docs/abi.md §7.6). */
  readonly sources: readonly Source[]
  /** Of the response parts it writes. */
  readonly contentType: string
}

export const standardAliases = ['/dev/stdin', '/dev/stdout', '/dev/stderr'] as const
export const nvramAlias = '/dev/nvram'
export const imageAlias = '/dev/image'

/**
 * As many operations or bytes as an honest JSON number can say: no limit that a guest would meet.
 */
export const limitUnbounded = BigInt(Number.MAX_SAFE_INTEGER)
export const limitMax = 2n ** 63n - 1n
export const aliasBytesMax = 8192
export const channelSourcesMax = 16
/** What one start frame can carry (docs/wire.md §2). */
export const channelsMax = 252
export const defaultContentType = 'application/octet-stream'

export function canRead(limits: ChannelLimits): boolean {
  return limits.reads > 0n && limits.readBytes > 0n
}

export function canWrite(limits: ChannelLimits): boolean {
  return limits.writes > 0n && limits.writeBytes > 0n
}

export function readLimits(): ChannelLimits {
  return { reads: limitUnbounded, readBytes: limitUnbounded, writes: 0n, writeBytes: 0n }
}

export function writeLimits(): ChannelLimits {
  return { reads: 0n, readBytes: 0n, writes: limitUnbounded, writeBytes: limitUnbounded }
}

/**
 * True when writes may go anywhere: such an output is a file first and streams after the session.
 */
export function writesAtRandom(channel: ChannelOf<unknown>): boolean {
  return canWrite(channel.limits) && (channel.type === 2 || channel.type === 3)
}

export type ChannelFault = { readonly code: ManifestCode; readonly detail: string }

/** The rules that one channel can break alone; undefined when it keeps them all. */
export function findChannelFault(
  channel: ChannelOf<{ readonly kind: string }>,
): ChannelFault | undefined {
  const reading = canRead(channel.limits)
  const writing = canWrite(channel.limits)
  const size = Buffer.byteLength(channel.alias)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (size === 0 || size > aliasBytesMax || /[\u0000-\u001f\u007f]/.test(channel.alias)) {
    return { code: 'channel-alias-invalid', detail: 'an alias has 1 to 8192 bytes, no controls' }
  }
  if (!reading && !writing) {
    return { code: 'channel-without-direction', detail: 'the limits allow neither direction' }
  }
  if (reading && writing) {
    return { code: 'channel-direction', detail: 'over HTTP a channel has one direction' }
  }
  for (const source of channel.sources) {
    if (source.kind === 'response' && reading) {
      return { code: 'channel-direction', detail: 'response: is for outputs' }
    }
    if ((source.kind === 'part' || source.kind === 'sha256') && writing) {
      return { code: 'channel-direction', detail: `${source.kind}: is for inputs` }
    }
  }
  return undefined
}

/**
 * The standard channels that are not `present`: nothing to read, and outputs to the responses that
 * `responseOf` names (stdout, stderr).
 */
export function missingStandard(
  present: ReadonlySet<string>,
  responseOf: (stream: string) => string,
): Channel[] {
  return standardAliases
    .filter((alias) => !present.has(alias))
    .map((alias) => {
      const isInput = alias === '/dev/stdin'
      const name = responseOf(alias.slice('/dev/'.length))
      return {
        alias,
        type: 0,
        etag: false,
        limits: isInput ? readLimits() : writeLimits(),
        sources: [isInput ? { kind: 'null' } : { kind: 'response', name }],
        contentType: defaultContentType,
      }
    })
}
