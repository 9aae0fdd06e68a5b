// A manifest of one node that reads or writes stored objects: it runs as a graph of one node, whose
// mistakes are told where they are in the manifest that was written. Pure.
import { ManifestError, PlanError } from './errors.ts'
import type { Graph } from './graph.ts'
import { parseJsonGraph } from './graph-json.ts'
import { manifestSchema } from './manifest-json.ts'

/** What its node is called: ZVM_NODE, and `node` in the report. */
export const loneName = 'job'

/** Undefined when no channel names an object, or when its shape is wrong. Throws ManifestError. */
export function tryLoneGraph(value: unknown): Graph | undefined {
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) return undefined
  const { cache, verify, snapshot, ...node } = parsed.data
  const urls = (node.channels ?? []).map(({ source, sink }) => source ?? sink ?? '')
  const usesObjects = urls.some((url) => url.startsWith('file:') && !url.startsWith('file:/'))
  if (!usesObjects || snapshot === true) return undefined
  return inPlace(() =>
    parseJsonGraph({ cache, verify, nodes: [{ ...node, name: loneName }] }, true),
  )
}

/** Errors about the one node of a graph become errors about its manifest. */
export function inPlace<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof ManifestError) throw new ManifestError(error.issues.map(moved))
    if (error instanceof PlanError) throw new PlanError(error.issues.map(moved))
    throw error
  }
}

function moved<Issue extends { readonly pointer?: string }>(issue: Issue): Issue {
  const { pointer } = issue
  return pointer === undefined
    ? issue
    : { ...issue, pointer: pointer.replace(/^\/nodes(\/0)?/, '') }
}
