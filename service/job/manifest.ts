// The manifest of a job of one node, whichever form it was written in. Only this file builds one:
// the two forms (manifest-json, manifest-classic) give drafts, the rules that need all channels
// are checked here.
import {
  type Channel,
  channelsMax,
  findChannelFault,
  imageAlias,
  missingStandard,
  nvramAlias,
} from './channel.ts'
import { type ManifestCode, ManifestError, type ManifestIssue } from './errors.ts'
import type { MemoWish } from './memo-wish.ts'
import type { SourceUrl } from './source-url.ts'

declare const brand: unique symbol

/** A program comes from a part of the request or from the store. */
export type ProgramUrl = Extract<SourceUrl, { kind: 'part' | 'sha256' }>
export type ImageUrl = ProgramUrl

export type ManifestDraft = {
  readonly program: ProgramUrl
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Seconds since 1970 where the guest's clock starts; absent = 0. */
  readonly time?: number
  /** A tar archive, mounted at the root of the guest's file tree. */
  readonly image?: ImageUrl
  /** Bytes; absent = the service's default. */
  readonly memoryBytes?: number
  readonly memoryEtag: boolean
  /** Wall-clock milliseconds; absent = the service's default. */
  readonly timeoutMs?: number
  readonly channels: readonly Channel[]
  /** Absent = results are neither looked up nor kept. */
  readonly memo?: MemoWish
  /** Starts from the program's checkpoint where possible; absent = no. */
  readonly snapshot?: boolean
}

export type Manifest = ManifestDraft & { readonly [brand]: 'Manifest' }

/** Where a rule that channel `index` breaks is reported; absent index: the whole manifest. */
export type PlaceOf = (index?: number) => Pick<ManifestIssue, 'pointer' | 'line' | 'column'>

/** Adds what is missing of the standard channels. Throws ManifestError with every broken rule. */
export function finishManifest(draft: ManifestDraft, placeOf: PlaceOf): Manifest {
  const present = new Set(draft.channels.map(({ alias }) => alias))
  const channels = [...draft.channels, ...missingStandard(present, (stream) => stream)]
  const issues: ManifestIssue[] = []
  const report = (code: ManifestCode, detail: string, index?: number) =>
    issues.push({ code, detail, ...placeOf(index) })

  const aliases = new Set<string>()
  const responses = new Set<string>()
  for (const [index, channel] of channels.entries()) {
    const fault = findChannelFault(channel)
    if (fault !== undefined) report(fault.code, fault.detail, index)
    if (aliases.has(channel.alias)) {
      report('channel-alias-duplicate', 'two channels have this alias', index)
    }
    aliases.add(channel.alias)
    for (const source of channel.sources) {
      if (source.kind !== 'response') continue
      if (responses.has(source.name)) {
        report('response-name-duplicate', `two outputs are named ${source.name}`, index)
      }
      responses.add(source.name)
    }
  }
  if (draft.image !== undefined && aliases.has(imageAlias)) {
    report('nvram-conflict', `image is given, so ${imageAlias} is taken`)
  }
  if (needsNvram(draft) && aliases.has(nvramAlias)) {
    report('nvram-conflict', `args, env, image or time are given, so ${nvramAlias} is taken`)
  }
  // Room for the image's channel and for nvram.
  if (channels.length > channelsMax - 2) {
    report('channel-count-too-large', `at most ${channelsMax - 2} channels`)
  }
  if (issues.length > 0) throw new ManifestError(issues)
  return { ...draft, channels } as ManifestDraft as Manifest
}

/** True when the guest is told something through the classic nvram channel. */
export function needsNvram(draft: Omit<ManifestDraft, 'channels' | 'memo'>): boolean {
  return (
    draft.args.length > 0 ||
    Object.keys(draft.env).length > 0 ||
    draft.time !== undefined ||
    draft.image !== undefined
  )
}
