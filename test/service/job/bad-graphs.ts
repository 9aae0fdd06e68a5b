// Graphs that are refused, each with its code and the place of its mistake: by its manifest, or
// when it is planned. Run against the parser and the planner (graph.test.ts), and over HTTP
// (api/bad-graphs.test.ts).

/** Objects that wildcards find: bucket → keys. */
export const stored: Readonly<Record<string, readonly string[]>> = {
  texts: ['a.txt', 'b.txt', 'c.txt', 'deep/d.txt', 'e.txt.bak'],
  two: ['1', '2'],
}
export const program = 'part:program'
export type Node = Readonly<Record<string, unknown>>
export const node = (name: string, more: Node = {}): Node => ({ name, program, ...more })
export const channel = (alias: string, more: Node): Node => ({ alias, ...more })
export const out = (sink: string) => [channel('/dev/stdout', { sink })]
export const input = (source: string) => [channel('/dev/input', { source })]
const oneOf = (more: Node) => ({ nodes: [node('a', more)] })
const oneChannel = (more: Node) =>
  oneOf({ channels: [channel('/dev/x', { source: 'null:', ...more })] })
const at = (place: string) => `/nodes/0/channels/0${place}`

/** What, code, pointer, manifest. */
export const refused: readonly [string, string, string, unknown][] = [
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
  ['a node is no object', 'json-field', '/nodes/0', { nodes: ['a'] }],
  ['name is a number', 'json-field', '/nodes/0/name', { nodes: [{ name: 1, program }] }],
  ['name begins with a dash', 'json-field', '/nodes/0/name', { nodes: [node('-a')] }],
  ['name with markup', 'json-field', '/nodes/0/name', { nodes: [node('<b>')] }],
  ['program is a number', 'json-field', '/nodes/0/program', { nodes: [{ name: 'a', program: 1 }] }],
  ['program of a host path', 'source-host-path', '/nodes/0/program', oneOf({ program: '/bin/sh' })],
  ['program of no scheme', 'source-syntax', '/nodes/0/program', oneOf({ program: 'sh' })],
  [
    'program of a short digest',
    'source-syntax',
    '/nodes/0/program',
    oneOf({ program: 'sha256:0' }),
  ],
  ['program that is nothing', 'source-scheme', '/nodes/0/program', oneOf({ program: 'null:' })],
  ['image from a node', 'source-scheme', '/nodes/0/image', oneOf({ image: 'node:b/x' })],
  ['count below 0', 'json-field', '/nodes/0/count', oneOf({ count: -1 })],
  ['count is null', 'json-field', '/nodes/0/count', oneOf({ count: null })],
  ['args is text', 'json-field', '/nodes/0/args', oneOf({ args: 'x' })],
  ['argument is a number', 'json-field', '/nodes/0/args/0', oneOf({ args: [1] })],
  ['argument with a NUL', 'json-field', '/nodes/0/args/0', oneOf({ args: ['a\0'] })],
  ['too many arguments', 'json-field', '/nodes/0/args', oneOf({ args: Array(101).fill('x') })],
  ['env is a list', 'json-field', '/nodes/0/env', oneOf({ env: [] })],
  ['env with a blank', 'json-field', '/nodes/0/env/A B', oneOf({ env: { 'A B': '' } })],
  ['env is a number', 'json-field', '/nodes/0/env/A', oneOf({ env: { A: 1 } })],
  ['time below 0', 'json-field', '/nodes/0/time', oneOf({ time: -1 })],
  ['time above 32 bits', 'json-field', '/nodes/0/time', oneOf({ time: 2 ** 32 })],
  ['time limit 0', 'json-field', '/nodes/0/timeoutMs', oneOf({ timeoutMs: 0 })],
  ['etag is text', 'json-field', '/nodes/0/memoryEtag', oneOf({ memoryEtag: 'yes' })],
  ['connect to a number', 'json-field', '/nodes/0/connect/0', oneOf({ connect: [1] })],
  ['channels is no list', 'json-field', '/nodes/0/channels', oneOf({ channels: {} })],
  ['unknown field of a channel', 'unknown-field', at('/size'), oneChannel({ size: 1 })],
  ['source and sink', 'channel-direction', at(''), oneChannel({ source: 'null:', sink: 'null:' })],
  ['neither', 'channel-direction', at(''), oneOf({ channels: [{ alias: '/dev/x' }] })],
  ['unknown access', 'json-field', at('/access'), oneChannel({ access: 'both' })],
  ['append of a source', 'channel-direction', at('/access'), oneChannel({ access: 'append' })],
  ['limit below 0', 'json-field', at('/limits/reads'), oneChannel({ limits: { reads: -1 } })],
  ['unknown limit', 'unknown-field', at('/limits/x'), oneChannel({ limits: { x: 1 } })],
  ['media type', 'json-field', at('/contentType'), oneChannel({ contentType: '\n' })],
  ['unknown scheme', 'source-scheme', at('/source'), oneChannel({ source: 'http://x/' })],
  [
    'manifest as an input',
    'part-name-reserved',
    at('/source'),
    oneChannel({ source: 'part:manifest' }),
  ],
  ['name of a part', 'source-syntax', at('/source'), oneChannel({ source: 'part:a b' })],
  ['null with a name', 'source-syntax', at('/source'), oneChannel({ source: 'null:x' })],
  [
    'sink of a digest',
    'channel-direction',
    '/nodes/0/channels/0/sink',
    oneOf({ channels: out(`sha256:${'0'.repeat(64)}`) }),
  ],
  ['memory 0', 'json-field', '/nodes/0/memoryBytes', { nodes: [node('a', { memoryBytes: 0 })] }],
]

/** What, code, pointer, nodes: within the limits that the tests set. */
export const unplanned: readonly [string, string, string, Node[]][] = [
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
