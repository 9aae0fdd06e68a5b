// From a manifest to what a session needs. Pure and deterministic: the same manifest and limits
// give the same plan. It opens nothing; run/job-run does what the plan says.
import {
  type Channel,
  type ChannelOf,
  canRead,
  canWrite,
  defaultContentType,
  imageAlias,
  nvramAlias,
  readLimits,
  writesAtRandom,
} from './channel.ts'
import { PlanError, type PlanIssue } from './errors.ts'
import type { LinkUrl } from './links.ts'
import type { ImageUrl, Manifest, ProgramUrl } from './manifest.ts'
import { type MemoWish, noMemo } from './memo-wish.ts'
import type { ObjectUrl } from './node-url.ts'
import { makeNvram } from './nvram.ts'
import type { SourceUrl } from './source-url.ts'

export type PlanLimits = {
  readonly memoryBytesDefault: number
  readonly memoryBytesMax: number
  readonly timeoutMsDefault: number
  readonly timeoutMsMax: number
}

/** Where the bytes of a session's channel come from or go to. Objects have no wildcards. */
export type SessionSource = SourceUrl | ObjectUrl | LinkUrl

/** What one session needs to know. */
export type SessionPlan = {
  readonly memoryBytes: number
  readonly memoryEtag: boolean
  readonly timeoutMs: number
  readonly channels: readonly ChannelOf<SessionSource>[]
  /** What /dev/nvram contains, when the guest is told anything. */
  readonly nvram: string | undefined
}

/** Parts that a request must bring, each once: all programs first. */
export type PartNames = {
  readonly programParts: readonly string[]
  readonly inputParts: readonly string[]
  /** Those of `inputParts` that are mounted as a tree of files. */
  readonly imageParts: readonly string[]
}

/** A job of one node. */
export type Plan = Omit<SessionPlan, 'channels'> &
  PartNames & {
    readonly program: ProgramUrl
    readonly channels: readonly Channel[]
    readonly responses: readonly PlannedResponse[]
    readonly memo: MemoWish
    readonly snapshot: SnapshotPlan | undefined
  }

/**
 * The session that makes a snapshot for the sessions of a plan: it is told and given nothing that
 * may differ between them. Two plans of the same program and image bytes whose snapshots may be the
 * same have equal keys.
 */
export type SnapshotPlan = {
  readonly key: string
  readonly image: ImageUrl | undefined
  readonly session: SessionPlan
}

/** `isFile`: written at random, so it can only be sent once the session is over. */
export type PlannedResponse = {
  readonly name: string
  readonly contentType: string
  readonly isFile: boolean
}

/** Throws PlanError with everything that is above a limit, ManifestError when nvram overflows. */
export function makePlan(manifest: Manifest, limits: PlanLimits): Plan {
  const memoryBytes = manifest.memoryBytes ?? limits.memoryBytesDefault
  const timeoutMs = manifest.timeoutMs ?? limits.timeoutMsDefault
  const issues = limitIssues(manifest, limits, '')
  if (issues.length > 0) throw new PlanError(issues)

  const nvram = makeNvram(manifest)
  const channels = [...manifest.channels]
  if (manifest.image !== undefined) {
    channels.push({ ...hidden(imageAlias), type: 1, sources: [manifest.image] })
  }
  if (nvram !== undefined) channels.push({ ...hidden(nvramAlias), type: 1 })
  const session = { memoryBytes, memoryEtag: manifest.memoryEtag, timeoutMs, channels, nvram }
  return {
    ...session,
    program: manifest.program,
    ...partNames([{ ...manifest, channels }]),
    responses: channels.flatMap(responsesOf),
    memo: manifest.memo ?? noMemo,
    snapshot: manifest.snapshot ? planSnapshot(manifest, session) : undefined,
  }
}

function planSnapshot(manifest: Manifest, plan: SessionPlan): SnapshotPlan {
  const { image } = manifest
  const channels = plan.channels.map((channel) => ({
    ...channel,
    etag: false,
    sources: channel.alias === imageAlias && image !== undefined ? [image] : [nothing],
  }))
  const nvram = makeNvram({
    program: manifest.program,
    args: [],
    env: {},
    memoryEtag: false,
    ...(image === undefined ? {} : { image }),
  })
  const shape = channels.map(({ alias, type, limits }) => [
    alias,
    type,
    canRead(limits),
    canWrite(limits),
  ])
  return {
    key: JSON.stringify([plan.memoryBytes, nvram ?? '', shape]),
    image,
    session: { ...plan, memoryEtag: false, channels, nvram: nvram ?? '' },
  }
}

/** What a node takes from parts. A part that is a program is none of the inputs. */
type PartUser = {
  readonly program: ProgramUrl
  readonly image?: ProgramUrl
  readonly channels: readonly ChannelOf<SessionSource>[]
}

/** The parts of all nodes, in the order of their first use. */
export function partNames(nodes: readonly PartUser[]): PartNames {
  const programs = namesOf(nodes.map(({ program }) => program))
  const sources = nodes.flatMap(({ channels }) => channels.flatMap((channel) => channel.sources))
  const images = nodes.flatMap(({ image }) => (image === undefined ? [] : [image]))
  return {
    programParts: [...programs],
    inputParts: [...namesOf(sources)].filter((name) => !programs.has(name)),
    imageParts: [...namesOf(images)],
  }
}

function namesOf(sources: readonly SessionSource[]): Set<string> {
  return new Set(sources.flatMap((source) => (source.kind === 'part' ? [source.name] : [])))
}

/** What a node asks for above the limits. `place`: pointer of the node in the manifest. */
export function limitIssues(
  asked: { readonly memoryBytes?: number; readonly timeoutMs?: number },
  limits: PlanLimits,
  place: string,
): PlanIssue[] {
  const issues: PlanIssue[] = []
  if ((asked.memoryBytes ?? 0) > limits.memoryBytesMax) {
    const detail = `memoryBytes is at most ${limits.memoryBytesMax}`
    issues.push({ code: 'memory-above-limit', detail, pointer: `${place}/memoryBytes` })
  }
  if ((asked.timeoutMs ?? 0) > limits.timeoutMsMax) {
    const detail = `timeoutMs is at most ${limits.timeoutMsMax}`
    issues.push({ code: 'timeout-above-limit', detail, pointer: `${place}/timeoutMs` })
  }
  return issues
}

const nothing = { kind: 'null' } as const

function hidden(alias: string): Channel {
  const common = { etag: false, limits: readLimits(), contentType: defaultContentType }
  return { alias, type: 0, sources: [nothing], ...common }
}

/** The response parts that a channel writes. */
export function responsesOf(
  channel: ChannelOf<SourceUrl | { kind: 'object' | 'link' }>,
): PlannedResponse[] {
  const isFile = writesAtRandom(channel)
  return channel.sources.flatMap((source) =>
    source.kind === 'response'
      ? [{ name: source.name, contentType: channel.contentType, isFile }]
      : [],
  )
}

/** True when a part is read by one channel alone, from its start to its end. */
export function isReadOnce(plan: Plan, part: string): boolean {
  const readers = plan.channels.filter(({ sources }) =>
    sources.some((source) => source.kind === 'part' && source.name === part),
  )
  const [reader] = readers
  if (reader === undefined || readers.length > 1 || plan.imageParts.includes(part)) return false
  return reader.sources.length === 1 && (reader.type === 0 || reader.type === 2)
}
