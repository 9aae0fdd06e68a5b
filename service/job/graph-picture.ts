// A graph as people read it: a table of its nodes, and a Mermaid flowchart of its groups. Pure.
import type { GraphPlan, NodePlan } from './graph-plan.ts'

/** One line a node, columns separated by two blanks. */
export function renderTable(plan: GraphPlan): string {
  const rows = [
    ['node', 'program', 'memory', 'time', 'in', 'out'],
    ...plan.nodes.map((node) => [
      node.name,
      node.program.kind === 'part' ? `part:${node.program.name}` : node.program.digest,
      `${node.memoryBytes}`,
      `${node.timeoutMs} ms`,
      endsOf(node, 'reads').join(' '),
      endsOf(node, 'writes').join(' '),
    ]),
  ]
  const widths = rows[0]?.map((_title, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths?.[at] ?? 0)).join('  '))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** Groups as boxes with the number of their nodes; an arrow says how many links it stands for. */
export function renderMermaid(plan: GraphPlan): string {
  const counts = new Map<string, number>()
  for (const { group } of plan.nodes) counts.set(group, (counts.get(group) ?? 0) + 1)
  const ids = new Map([...counts.keys()].map((group, index) => [group, `g${index}`]))
  const arrows = new Map<string, number>()
  const draw = (from: string, to: string) => {
    const arrow = `${from}|${to}`
    arrows.set(arrow, (arrows.get(arrow) ?? 0) + 1)
  }
  const groupId = (at: number) => ids.get(plan.nodes[at]?.group ?? '') ?? ''
  for (const { from, to } of plan.links) draw(groupId(from), groupId(to))
  for (const node of plan.nodes) {
    const id = ids.get(node.group) ?? ''
    for (const source of node.channels.flatMap(({ sources }) => sources)) {
      if (source.kind !== 'object') continue
      const writes = plan.objectsWritten.some(
        ({ bucket, key }) => bucket === source.bucket && key === source.key,
      )
      if (writes) draw(id, `b${source.bucket}`)
      else draw(`b${source.bucket}`, id)
    }
    if (node.channels.some(({ sources }) => sources.some(({ kind }) => kind === 'response'))) {
      draw(id, 'response')
    }
  }
  const lines = ['flowchart LR']
  for (const [group, count] of counts) {
    lines.push(`  ${ids.get(group)}["${group}${count > 1 ? ` × ${count}` : ''}"]`)
  }
  for (const bucket of bucketsOf(plan)) lines.push(`  b${bucket}[("${bucket}")]`)
  for (const [arrow, count] of arrows) {
    const [from, to] = arrow.split('|')
    lines.push(`  ${from} -->${count > 1 ? `|${count}|` : ''} ${to}`)
  }
  return `${lines.join('\n')}\n`
}

function endsOf(node: NodePlan, side: 'reads' | 'writes'): string[] {
  return node.channels
    .filter(
      ({ limits, sources }) => limits[side] > 0n && sources.some(({ kind }) => kind !== 'null'),
    )
    .map(({ alias }) => alias)
}

function bucketsOf(plan: GraphPlan): Set<string> {
  const sources = plan.nodes.flatMap(({ channels }) => channels.flatMap(({ sources: all }) => all))
  return new Set(sources.flatMap((source) => (source.kind === 'object' ? [source.bucket] : [])))
}
