// From a graph and a listing of the store to the nodes that run and the links between them. Pure
// and deterministic: the same manifest, listing and limits give the same plan. It opens nothing.
import {
  type ChannelOf,
  channelsMax,
  defaultContentType,
  findChannelFault,
  imageAlias,
  missingStandard,
  nvramAlias,
  readLimits,
} from './channel.ts'
import { PlanError, type PlanIssue } from './errors.ts'
import { hasWildcard, tryFill } from './glob.ts'
import type { Graph, GroupChannel } from './graph.ts'
import {
  expandGroups,
  type Instance,
  issueCollector,
  type Listing,
  type Report,
} from './instances.ts'
import { type Link, type LinkUrl, makeLinks } from './links.ts'
import { inPlace } from './lone-graph.ts'
import { needsNvram, type ProgramUrl } from './manifest.ts'
import { type MemoWish, noMemo } from './memo-wish.ts'
import type { ObjectUrl } from './node-url.ts'
import { makeNvram } from './nvram.ts'
import {
  limitIssues,
  type PartNames,
  type PlanLimits,
  type PlannedResponse,
  partNames,
  responsesOf,
  type SessionPlan,
  type SessionSource,
} from './plan.ts'

import { partNamePattern, type SourceUrl } from './source-url.ts'

export type GraphLimits = PlanLimits & {
  readonly nodesMax: number
  readonly nodesLinkedMax: number
  readonly linksMax: number
}

export type NodeChannel = ChannelOf<SessionSource>

export type NodePlan = SessionPlan & {
  readonly name: string
  readonly group: string
  readonly program: ProgramUrl
  readonly image?: ProgramUrl
}

export type GraphPlan = PartNames & {
  readonly nodes: readonly NodePlan[]
  readonly links: readonly Link[]
  readonly responses: readonly PlannedResponse[]
  /** Objects that become visible when all nodes have ended well. */
  readonly objectsWritten: readonly ObjectUrl[]
  readonly memo: MemoWish
}

/** Throws PlanError with everything that cannot be planned. */
export function makeGraphPlan(graph: Graph, listing: Listing, limits: GraphLimits): GraphPlan {
  const make = () => planGroups(graph, listing, limits)
  return graph.isLone === true ? inPlace(make) : make()
}

function planGroups(graph: Graph, listing: Listing, limits: GraphLimits): GraphPlan {
  const issues: PlanIssue[] = []
  const report = issueCollector(issues)
  for (const [index, group] of graph.groups.entries()) {
    issues.push(...limitIssues(group, limits, `/nodes/${index}`))
    checkAtMost('nodes-above-limit', group.count ?? 1, limits.nodesMax, report)
  }
  if (issues.length > 0) throw new PlanError(issues)
  const instances = expandGroups(graph, listing, report)
  checkAtMost('nodes-above-limit', instances.length, limits.nodesMax, report)
  if (issues.length > 0) throw new PlanError(issues)
  const { links, channels } = makeLinks(instances, report)
  checkAtMost('links-above-limit', links.length, limits.linksMax, report)
  if (links.length > 0) {
    checkAtMost('nodes-above-limit', instances.length, limits.nodesLinkedMax, report)
  }

  const isAlone = graph.isLone === true && instances.length === 1
  const nodes = instances.map((instance, at) => {
    return makeNode(instance, channels[at] ?? [], limits, report, isAlone)
  })
  const responses = nodes.flatMap((node) => node.channels.flatMap(responsesOf))
  checkUnique(
    responses.map(({ name }) => name),
    'response-collision',
    report,
  )
  const objectsWritten = nodes.flatMap((node) => node.channels.flatMap(writtenObjects))
  checkUnique(
    objectsWritten.map(({ bucket, key }) => `${bucket}/${key}`),
    'object-conflict',
    report,
  )
  if (issues.length > 0) throw new PlanError(issues)
  const memo = graph.memo ?? noMemo
  return { nodes, links, ...partNames(nodes), responses, objectsWritten, memo }
}

function makeNode(
  instance: Instance,
  linked: readonly ChannelOf<LinkUrl>[],
  limits: GraphLimits,
  report: Report,
  isAlone: boolean,
): NodePlan {
  const { group, name, groupIndex } = instance
  const pointer = `/nodes/${groupIndex}`
  const own = group.channels.flatMap((channel, at) => resolve(channel, at, instance, report))
  const channels: NodeChannel[] = [...own, ...linked]
  const present = new Set(channels.map(({ alias }) => alias))
  if (present.size < channels.length) {
    report('alias-collision', `${name} would have two channels with one alias`, pointer)
  }
  channels.push(...missingStandard(present, (stream) => (isAlone ? stream : `${name}.${stream}`)))
  const told = { ...group, env: { ...group.env, ...facts(instance) } }
  if (present.has(nvramAlias) || (group.image !== undefined && present.has(imageAlias))) {
    report('alias-collision', 'nodes of a graph are told their name through nvram', pointer)
  }
  if (group.image !== undefined) channels.push(hidden(imageAlias, group.image))
  if (needsNvram(told)) channels.push(hidden(nvramAlias, { kind: 'null' }))
  for (const channel of channels) {
    const fault = findChannelFault(channel)
    if (fault !== undefined)
      report('channel-unusable', `${channel.alias}: ${fault.detail}`, pointer)
  }
  if (channels.length > channelsMax) {
    report('channels-above-limit', `${name} has more than ${channelsMax} channels`, pointer)
  }
  return {
    name,
    group: group.name,
    program: group.program,
    ...(group.image === undefined ? {} : { image: group.image }),
    memoryBytes: group.memoryBytes ?? limits.memoryBytesDefault,
    memoryEtag: group.memoryEtag,
    timeoutMs: group.timeoutMs ?? limits.timeoutMsDefault,
    channels,
    nvram: makeNvram(told),
  }
}

/** What a node is told about itself: its name, and the object that it was made for. */
function facts({ group, name, keys }: Instance): Record<string, string> {
  const [first] = keys
  const source = first === undefined ? undefined : group.channels[first[0]]?.sources[0]
  if (first === undefined || source?.kind !== 'object') return { ZVM_NODE: name }
  return { ZVM_NODE: name, ZVM_OBJECT: `${source.bucket}/${first[1]}` }
}

/** The channel of one instance; links are made elsewhere. */
function resolve(
  channel: GroupChannel,
  at: number,
  instance: Instance,
  report: Report,
): NodeChannel[] {
  const sources: (SourceUrl | ObjectUrl)[] = []
  for (const source of channel.sources) {
    if (source.kind === 'node') continue
    const place = `/nodes/${instance.groupIndex}/channels/${at}`
    if (source.kind === 'response') {
      const name = source.name.replaceAll('*', instance.name)
      if (!partNamePattern.test(name)) report('channel-unusable', `${name} is too long`, place)
      sources.push({ ...source, name })
    } else if (source.kind === 'object') {
      const key = instance.keys.get(at) ?? keyOf(source, instance)
      if (key === undefined) report('wildcard-capture', 'more wildcards than the input has', place)
      else sources.push({ ...source, key })
    } else {
      sources.push(source)
    }
  }
  return sources.length === 0 ? [] : [{ ...channel, sources }]
}

/** Of an output: the texts that the input's wildcards stand for, or else the node's name. */
function keyOf(source: ObjectUrl, { captures, name }: Instance): string | undefined {
  if (!hasWildcard(source.key)) return source.key
  return captures === undefined
    ? source.key.replace(/\*+/g, () => name)
    : tryFill(source.key, captures)
}

function hidden(alias: string, source: SourceUrl): NodeChannel {
  const common = { etag: false, limits: readLimits(), contentType: defaultContentType }
  return { alias, type: 1, sources: [source], ...common }
}

function writtenObjects(channel: NodeChannel): ObjectUrl[] {
  if (channel.limits.writes === 0n) return []
  return channel.sources.flatMap((source) => (source.kind === 'object' ? [source] : []))
}

function checkAtMost(
  code: 'nodes-above-limit' | 'links-above-limit',
  count: number,
  max: number,
  report: Report,
): void {
  if (count > max) report(code, `${count}, at most ${max}`, '/nodes')
}

function checkUnique(
  names: readonly string[],
  code: 'response-collision' | 'object-conflict',
  report: Report,
): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) report(code, `two nodes would write ${name}`, '/nodes')
    seen.add(name)
  }
}
