// The picture of a job that has ended: from its report to boxes and arrows with places. A box is a
// node, or a group when there are too many nodes to look at. Pure; who draws it: http/job-page.ts
// and cli/job-view.ts.
import type { LinkReport } from './link-report.ts'
import type { Outcome } from './report.ts'

/** Nodes that get a box each; above it groups do. */
export const boxesMax = 64
const tooltipChannelsMax = 20
export const boxWidth = 190
export const boxHeight = 40
const boxGap = 8
const columnGap = 150
const groupGap = 44
const margin = 24

/** What a picture needs of a session's report, and of a job's. */
type SessionFacts = {
  readonly outcome: Outcome
  readonly exitCode: number | null
  readonly reason: string | null
  readonly wallMs: number
  readonly cpuMs: number
  readonly channels: readonly {
    readonly alias: string
    readonly readBytes: number
    readonly writeBytes: number
  }[]
}
type NodeFacts = SessionFacts & { readonly node: string }
export type PicturedReport = SessionFacts & {
  readonly failedNode?: string | null | undefined
  readonly nodes?: readonly NodeFacts[] | undefined
  readonly groups?:
    | readonly {
        readonly group: string
        readonly nodes: number
        readonly succeeded: number
        readonly wallMs: number
        readonly cpuMs: number
      }[]
    | undefined
  readonly links?: readonly LinkReport[] | undefined
}

/** well: exited with 0. unwell: ended the job, or exited otherwise. stopped: with the others. */
export type BoxState = 'well' | 'unwell' | 'stopped'

export type Unit = {
  readonly name: string
  readonly group: string
  readonly state: BoxState
  /** What the outcome comes to in a word or two. */
  readonly word: string
  readonly wallMs: number
  readonly cpuMs: number
  readonly readBytes: number
  readonly writtenBytes: number
  /** Nodes that it stands for. */
  readonly nodes: number
  /** One line a channel. */
  readonly channels: readonly string[]
}
export type Box = Unit & { readonly x: number; readonly y: number }
export type Arrow = {
  readonly from: number
  readonly to: number
  readonly path: string
  readonly links: number
  readonly bytes: number
  readonly isBack: boolean
}
export type GroupLabel = { readonly text: string; readonly x: number; readonly y: number }
export type Picture = {
  readonly width: number
  readonly height: number
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
  readonly labels: readonly GroupLabel[]
}

/** What has a box: nodes in the order of the plan, or groups; one unit for a job of one node. */
export function unitsOf(report: PicturedReport): Unit[] {
  const { nodes, groups = [] } = report
  if (nodes === undefined) return [unitOfNode({ node: 'program', ...report }, 'program', report)]
  const count = groups.reduce((sum, group) => sum + group.nodes, 0)
  const names = new Set(groups.map(({ group }) => group))
  if (nodes.length === count && count <= boxesMax) {
    return nodes.map((node) => unitOfNode(node, groupOf(node.node, names), report))
  }
  const moved = new Map<string, { readBytes: number; writtenBytes: number }>()
  for (const { from, to, writtenBytes, readBytes } of report.links ?? []) {
    const [source, target] = [groupOf(from, names), groupOf(to, names)].map((name) => {
      const sums = moved.get(name) ?? { readBytes: 0, writtenBytes: 0 }
      moved.set(name, sums)
      return sums
    })
    if (source !== undefined) source.writtenBytes += writtenBytes
    if (target !== undefined) target.readBytes += readBytes
  }
  return groups.map((group) => ({
    ...group,
    ...(moved.get(group.group) ?? { readBytes: 0, writtenBytes: 0 }),
    name: group.nodes > 1 ? `${group.group} × ${group.nodes}` : group.group,
    state: group.succeeded === group.nodes ? 'well' : 'unwell',
    word: `${group.succeeded} of ${group.nodes} well`,
    channels: [],
  }))
}

export function makePicture(report: PicturedReport): Picture {
  const units = unitsOf(report)
  const names = new Set(units.map(({ group }) => group))
  const links = report.links ?? []
  const layers = layersOf(
    [...names],
    links.map(({ from, to }) => [groupOf(from, names), groupOf(to, names)] as const),
  )
  const { boxes, labels, width, height } = placeBoxes(units, layers, inner(report, names))
  const at = new Map(boxes.map((box, index) => [box.nodes > 1 ? box.group : box.name, index]))
  const arrows = new Map<string, Arrow>()
  for (const { from, to, links: count, writtenBytes, readBytes } of links) {
    const source = at.get(from) ?? at.get(groupOf(from, names))
    const target = at.get(to) ?? at.get(groupOf(to, names))
    const [start, end] = [boxes[source ?? -1], boxes[target ?? -1]]
    if (source === undefined || target === undefined || !start || !end) continue
    if (start.group === end.group) continue
    const key = `${source} ${target}`
    const known = arrows.get(key)
    arrows.set(key, {
      from: source,
      to: target,
      path: pathOf(start, end),
      links: (known?.links ?? 0) + count,
      bytes: (known?.bytes ?? 0) + Math.max(writtenBytes, readBytes),
      isBack: end.x <= start.x,
    })
  }
  return { width, height, boxes, labels, arrows: [...arrows.values()] }
}

function unitOfNode(node: NodeFacts, group: string, { failedNode }: PicturedReport): Unit {
  const { outcome, exitCode, reason, wallMs, cpuMs } = node
  const own = node.channels.filter(({ alias }) => alias !== '/dev/nvram')
  const isWell = outcome === 'exited' && exitCode === 0
  const isStopped = outcome === 'cancelled' && node.node !== failedNode
  const lines = own.map((channel) => {
    return `${channel.alias}: read ${channel.readBytes}, written ${channel.writeBytes} bytes`
  })
  return {
    name: node.node,
    group,
    state: isWell ? 'well' : isStopped ? 'stopped' : 'unwell',
    word: outcome === 'exited' ? `exited with ${exitCode}` : `${outcome}: ${reason}`,
    wallMs,
    cpuMs,
    readBytes: own.reduce((sum, { readBytes }) => sum + readBytes, 0),
    writtenBytes: own.reduce((sum, { writeBytes }) => sum + writeBytes, 0),
    nodes: 1,
    channels: [
      ...lines.slice(0, tooltipChannelsMax),
      ...(lines.length > tooltipChannelsMax ? [`… ${lines.length} channels`] : []),
    ],
  }
}

/** Node `map-3` is of group `map`, unless there is a group of that very name. */
function groupOf(node: string, groups: ReadonlySet<string>): string {
  return groups.has(node) ? node : node.replace(/-[0-9]+$/, '')
}

/** Links within a group, as text behind its name. */
function inner(report: PicturedReport, names: ReadonlySet<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { from, to, links } of report.links ?? []) {
    const group = groupOf(from, names)
    if (group === groupOf(to, names)) counts.set(group, (counts.get(group) ?? 0) + links)
  }
  return counts
}

/** The column of each group: behind all that write to it, links that close a cycle left out. */
function layersOf(
  groups: readonly string[],
  links: readonly (readonly [string, string])[],
): ReadonlyMap<string, number> {
  const writers = new Map<string, Set<string>>(groups.map((group) => [group, new Set()]))
  for (const [from, to] of links) if (from !== to) writers.get(to)?.add(from)
  const layers = new Map<string, number>()
  const visiting = new Set<string>()
  const visit = (group: string): number => {
    const known = layers.get(group)
    if (known !== undefined) return known
    if (visiting.has(group)) return -1
    visiting.add(group)
    let layer = 0
    for (const writer of writers.get(group) ?? []) {
      // In the order of the manifest: of a cycle, the group that comes first is on the left.
      if (groups.indexOf(writer) < groups.indexOf(group)) layer = Math.max(layer, visit(writer) + 1)
    }
    visiting.delete(group)
    layers.set(group, layer)
    return layer
  }
  for (const group of groups) visit(group)
  return layers
}

function placeBoxes(
  units: readonly Unit[],
  layers: ReadonlyMap<string, number>,
  within: ReadonlyMap<string, number>,
): Pick<Picture, 'boxes' | 'labels' | 'width' | 'height'> {
  const groups = [...new Set(units.map(({ group }) => group))]
  const heightOf = (group: string) => {
    const count = units.filter((unit) => unit.group === group).length
    return groupGap + count * (boxHeight + boxGap) - boxGap
  }
  const columns = Math.max(...layers.values(), 0) + 1
  const heights = Array.from({ length: columns }, (_, layer) =>
    groups.filter((group) => layers.get(group) === layer).reduce((sum, g) => sum + heightOf(g), 0),
  )
  const height = Math.max(...heights)
  const next = heights.map((own) => (height - own) / 2)
  const labels: GroupLabel[] = []
  const placed = new Map<Unit, Box>()
  for (const group of groups) {
    const layer = layers.get(group) ?? 0
    const x = margin + layer * (boxWidth + columnGap)
    let y = (next[layer] ?? 0) + groupGap
    const members = units.filter((unit) => unit.group === group)
    const links = within.get(group)
    const among = links === undefined ? '' : `, ${links} links among themselves`
    if (members.length > 1 || links !== undefined) {
      labels.push({ text: `${group} × ${members.length}${among}`, x, y: y - 10 })
    }
    for (const unit of members) {
      placed.set(unit, { ...unit, x, y })
      y += boxHeight + boxGap
    }
    next[layer] = y - boxGap
  }
  const boxes = units.flatMap((unit) => placed.get(unit) ?? [])
  const width = 2 * margin + columns * boxWidth + (columns - 1) * columnGap
  return { boxes, labels, width, height: height + margin }
}

function pathOf(start: Box, end: Box): string {
  const [a, b] = [start.y + boxHeight / 2, end.y + boxHeight / 2]
  if (end.x > start.x) {
    const [from, to] = [start.x + boxWidth, end.x]
    const bend = columnGap / 2
    return `M${from} ${a}C${from + bend} ${a} ${to - bend} ${b} ${to} ${b}`
  }
  const bend = columnGap / 3
  const from = end.x === start.x ? start.x + boxWidth : start.x
  const to = end.x + boxWidth
  const turn = end.x === start.x ? bend : -bend
  return `M${from} ${a + 8}C${from + turn} ${a + 8} ${to + bend} ${b + 8} ${to} ${b + 8}`
}
