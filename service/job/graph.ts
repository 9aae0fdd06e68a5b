// A job of many nodes as its manifest says it: groups of like nodes, and how they are connected.
// Which nodes there are is known only once wildcards meet a listing (graph-plan.ts). Pure.
import type { ChannelOf } from './channel.ts'
import { type ManifestCode, ManifestError, type ManifestIssue } from './errors.ts'
import { hasWildcard } from './glob.ts'
import type { ManifestDraft } from './manifest.ts'
import type { MemoWish } from './memo-wish.ts'
import type { NodeChannelUrl } from './node-url.ts'

declare const brand: unique symbol

export type GroupChannel = ChannelOf<NodeChannelUrl>

export type Group = Omit<ManifestDraft, 'channels' | 'memo'> & {
  readonly name: string
  /** Instances; absent = one, or one for each object that a wildcard finds. */
  readonly count?: number
  /** Every instance writes to every instance of these groups. */
  readonly connect: readonly string[]
  readonly channels: readonly GroupChannel[]
}

export type GraphDraft = {
  /** Its manifest is one of a single node. */
  readonly isLone?: boolean
  readonly groups: readonly Group[]
  readonly memo?: MemoWish
}
export type Graph = GraphDraft & { readonly [brand]: 'Graph' }

/** Checks what can be checked without a listing. Throws ManifestError with every broken rule. */
export function finishGraph(draft: GraphDraft): Graph {
  const issues: ManifestIssue[] = []
  const groups = new Map<string, Group>()
  for (const [index, group] of draft.groups.entries()) {
    const report = (code: ManifestCode, detail: string, place = '') =>
      issues.push({ code, detail, pointer: `/nodes/${index}${place}` })
    if (groups.has(group.name)) report('node-name-duplicate', 'two groups have it', '/name')
    groups.set(group.name, group)
  }
  for (const [index, group] of draft.groups.entries()) {
    const report = (code: ManifestCode, detail: string, place: string) =>
      issues.push({ code, detail, pointer: `/nodes/${index}${place}` })
    checkConnect(group, groups, report)
    checkChannels(group, groups, report)
  }
  if (issues.length > 0) throw new ManifestError(issues)
  return draft as Graph
}

type Report = (code: ManifestCode, detail: string, place: string) => void

/** True when the group certainly has one node. */
export function isSingle(group: Group): boolean {
  return (group.count ?? 1) === 1 && !group.channels.some(isMany)
}

/** True for a source that makes one instance for each object it finds. */
export function isMany(channel: GroupChannel): boolean {
  const [source] = channel.sources
  return source?.kind === 'object' && hasWildcard(source.key) && channel.limits.reads > 0n
}

function checkConnect(group: Group, groups: ReadonlyMap<string, Group>, report: Report): void {
  const seen = new Set<string>()
  for (const [at, peer] of group.connect.entries()) {
    const place = `/connect/${at}`
    if (!groups.has(peer)) report('node-unknown', 'no group has this name', place)
    if (seen.has(peer)) report('connect-duplicate', 'this group is named already', place)
    if (peer === group.name && isSingle(group)) {
      report('connect-self', 'a single node cannot be connected to itself', place)
    }
    seen.add(peer)
  }
}

function checkChannels(group: Group, groups: ReadonlyMap<string, Group>, report: Report): void {
  for (const [at, channel] of group.channels.entries()) {
    const [url] = channel.sources
    const place = `/channels/${at}`
    if (url?.kind === 'node' && !groups.has(url.group)) {
      report('node-unknown', 'no group has this name', place)
    }
    if (url?.kind === 'node' && url.group === group.name && isSingle(group)) {
      report('connect-self', 'a single node cannot be connected to itself', place)
    }
    if (url?.kind === 'response' && !isSingle(group) && !url.name.includes('*')) {
      report('response-name-duplicate', 'several nodes would write it: put a * in its name', place)
    }
    const isWritten = channel.limits.writes > 0n
    if (url?.kind === 'object' && isWritten && !isSingle(group) && !hasWildcard(url.key)) {
      report('object-collision', 'several nodes would write it: put a * in its key', place)
    }
  }
}
