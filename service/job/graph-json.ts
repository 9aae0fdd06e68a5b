// The JSON form of a manifest of many nodes. Strict like the form of one node: every mistake at
// once, each with its JSON pointer. Pure.
import { z } from 'zod'
import { ManifestError, type ManifestIssue } from './errors.ts'
import { finishGraph, type Graph, type Group } from './graph.ts'
import { memoFields, readMemoWish } from './memo-wish.ts'
import { issuesOf, nodeFields, type Report, readNode, type UrlRules } from './node-json.ts'
import { type NodeChannelUrl, nodeNamePattern, parseNodeChannelUrl } from './node-url.ts'

export const groupsMax = 256
export const nodeCountMax = 10_000

/** Shape of a manifest of many nodes. */
export const graphSchema = z.strictObject({
  ...memoFields,
  nodes: z
    .array(
      z.strictObject({
        ...nodeFields,
        name: z.string().regex(nodeNamePattern),
        count: z.int().min(1).max(nodeCountMax).optional(),
        connect: z.array(z.string()).max(groupsMax).optional(),
      }),
    )
    .min(1)
    .max(groupsMax),
})
const urlRules: UrlRules<NodeChannelUrl> = {
  parse: parseNodeChannelUrl,
  sources: ['part', 'sha256', 'null', 'object', 'node'],
  sinks: ['response', 'null', 'object', 'node'],
}

/** A manifest with `nodes`. `isLone`: it was written without. Throws ManifestError. */
export function parseJsonGraph(value: unknown, isLone = false): Graph {
  const parsed = graphSchema.safeParse(value)
  if (!parsed.success) throw new ManifestError(parsed.error.issues.flatMap(issuesOf))
  const issues: ManifestIssue[] = []
  const report: Report = (code, detail, pointer) => issues.push({ code, detail, pointer })
  const memo = readMemoWish(parsed.data, report)
  const groups = parsed.data.nodes.flatMap(({ name, count, connect, ...json }, index): Group[] => {
    const draft = readNode(json, `/nodes/${index}`, urlRules, report)
    if (draft === undefined) return []
    return [{ ...draft, name, connect: connect ?? [], ...(count === undefined ? {} : { count }) }]
  })
  if (issues.length > 0) throw new ManifestError(issues)
  return finishGraph({ groups, memo, isLone })
}
