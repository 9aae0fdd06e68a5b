// Graphs: what a manifest with nodes is expanded to, and how a wrong one is refused.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManifestError, PlanError } from '../../../service/job/errors.ts'
import { parseJsonGraph } from '../../../service/job/graph-json.ts'
import { renderMermaid, renderTable } from '../../../service/job/graph-picture.ts'
import { type GraphPlan, makeGraphPlan } from '../../../service/job/graph-plan.ts'
import { channel, type Node, node, out, refused, stored, unplanned } from './bad-graphs.ts'

const limits = {
  memoryBytesDefault: 64,
  memoryBytesMax: 1000,
  timeoutMsDefault: 10,
  timeoutMsMax: 1000,
  nodesMax: 40,
  nodesLinkedMax: 40,
  linksMax: 500,
}
const listing = (bucket: string, prefix: string) =>
  (stored[bucket] ?? []).filter((key) => key.startsWith(prefix))

const plan = (...nodes: Node[]): GraphPlan =>
  makeGraphPlan(parseJsonGraph({ nodes }), listing, limits)

const namesOf = ({ nodes }: GraphPlan) => nodes.map(({ name }) => name)
function aliasesOf({ nodes }: GraphPlan, name: string): string[] {
  const found = nodes.find((each) => each.name === name)
  assert.ok(found, name)
  return found.channels.map(({ alias }) => alias).filter((alias) => alias !== '/dev/nvram')
}
function sourcesOf({ nodes }: GraphPlan, name: string, alias: string): unknown[] {
  const found = nodes.find((each) => each.name === name)
  return [...(found?.channels.find((each) => each.alias === alias)?.sources ?? [])]
}
const standard = ['/dev/stdin', '/dev/stdout', '/dev/stderr']

describe('a graph', () => {
  it('names nodes: alone, counted, one for each object', () => {
    const input = channel('/dev/input', { source: 'file:texts/*.txt' })
    const made = plan(
      node('one'),
      node('many', { count: 3 }),
      node('single', { count: 1 }),
      node('each', { channels: [input] }),
    )
    const each = ['each-1', 'each-2', 'each-3']
    assert.deepEqual(namesOf(made), ['one', 'many-1', 'many-2', 'many-3', 'single', ...each])
    assert.deepEqual(sourcesOf(made, 'each-2', '/dev/input'), [
      { kind: 'object', bucket: 'texts', key: 'b.txt' },
    ])
  })

  it('numbers a single match as well', () => {
    const input = channel('/dev/input', { source: 'file:texts/a*' })
    assert.deepEqual(namesOf(plan(node('each', { channels: [input] }))), ['each-1'])
  })

  it('connects every node of a group with every other of another', () => {
    const made = plan(node('map', { count: 2, connect: ['red'] }), node('red', { count: 2 }))
    const outs = ['/dev/out/red-1', '/dev/out/red-2']
    assert.deepEqual(aliasesOf(made, 'map-1').slice(0, 2), outs)
    assert.deepEqual(aliasesOf(made, 'red-2').slice(0, 2), ['/dev/in/map-1', '/dev/in/map-2'])
    assert.deepEqual(made.links[1], {
      from: 0,
      fromAlias: '/dev/out/red-2',
      to: 3,
      toAlias: '/dev/in/map-1',
    })
  })

  it('makes a mesh of a group connected to itself, without loops', () => {
    const made = plan(node('map', { count: 3, connect: ['map'] }))
    assert.equal(made.links.length, 6)
    assert.ok(made.links.every(({ from, to }) => from !== to))
    assert.ok(aliasesOf(made, 'map-1').includes('/dev/in/map-3'))
  })

  it('joins devices by name, from either end', () => {
    const written = plan(
      node('a', { channels: [channel('/dev/stdout', { sink: 'node:b/stdin' })] }),
      node('b'),
    )
    const read = plan(
      node('a'),
      node('b', { channels: [channel('/dev/stdin', { source: 'node:a/stdout' })] }),
    )
    assert.deepEqual(written.links, read.links)
    assert.deepEqual(aliasesOf(written, 'b').sort(), [...standard].sort())
    assert.deepEqual(read.responses.map(({ name }) => name).sort(), [
      'a.stderr',
      'b.stderr',
      'b.stdout',
    ])
  })

  it('writes one channel to several readers, reads several through names with a star', () => {
    const made = plan(
      node('src', { channels: [channel('/dev/stdout', { sink: 'node:work/stdin' })] }),
      node('work', {
        count: 3,
        channels: [channel('/dev/stdout', { sink: 'node:sink/from-*' })],
      }),
      node('sink'),
    )
    assert.equal(sourcesOf(made, 'src', '/dev/stdout').length, 3)
    assert.ok(aliasesOf(made, 'sink').includes('/dev/from-work-2'))
  })

  it('fills wildcards of outputs: captures, or the name of the node', () => {
    const made = plan(
      node('each', {
        channels: [
          channel('/dev/input', { source: 'file:texts/*.txt' }),
          channel('/dev/stdout', { sink: 'file:out/*.count' }),
          channel('/dev/stderr', { sink: 'response:log.*' }),
        ],
      }),
      node('some', { count: 2, channels: [channel('/dev/stdout', { sink: 'file:out/x-*' })] }),
    )
    assert.deepEqual(
      made.objectsWritten.map(({ key }) => key),
      ['a.count', 'b.count', 'c.count', 'x-some-1', 'x-some-2'],
    )
    assert.deepEqual(made.responses.map(({ name }) => name).slice(0, 2), [
      'log.each-1',
      'log.each-2',
    ])
  })

  it('tells each node its name, and is the same each time', () => {
    const nodes = [node('map', { count: 2, env: { A: 'b' }, connect: ['red'] }), node('red')]
    const first = plan(...nodes)
    assert.match(first.nodes[1]?.nvram ?? '', /name=ZVM_NODE,value=map-2/)
    const text = (made: GraphPlan) =>
      JSON.stringify(made, (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
    assert.equal(text(first), text(plan(...nodes)))
  })

  it('tells a node the object that it was made for', () => {
    const input = channel('/dev/input', { source: 'file:texts/b*' })
    const [first] = plan(node('each', { channels: [input] })).nodes
    assert.match(first?.nvram ?? '', /name=ZVM_OBJECT,value=texts\/b.txt/)
  })

  it('is drawn as a table and as a flowchart', () => {
    const input = channel('/dev/stdin', { source: 'file:texts/*.txt' })
    const made = plan(node('map', { channels: [input], connect: ['red'] }), node('red'))
    assert.equal(renderTable(made).split('\n').length, 6)
    assert.equal(
      renderMermaid(made),
      [
        'flowchart LR',
        '  g0["map × 3"]',
        '  g1["red"]',
        '  btexts[("texts")]',
        '  g0 -->|3| g1',
        '  btexts -->|3| g0',
        '  g0 -->|3| response',
        '  g1 --> response',
        '',
      ].join('\n'),
    )
  })
})

describe('a wrong graph is refused by its manifest:', () => {
  for (const [what, code, pointer, value] of refused) {
    it(what, () => {
      assert.throws(
        () => parseJsonGraph(value),
        (error) => {
          assert.ok(error instanceof ManifestError, String(error))
          const [first] = error.issues
          assert.deepEqual([first?.code, first?.pointer], [code, pointer])
          return true
        },
      )
    })
  }
  it('all mistakes at once', () => {
    const nodes = [node('a', { connect: ['x', 'y'] }), node('a', { channels: out('node:z/q') })]
    assert.throws(
      () => parseJsonGraph({ nodes }),
      (error: ManifestError) => error.issues.length === 4,
    )
  })
})

describe('a graph that cannot be planned:', () => {
  for (const [what, code, pointer, nodes] of unplanned) {
    it(what, () => {
      assert.throws(
        () => plan(...nodes),
        (error) => {
          assert.ok(error instanceof PlanError, String(error))
          const [first] = error.issues
          assert.deepEqual([first?.code, first?.pointer], [code, pointer])
          return true
        },
      )
    })
  }
})
