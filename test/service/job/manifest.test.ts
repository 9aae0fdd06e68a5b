// Both forms of the manifest: what is accepted means the right thing, what is refused says why
// and where.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManifestError, type ManifestIssue, PlanError } from '../../../service/job/errors.ts'
import { parseManifest } from '../../../service/job/parse-manifest.ts'
import { makePlan } from '../../../service/job/plan.ts'

const limits = {
  memoryBytesDefault: 64,
  memoryBytesMax: 1000,
  timeoutMsDefault: 10,
  timeoutMsMax: 100_000,
}

function issuesOf(text: string, form: 'json' | 'classic'): readonly ManifestIssue[] {
  try {
    parseManifest(Buffer.from(text), form)
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error))
    return error.issues
  }
  return []
}

const program = '"program":"part:program"'
const channel = (rest: string) => `{${program},"channels":[{"alias":"/dev/x",${rest}}]}`

const badJson: readonly [string, string, string | undefined, string][] = [
  ['no JSON', 'json-syntax', '', '{'],
  ['an array', 'json-field', '', '[]'],
  ['no program', 'json-field', '/program', '{}'],
  ['unknown field', 'unknown-field', '/colour', `{${program},"colour":1}`],
  ['pointer escapes', 'unknown-field', '/a~1b~0', `{${program},"a/b~":1}`],
  ['program is null:', 'source-scheme', '/program', '{"program":"null:"}'],
  ['program is a host path', 'source-host-path', '/program', '{"program":"/bin/sh"}'],
  ['program is file:', 'source-host-path', '/program', '{"program":"file:///bin/sh"}'],
  ['program is the manifest', 'part-name-reserved', '/program', '{"program":"part:manifest"}'],
  ['short digest', 'source-syntax', '/program', '{"program":"sha256:ab"}'],
  ['unknown scheme', 'source-scheme', '/program', '{"program":"ftp:x"}'],
  ['no memory', 'json-field', '/memoryBytes', `{${program},"memoryBytes":0}`],
  ['half a byte', 'json-field', '/memoryBytes', `{${program},"memoryBytes":1.5}`],
  ['memory is text', 'json-field', '/memoryBytes', `{${program},"memoryBytes":"64"}`],
  ['no time', 'json-field', '/timeoutMs', `{${program},"timeoutMs":0}`],
  ['time above 32 bits', 'json-field', '/time', `{${program},"time":4294967296}`],
  ['arg with NUL', 'json-field', '/args/1', `{${program},"args":["a","\\u0000"]}`],
  ['env name', 'json-field', '/env/a b', `{${program},"env":{"a b":"c"}}`],
  ['env value', 'json-field', '/env/A', `{${program},"env":{"A":1}}`],
  ['neither source nor sink', 'channel-direction', '/channels/0', channel('"etag":true')],
  ['both', 'channel-direction', '/channels/0', channel('"source":"null:","sink":"null:"')],
  ['source response', 'channel-direction', '/channels/0/source', channel('"source":"response:x"')],
  ['sink part', 'channel-direction', '/channels/0/sink', channel('"sink":"part:x"')],
  [
    'append',
    'channel-direction',
    '/channels/0/access',
    channel('"source":"null:","access":"append"'),
  ],
  ['access', 'json-field', '/channels/0/access', channel('"source":"null:","access":"r"')],
  ['reserved', 'response-name-reserved', '/channels/0/sink', channel('"sink":"response:report"')],
  ['twice', 'response-name-duplicate', '', channel('"sink":"response:stdout"')],
  ['name', 'source-syntax', '/channels/0/sink', channel('"sink":"response:a/b"')],
  [
    'header in type',
    'json-field',
    '/channels/0/contentType',
    channel('"sink":"null:","contentType":"a\\r\\nb"'),
  ],
  [
    'limit',
    'json-field',
    '/channels/0/limits/reads',
    channel('"source":"null:","limits":{"reads":-1}'),
  ],
  [
    'no direction',
    'channel-without-direction',
    '/channels/0',
    channel('"source":"null:","limits":{"reads":0}'),
  ],
]

for (const [name, code, pointer, text] of badJson) {
  test(`JSON manifest: ${name}`, () => {
    const [first] = issuesOf(text, 'json')
    assert.deepEqual([first?.code, first?.pointer], [code, pointer])
  })
}

test('JSON manifest: all mistakes at once', () => {
  const text =
    '{"program":"x","image":"null:",' + '"channels":[{"alias":"a","source":"/etc"},{"alias":"b"}]}'
  const pointers = issuesOf(text, 'json').map((issue) => issue.pointer)
  assert.deepEqual(pointers, ['/program', '/image', '/channels/0/source', '/channels/1'])
})

test('JSON manifest: names that mean something to JavaScript are names, or refused', () => {
  const env = (name: string) => `{"program":"part:p","env":{"${name}":"x","A":"1"}}`
  const kept = parseManifest(Buffer.from(env('constructor')), 'json').env
  assert.deepEqual(Object.entries(kept), [
    ['constructor', 'x'],
    ['A', '1'],
  ])
  const [issue] = issuesOf(env('__proto__'), 'json')
  assert.deepEqual([issue?.code, issue?.pointer], ['json-field', '/env'])
  const [other] = issuesOf('{"program":"part:p","__proto__":{"time":1}}', 'json')
  assert.deepEqual([other?.code, other?.pointer], ['unknown-field', '/__proto__'])
})

const head = ['Version = 20130611', 'Program = part:program', 'Memory = 100, 0', 'Timeout = 5']
const classic = (...lines: string[]) => [...head, ...lines, ''].join('\n')
const without = (key: string) => `${head.filter((line) => !line.startsWith(key)).join('\n')}\n`
const row = (text: string) => classic(`Channel = ${text}`)

const badClassic: readonly [string, string, number | undefined, number | undefined, string][] = [
  ['nothing', 'missing-keyword', undefined, undefined, '# nothing\n'],
  ['no Version', 'missing-keyword', undefined, undefined, without('Version')],
  ['no Program', 'missing-keyword', undefined, undefined, without('Program')],
  ['no Memory', 'missing-keyword', undefined, undefined, without('Memory')],
  ['no Timeout', 'missing-keyword', undefined, undefined, without('Timeout')],
  ['version', 'invalid-version', 4, 11, `${without('Version')}Version = 1\n`],
  ['twice', 'duplicate-key', 5, 1, classic('Timeout = 6')],
  ['unknown', 'unknown-key', 5, 2, classic(' timeout = 6')],
  ['node', 'unsupported-key', 5, 1, classic('Node = 1')],
  ['free text', 'missing-equals', 5, 3, classic('  hello')],
  ['no key', 'missing-key', 5, 2, classic(' = 5')],
  ['no value', 'empty-value', 5, 7, classic('Etag =')],
  ['bell', 'control-character', 5, 3, classic('# \u0007')],
  ['fields', 'channel-fields-invalid', 5, 11, row('part:a, /dev/stdin, 0, 0, 1, 1, 0')],
  ['nine fields', 'channel-fields-invalid', 5, 49, row('part:a, /dev/stdin, 0, 0, 1, 1, 0, 0, 7')],
  ['type', 'channel-type-invalid', 5, 27, row('part:a, /dev/x, 4, 0, 1, 1, 0, 0')],
  ['etag', 'channel-etag-invalid', 5, 30, row('part:a, /dev/x, 0, 2, 1, 1, 0, 0')],
  ['negative', 'channel-limits-negative', 5, 33, row('part:a, /dev/x, 0, 0, -1, 1, 0, 0')],
  ['junk', 'invalid-number', 5, 34, row('part:a, /dev/x, 0, 0, 1z, 1, 0, 0')],
  ['octal', 'invalid-number', 5, 34, row('part:a, /dev/x, 0, 0, 08, 1, 0, 0')],
  ['path', 'source-host-path', 5, 11, row('/etc/passwd, /dev/x, 0, 0, 1, 1, 0, 0')],
  ['tcp', 'source-scheme', 5, 11, row('tcp:1:2, /dev/x, 0, 0, 1, 1, 0, 0')],
  ['second source', 'source-scheme', 5, 18, row('null:; fd:3, /dev/x, 0, 0, 1, 1, 0, 0')],
  ['both ways', 'channel-direction', 5, 11, row('null:, /dev/x, 3, 0, 1, 1, 1, 1')],
  ['no way', 'channel-without-direction', 5, 11, row('null:, /dev/x, 3, 0, 0, 1, 1, 0')],
]

for (const [name, code, line, column, text] of badClassic) {
  test(`classic manifest: ${name}`, () => {
    const [first] = issuesOf(text, 'classic')
    assert.deepEqual([first?.code, first?.line], [code, line])
    if (column === undefined) return
    assert.equal(first?.column, column)
  })
}

test('a manifest that is no text is refused', () => {
  for (const [bytes, code] of [
    [Buffer.alloc(0), 'manifest-empty'],
    [Buffer.from([0xff]), 'manifest-encoding'],
    [Buffer.alloc(524_289, 0x20), 'manifest-too-large'],
  ] as const) {
    assert.throws(
      () => parseManifest(bytes, 'json'),
      (error) => error instanceof ManifestError && error.issues[0]?.code === code,
    )
  }
})

test('the classic example of the contract gives the plan that it describes', () => {
  const text = classic(
    '== channels ==',
    'Channel = part:input, /dev/stdin, 0, 0, 65536, 0x40000000, 0, 0\r',
    'Channel = response:out, /dev/stdout, 2, 1, 0, 0, 65536, 010',
  )
  const plan = makePlan(parseManifest(Buffer.from(text), 'classic'), limits)
  assert.equal(plan.timeoutMs, 5000)
  assert.deepEqual(plan.inputParts, ['input'])
  assert.deepEqual(
    plan.responses.map(({ name, isFile }) => [name, isFile]),
    [
      ['out', true],
      ['stderr', false],
    ],
  )
  assert.equal(plan.channels[0]?.limits.readBytes, 2n ** 30n)
  assert.equal(plan.channels[1]?.limits.writeBytes, 8n)
})

test('arguments and environment reach nvram with everything special escaped', () => {
  const text = [
    `{${program},"args":["wc","","a b,#\\"é"],"env":{"A":"x=y\\n"}`,
    '"time":7,"image":"part:fs"}',
  ].join(',')
  const plan = makePlan(parseManifest(Buffer.from(text), 'json'), limits)
  assert.equal(
    plan.nvram,
    '[fstab]\nchannel=/dev/image,mountpoint=/,access=ro,removable=no\n' +
      '[args]\nargs=wc "" a\\x20b\\x2c\\x23\\x22\\xc3\\xa9\n' +
      '[env]\nname=A,value=x\\x3dy\\x0a\n[time]\nseconds=7\n',
  )
  assert.deepEqual([plan.inputParts, plan.imageParts], [['fs'], ['fs']])
})

test('a plan above the limits of the service is refused with all of them', () => {
  const text = `{${program},"memoryBytes":1001,"timeoutMs":100001}`
  assert.throws(
    () => makePlan(parseManifest(Buffer.from(text), 'json'), limits),
    (error) => error instanceof PlanError && error.issues.length === 2,
  )
})
