// What went through the connections between the nodes of a graph, for its report. Pure.
import type { GraphPlan } from './graph-plan.ts'
import type { NodeReport } from './report.ts'

/** From one node to another; from one group to another when there are too many to list. */
export type LinkReport = {
  readonly from: string
  readonly to: string
  /** Links that this stands for. */
  readonly links: number
  /** Sums: what the writers have written, what the readers have read. */
  readonly writtenBytes: number
  readonly readBytes: number
}

/**
 * In the order of the plan. `reports`: of the nodes, in that order; a node that told nothing has
 * moved nothing. `countMax`: above it the list is one of groups.
 */
export function linkReports(
  { nodes, links }: GraphPlan,
  reports: readonly Pick<NodeReport, 'channels'>[],
  countMax: number,
): LinkReport[] {
  const used = reports.map(({ channels }) => new Map(channels.map((each) => [each.alias, each])))
  const sumBy = (nameOf: (node: number) => string) => {
    const sums = new Map<string, LinkReport>()
    for (const { from, fromAlias, to, toAlias } of links) {
      const [fromName, toName] = [nameOf(from), nameOf(to)]
      const key = `${fromName} ${toName}`
      const sum = sums.get(key)
      sums.set(key, {
        from: fromName,
        to: toName,
        links: (sum?.links ?? 0) + 1,
        writtenBytes: (sum?.writtenBytes ?? 0) + (used[from]?.get(fromAlias)?.writeBytes ?? 0),
        readBytes: (sum?.readBytes ?? 0) + (used[to]?.get(toAlias)?.readBytes ?? 0),
      })
    }
    return [...sums.values()]
  }
  const byNode = sumBy((node) => nodes[node]?.name ?? '')
  return byNode.length <= countMax ? byNode : sumBy((node) => nodes[node]?.group ?? '')
}
