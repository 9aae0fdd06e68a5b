// Graphs: what a manifest with nodes is expanded to, and how a wrong one is refused.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManifestError, PlanError } from '../../../service/job/errors.ts'
import { parseJsonGraph } from '../../../service/job/graph-json.ts'
import { renderMermaid, renderTable } from '../../../service/job/graph-picture.ts'
import { type GraphPlan, makeGraphPlan } from '../../../service/job/graph-plan.ts'

const limits = {
  memoryBytesDefault: 64,
  memoryBytesMax: 1000,
  timeoutMsDefault: 10,
  timeoutMsMax: 1000,
  nodesMax: 40,
  nodesLinkedMax: 40,
  linksMax: 500,
}
const stored: Readonly<Record<string, readonly string[]>> = {
  texts: ['a.txt', 'b.txt', 'c.txt', 'deep/d.txt', 'e.txt.bak'],
  two: ['1', '2'],
}
const listing = (bucket: string, prefix: string) =>
  (stored[bucket] ?? []).filter((key) => key.startsWith(prefix))

const program = 'part:program'
type Node = Readonly<Record<string, unknown>>
const node = (name: string, more: Node = {}): Node => ({ name, program, ...more })
const channel = (alias: string, more: Node): Node => ({ alias, ...more })
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

const out = (sink: string) => [channel('/dev/stdout', { sink })]
const input = (source: string) => [channel('/dev/input', { source })]
const refused: readonly [string, string, string, unknown][] = [
  ['no nodes', 'json-field', '/nodes', { nodes: [] }],
  ['nodes is no list', 'json-field', '/nodes', { nodes: {} }],
  ['something beside nodes', 'unknown-field', '/program', { nodes: [node('a')], program }],
  ['too many groups', 'json-field', '/nodes', { nodes: Array(257).fill(node('a')) }],
  ['no name', 'json-field', '/nodes/0/name', { nodes: [{ program }] }],
  ['empty name', 'json-field', '/nodes/0/name', { nodes: [node('')] }],
  ['slash in the name', 'json-field', '/nodes/0/name', { nodes: [node('a/b')] }],
  ['dot in the name', 'json-field', '/nodes/0/name', { nodes: [node('a.b')] }],
  ['star in the name', 'json-field', '/nodes/0/name', { nodes: [node('a*')] }],
  ['long name', 'json-field', '/nodes/0/name', { nodes: [node('a'.repeat(65))] }],
  ['no program', 'json-field', '/nodes/0/program', { nodes: [{ name: 'a' }] }],
  [
    'program of a node',
    'source-scheme',
    '/nodes/0/program',
    { nodes: [node('a', { program: 'node:b/c' })] },
  ],
  ['count 0', 'json-field', '/nodes/0/count', { nodes: [node('a', { count: 0 })] }],
  ['count is text', 'json-field', '/nodes/0/count', { nodes: [node('a', { count: '2' })] }],
  ['count 1.5', 'json-field', '/nodes/0/count', { nodes: [node('a', { count: 1.5 })] }],
  ['count above all', 'json-field', '/nodes/0/count', { nodes: [node('a', { count: 10_001 })] }],
  ['unknown field', 'unknown-field', '/nodes/0/colour', { nodes: [node('a', { colour: 1 })] }],
  ['connect is text', 'json-field', '/nodes/0/connect', { nodes: [node('a', { connect: 'b' })] }],
  [
    'unknown peer',
    'node-unknown',
    '/nodes/0/connect/0',
    { nodes: [node('a', { connect: ['b'] })] },
  ],
  ['self', 'connect-self', '/nodes/0/connect/0', { nodes: [node('a', { connect: ['a'] })] }],
  [
    'twice',
    'connect-duplicate',
    '/nodes/0/connect/1',
    { nodes: [node('a', { connect: ['b', 'b'] }), node('b')] },
  ],
  ['two of a name', 'node-name-duplicate', '/nodes/1/name', { nodes: [node('a'), node('a')] }],
  [
    'unknown device node',
    'node-unknown',
    '/nodes/0/channels/0',
    { nodes: [node('a', { channels: out('node:b/stdin') })] },
  ],
  [
    'own device',
    'connect-self',
    '/nodes/0/channels/0',
    { nodes: [node('a', { channels: out('node:a/stdin') })] },
  ],
  [
    'node without device',
    'source-syntax',
    '/nodes/0/channels/0/sink',
    { nodes: [node('a', { channels: out('node:b') })] },
  ],
  [
    'node without name',
    'source-syntax',
    '/nodes/0/channels/0/sink',
    { nodes: [node('a', { channels: out('node:/x') })] },
  ],
  [
    'device with a blank',
    'source-syntax',
    '/nodes/0/channels/0/sink',
    { nodes: [node('a', { channels: out('node:b/x y') })] },
  ],
  [
    'bucket without key',
    'source-syntax',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input('file:b') })] },
  ],
  [
    'empty key',
    'source-syntax',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input('file:b/') })] },
  ],
  [
    'upper-case bucket',
    'source-syntax',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input('file:B/k') })] },
  ],
  [
    'host path',
    'source-host-path',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input('file:///etc/passwd') })] },
  ],
  [
    'three stars',
    'wildcard-syntax',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input('file:b/***') })] },
  ],
  [
    'nine wildcards',
    'wildcard-syntax',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input(`file:b/${'*x'.repeat(9)}`) })] },
  ],
  [
    'response as a source',
    'channel-direction',
    '/nodes/0/channels/0/source',
    { nodes: [node('a', { channels: input('response:x') })] },
  ],
  [
    'report as a response',
    'response-name-reserved',
    '/nodes/0/channels/0/sink',
    { nodes: [node('a', { channels: out('response:report') })] },
  ],
  [
    'part as a sink',
    'channel-direction',
    '/nodes/0/channels/0/sink',
    { nodes: [node('a', { channels: out('part:x') })] },
  ],
  [
    'shared response',
    'response-name-duplicate',
    '/nodes/0/channels/0',
    { nodes: [node('a', { count: 2, channels: out('response:x') })] },
  ],
  [
    'shared object',
    'object-collision',
    '/nodes/0/channels/0',
    { nodes: [node('a', { count: 2, channels: out('file:b/k') })] },
  ],
  [
    'alias missing',
    'json-field',
    '/nodes/0/channels/0/alias',
    { nodes: [node('a', { channels: [{ sink: 'null:' }] })] },
  ],
  ['memory 0', 'json-field', '/nodes/0/memoryBytes', { nodes: [node('a', { memoryBytes: 0 })] }],
]

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

const unplanned: readonly [string, string, string, Node[]][] = [
  ['memory', 'memory-above-limit', '/nodes/0/memoryBytes', [node('a', { memoryBytes: 1001 })]],
  [
    'time',
    'timeout-above-limit',
    '/nodes/1/timeoutMs',
    [node('a'), node('b', { timeoutMs: 1001 })],
  ],
  ['nodes of one group', 'nodes-above-limit', '/nodes', [node('a', { count: 41 })]],
  [
    'nodes of all',
    'nodes-above-limit',
    '/nodes',
    [node('a', { count: 21 }), node('b', { count: 20 })],
  ],
  ['links', 'links-above-limit', '/nodes', [node('a', { count: 24, connect: ['a'] })]],
  [
    'fan-out above sixteen',
    'links-above-limit',
    '/nodes/0',
    [node('a', { channels: out('node:b/stdin') }), node('b', { count: 17 })],
  ],
  [
    'nothing matches',
    'wildcard-empty',
    '/nodes/0/channels/0/source',
    [node('a', { channels: input('file:texts/*.md') })],
  ],
  [
    'no such bucket',
    'wildcard-empty',
    '/nodes/0/channels/0/source',
    [node('a', { channels: input('file:none/*') })],
  ],
  [
    'count and matches',
    'wildcard-arity',
    '/nodes/0/channels/0/source',
    [node('a', { count: 2, channels: input('file:texts/*.txt') })],
  ],
  [
    'two inputs',
    'wildcard-arity',
    '/nodes/0/channels/1/source',
    [
      node('a', {
        channels: [...input('file:texts/*.txt'), channel('/dev/x', { source: 'file:two/*' })],
      }),
    ],
  ],
  [
    'captures',
    'wildcard-capture',
    '/nodes/0/channels/1',
    [node('a', { channels: [...input('file:two/*'), ...out('file:o/*-*')] })],
  ],
  ['same name', 'node-collision', '/nodes/1/name', [node('a', { count: 2 }), node('a-1')]],
  [
    'same object',
    'object-conflict',
    '/nodes',
    [node('a', { channels: out('file:o/k') }), node('b', { channels: out('file:o/k') })],
  ],
  [
    'same object of captures',
    'object-conflict',
    '/nodes',
    [
      node('a', { channels: [...input('file:texts/*.txt'), ...out('file:o/*')] }),
      node('b', { channels: out('file:o/a') }),
    ],
  ],
  [
    'same response',
    'response-collision',
    '/nodes',
    [node('a', { channels: out('response:x') }), node('b', { channels: out('response:x') })],
  ],
  [
    'fan-in without star',
    'alias-collision',
    '/nodes/1',
    [node('a', { count: 2, channels: out('node:b/stdin') }), node('b')],
  ],
  [
    'both ends declared',
    'alias-collision',
    '/nodes/1',
    [
      node('a', { channels: out('node:b/stdin') }),
      node('b', { channels: [channel('/dev/stdin', { source: 'node:a/stdout' })] }),
    ],
  ],
  [
    'device is taken',
    'alias-collision',
    '/nodes/1',
    [node('a', { channels: out('node:b/input') }), node('b', { channels: input('null:') })],
  ],
  [
    'two channels',
    'alias-collision',
    '/nodes/0',
    [node('a', { channels: [...out('null:'), ...out('null:')] })],
  ],
  [
    'nvram',
    'alias-collision',
    '/nodes/0',
    [node('a', { channels: [channel('/dev/nvram', { source: 'null:' })] })],
  ],
  [
    'image',
    'alias-collision',
    '/nodes/0',
    [node('a', { image: 'part:i', channels: [channel('/dev/image', { source: 'null:' })] })],
  ],
  [
    'no direction',
    'channel-unusable',
    '/nodes/0',
    [node('a', { channels: [channel('/dev/x', { source: 'null:', limits: { reads: 0 } })] })],
  ],
  [
    'control in the alias',
    'channel-unusable',
    '/nodes/0',
    [node('a', { channels: [channel('/dev/\n', { source: 'null:' })] })],
  ],
  [
    'long response name',
    'channel-unusable',
    '/nodes/0/channels/0',
    [node('a'.repeat(64), { channels: out(`response:${'x'.repeat(100)}*`) })],
  ],
]

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
