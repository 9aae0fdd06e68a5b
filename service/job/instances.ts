// From the groups of a graph to its nodes: how many each group has, what they are called, which
// objects each one reads. Pure.
import type { PlanCode, PlanIssue } from './errors.ts'
import { tryGlob } from './glob.ts'
import { type Graph, type Group, isMany } from './graph.ts'
import type { ObjectUrl } from './node-url.ts'

export type Instance = {
  readonly name: string
  readonly group: Group
  /** Position of the group in the manifest. */
  readonly groupIndex: number
  /** What the wildcards of its first input stand for; undefined: it has no such input. */
  readonly captures: readonly string[] | undefined
  /** Channel of the group → key that this instance reads instead of the pattern. */
  readonly keys: ReadonlyMap<number, string>
}

/**
 * Keys of `bucket` that may match, in byte order; a superset is fine. Undefined: they are more than
 * anybody looks at for one graph.
 */
export type Listing = (bucket: string, literalPrefix: string) => readonly string[] | undefined

/** Places of keys that all wildcards of a graph together may be tried at: about two seconds. */
const placesMax = 10_000_000
type Budget = { places: number }

export type Report = (code: PlanCode, detail: string, pointer: string) => void

/** All nodes in the order of the manifest. Reports what cannot be expanded. */
export function expandGroups(graph: Graph, listing: Listing, report: Report): Instance[] {
  const budget: Budget = { places: placesMax }
  const instances = graph.groups.flatMap((group, index) => {
    return expandGroup(group, index, listing, budget, report)
  })
  const names = new Set<string>()
  for (const { name, groupIndex } of instances) {
    if (names.has(name)) {
      report('node-collision', `two nodes would be named ${name}`, `/nodes/${groupIndex}/name`)
    }
    names.add(name)
  }
  return instances
}

export function issueCollector(issues: PlanIssue[]): Report {
  return (code, detail, pointer) => issues.push({ code, detail, pointer })
}

type Match = { readonly key: string; readonly captures: readonly string[] }

function expandGroup(
  group: Group,
  groupIndex: number,
  listing: Listing,
  budget: Budget,
  report: Report,
): Instance[] {
  const pointer = `/nodes/${groupIndex}`
  const matches = new Map<number, readonly Match[]>()
  for (const [at, channel] of group.channels.entries()) {
    const [url] = channel.sources
    if (!isMany(channel) || url?.kind !== 'object') continue
    const place = `${pointer}/channels/${at}/source`
    const found = tryMatches(url, listing, budget)
    if (found === undefined) {
      report('wildcard-too-broad', 'too many objects to look at: begin with more than a *', place)
      continue
    }
    if (found.length === 0) report('wildcard-empty', 'no object matches', place)
    matches.set(at, found)
  }
  const [first] = matches.values()
  const count = group.count ?? first?.length ?? 1
  for (const [at, found] of matches) {
    if (found.length === count || found.length === 0) continue
    const detail = `${found.length} objects match, for ${count} nodes`
    report('wildcard-arity', detail, `${pointer}/channels/${at}/source`)
  }
  const isNumbered = matches.size > 0 || count > 1
  return Array.from({ length: count }, (_, index) => ({
    name: isNumbered ? `${group.name}-${index + 1}` : group.name,
    group,
    groupIndex,
    captures: first?.[index]?.captures,
    keys: new Map([...matches].map(([at, found]) => [at, found[index]?.key ?? ''])),
  }))
}

/** Undefined when there are too many to look at. */
function tryMatches(url: ObjectUrl, listing: Listing, budget: Budget): Match[] | undefined {
  const glob = tryGlob(url.key)
  if (glob === undefined) throw new Error('a parsed pattern is one')
  const keys = budget.places < 0 ? undefined : listing(url.bucket, glob.literalPrefix)
  if (keys === undefined) return undefined
  const matches: Match[] = []
  for (const key of keys) {
    budget.places -= (key.length + 1) * glob.wildcardCount
    if (budget.places < 0) return undefined
    const captures = glob.match(key)
    if (captures !== undefined) matches.push({ key, captures })
  }
  return matches
}
