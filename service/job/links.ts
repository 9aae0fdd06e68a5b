// The connections between the nodes of a graph: from `connect` and from node: URLs to pairs of
// channels. Pure; the order of links is that of the manifest, so a plan is always the same.
import {
  type ChannelOf,
  channelSourcesMax,
  defaultContentType,
  readLimits,
  writeLimits,
} from './channel.ts'
import type { GroupChannel } from './graph.ts'
import type { Instance, Report } from './instances.ts'
import type { NodeUrl } from './node-url.ts'

/** Bytes flow from node `from` to node `to`: positions in the plan's nodes. */
export type Link = {
  readonly from: number
  readonly fromAlias: string
  readonly to: number
  readonly toAlias: string
}
export type LinkUrl = { readonly kind: 'link'; readonly link: number }

/** Channels of node i that end in another node. */
export type Links = {
  readonly links: readonly Link[]
  readonly channels: readonly (readonly ChannelOf<LinkUrl>[])[]
}

export function makeLinks(instances: readonly Instance[], report: Report): Links {
  const builder = new LinkBuilder(instances, report)
  for (const [at, instance] of instances.entries()) {
    for (const peer of instance.group.connect) {
      for (const other of builder.membersOf(peer, at)) {
        const fromAlias = `/dev/out/${builder.nameOf(other)}`
        builder.add({ from: at, fromAlias, to: other, toAlias: `/dev/in/${instance.name}` })
      }
    }
    for (const channel of instance.group.channels) builder.addChannel(at, channel)
  }
  return builder.finish()
}

class LinkBuilder {
  readonly #instances: readonly Instance[]
  readonly #report: Report
  readonly #members = new Map<string, number[]>()
  readonly #links: Link[] = []
  readonly #channels: Map<string, ChannelOf<LinkUrl>>[]

  constructor(instances: readonly Instance[], report: Report) {
    this.#instances = instances
    this.#report = report
    this.#channels = instances.map(() => new Map())
    for (const [at, { group }] of instances.entries()) {
      const members = this.#members.get(group.name)
      if (members === undefined) this.#members.set(group.name, [at])
      else members.push(at)
    }
  }

  nameOf(at: number): string {
    return this.#instances[at]?.name ?? ''
  }

  /** All nodes of the group but `self`. */
  membersOf(group: string, self: number): number[] {
    return (this.#members.get(group) ?? []).filter((at) => at !== self)
  }

  addChannel(self: number, channel: GroupChannel): void {
    const [url] = channel.sources
    if (url?.kind !== 'node') return
    const isWriter = channel.limits.writes > 0n
    for (const other of this.membersOf(url.group, self)) {
      const ownAlias = channel.alias.replaceAll('*', this.nameOf(other))
      const otherAlias = deviceAlias(url, this.nameOf(self))
      const [from, to] = isWriter ? [self, other] : [other, self]
      const [fromAlias, toAlias] = isWriter ? [ownAlias, otherAlias] : [otherAlias, ownAlias]
      this.add({ from, fromAlias, to, toAlias }, channel)
    }
  }

  /** `template`: the declared channel; both ends keep its etag, its own end its limits. */
  add(link: Link, template?: GroupChannel): void {
    const url: LinkUrl = { kind: 'link', link: this.#links.length }
    this.#links.push(link)
    const etag = template?.etag ?? false
    const writes = template !== undefined && template.limits.writes > 0n
    const reads = template !== undefined && !writes
    const writer = {
      etag,
      type: 0 as const,
      contentType: defaultContentType,
      alias: link.fromAlias,
      limits: writes ? template.limits : writeLimits(),
    }
    const present = this.#channels[link.from]?.get(link.fromAlias)
    const canShare = present !== undefined && present.limits.writes > 0n
    if (present !== undefined && !canShare) this.#collide(link.from, link.fromAlias)
    const sources = [...(canShare ? present.sources : []), url]
    if (sources.length > channelSourcesMax) {
      const place = this.#place(link.from)
      this.#report('links-above-limit', `${link.fromAlias} ends in more than 16 nodes`, place)
    }
    this.#channels[link.from]?.set(link.fromAlias, { ...writer, sources })
    if (this.#channels[link.to]?.has(link.toAlias)) this.#collide(link.to, link.toAlias)
    this.#channels[link.to]?.set(link.toAlias, {
      ...writer,
      alias: link.toAlias,
      limits: reads ? template.limits : readLimits(),
      sources: [url],
    })
  }

  finish(): Links {
    return { links: this.#links, channels: this.#channels.map((byAlias) => [...byAlias.values()]) }
  }

  #collide(at: number, alias: string): void {
    const detail = `${this.nameOf(at)} would have two channels ${alias}: put a * in the device`
    this.#report('alias-collision', detail, this.#place(at))
  }

  #place(at: number): string {
    return `/nodes/${this.#instances[at]?.groupIndex ?? 0}`
  }
}

function deviceAlias(url: NodeUrl, peer: string): string {
  return `/dev/${url.device.replaceAll('*', peer)}`
}
