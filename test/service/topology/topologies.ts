// The shapes in which nodes are joined, as data: who reads from whom. Every node sends what it
// reads to all its readers; a node with several writers reads the same bytes from each of them.

export type TopologyNode = { readonly name: string; readonly readsFrom: readonly string[] }

export type Topology = {
  readonly name: string
  /** Nodes that read from nobody are the sources; those that nobody reads are the ends. */
  readonly nodes: readonly TopologyNode[]
}

const source = (name: string): TopologyNode => ({ name, readsFrom: [] })
const node = (name: string, ...readsFrom: string[]): TopologyNode => ({ name, readsFrom })
const names = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`)

function chain(length: number): Topology {
  const nodes = names('n', length).map((name, index, all) =>
    node(name, ...all.slice(Math.max(index - 1, 0), index)),
  )
  return { name: length === 2 ? '1 to 1' : `chain of ${length}`, nodes }
}

function fanIn(width: number): Topology {
  const sources = names('s', width)
  return { name: `fan-in of ${width}`, nodes: [...sources.map(source), node('d', ...sources)] }
}

function fanOut(width: number): Topology {
  const readers = names('d', width)
  return { name: `fan-out of ${width}`, nodes: [source('s'), ...readers.map((d) => node(d, 's'))] }
}

function mesh(width: number): Topology {
  const sources = names('s', width)
  const readers = names('d', width).map((d) => node(d, ...sources))
  return {
    name: `${width} to ${width}, all connected`,
    nodes: [...sources.map(source), ...readers],
  }
}

const diamond: Topology = {
  name: 'fan-out of 2, fan-in of 2, behind a chain',
  nodes: [source('s'), node('h', 's'), node('a', 'h'), node('b', 'h'), node('d', 'a', 'b')],
}

export const topologies: readonly Topology[] = [
  chain(2),
  chain(3),
  chain(6),
  ...[2, 3, 9].map(fanIn),
  ...[2, 3, 9].map(fanOut),
  mesh(3),
  diamond,
]

/** Who reads from `name`. */
export function readersOf({ nodes }: Topology, name: string): string[] {
  return nodes.filter(({ readsFrom }) => readsFrom.includes(name)).map((each) => each.name)
}
