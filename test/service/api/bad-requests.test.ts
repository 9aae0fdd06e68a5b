// Malformed requests, table-driven: each gets the documented problem, the service goes on
// serving, and at the end no process, descriptor or file is left (server.settle).
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pack } from 'tar-stream'
import { readGuest, type Server, sendRaw, startServer } from './server.ts'

let server: Server
const hello = await readGuest('hello')
before(async () => {
  const limits = { ZVM_PART_BYTES_MAX: '100000', ZVM_PARTS_MAX: '8', ZVM_IMAGE_ENTRIES_MAX: '4' }
  server = await startServer({
    ...limits,
    ZVM_UPLOAD_IDLE_MS: '500',
    ZVM_PROGRAM_BYTES_MAX: '300000',
    ZVM_REQUEST_BYTES_MAX: '600000',
  })
})
after(() => server.settle())

type Piece = { name?: string; type?: string; bytes?: Buffer | string; head?: string }
type Expected = readonly [status: number, code: string, member?: string, value?: unknown]

const manifest = (fields: object = {}): Piece => ({
  name: 'manifest',
  type: 'application/json',
  bytes: JSON.stringify({ program: 'part:program', ...fields }),
})
const program: Piece = { name: 'program', bytes: hello }
const part = (name: string, bytes: Buffer | string = 'x'): Piece => ({ name, bytes })
const stdin = { channels: [{ alias: '/dev/stdin', source: 'part:input' }] }

function bodyOf(pieces: readonly Piece[], end = '--B--\r\n'): Buffer {
  const chunks = pieces.flatMap(({ name, type, bytes, head }) => {
    const lines = head ?? `Content-Disposition: form-data; name="${name}"; filename="f"\r\n`
    const media = type === undefined ? '' : `Content-Type: ${type}\r\n`
    return [`--B\r\n${lines}${media}\r\n`, bytes ?? '', '\r\n']
  })
  return Buffer.concat([...chunks, end].map((chunk) => Buffer.from(chunk)))
}

async function expectProblem(answer: Response, expected: Expected): Promise<void> {
  const [status, code, member, value] = expected
  const body = (await answer.json()) as Record<string, unknown>
  assert.deepEqual([answer.status, body.code], [status, code], JSON.stringify(body))
  assert.equal(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json')
  assert.equal(body.type, `/problems/${code}`)
  if (member !== undefined) assert.deepEqual(body[member], value)
}

function post(body: Buffer, headers: Record<string, string> = {}): Promise<Response> {
  const type = { 'content-type': 'multipart/form-data; boundary=B', ...headers }
  return fetch(`${server.url}/v1/jobs`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: type,
  })
}

const partCases: readonly [string, readonly Piece[], Expected][] = [
  ['no parts', [], [400, 'part-missing', 'part', 'manifest']],
  ['program first', [program, manifest()], [400, 'part-order', 'part', 'program']],
  [
    'input before program',
    [manifest(stdin), part('input'), program],
    [400, 'part-order', 'part', 'input'],
  ],
  ['no program', [manifest()], [400, 'part-missing', 'part', 'program']],
  ['no input', [manifest(stdin), program], [400, 'part-missing', 'part', 'input']],
  [
    'unknown input',
    [manifest(), program, part('other')],
    [400, 'part-unexpected', 'part', 'other'],
  ],
  ['two manifests', [manifest(), manifest()], [400, 'part-duplicate', 'part', 'manifest']],
  ['two programs', [manifest(), program, program], [400, 'part-duplicate', 'part', 'program']],
  ['two inputs', [manifest(stdin), program, part('input'), part('input')], [400, 'part-duplicate']],
  [
    'input too large',
    [manifest(stdin), program, part('input', Buffer.alloc(100_001))],
    [413, 'limit-exceeded', 'limit', 'partBytesMax'],
  ],
  [
    'program too large',
    [manifest(), part('program', Buffer.alloc(300_001))],
    [413, 'limit-exceeded', 'value', 300_000],
  ],
  [
    'manifest too large',
    [{ ...manifest(), bytes: Buffer.alloc(524_289, 0x20) }],
    [413, 'limit-exceeded', 'limit', 'manifestBytesMax'],
  ],
  ['manifest empty', [{ ...manifest(), bytes: '' }], [400, 'manifest-empty']],
  ['manifest as html', [{ ...manifest(), type: 'text/html' }], [415, 'media-type-unsupported']],
  [
    'manifest not UTF-8',
    [{ ...manifest(), bytes: Buffer.from([0xff]) }],
    [400, 'manifest-encoding'],
  ],
  ['json as classic', [{ ...manifest(), type: 'text/plain' }], [400, 'missing-equals', 'line', 1]],
  [
    'program not stored',
    [manifest({ program: `sha256:${'0'.repeat(64)}` })],
    [404, 'program-not-found'],
  ],
  [
    'blob not stored',
    [manifest({ channels: [{ alias: 'a', source: `sha256:${'0'.repeat(64)}` }] }), program],
    [404, 'blob-not-found'],
  ],
  [
    'memory above limit',
    [manifest({ memoryBytes: 2 ** 40 }), program],
    [422, 'memory-above-limit'],
  ],
  [
    'timeout above limit',
    [manifest({ timeoutMs: 10 ** 9 }), program],
    [422, 'timeout-above-limit'],
  ],
  ['no room in memory', [manifest({ memoryBytes: 1 }), program], [422, 'session-refused']],
  ['args overflow', [manifest({ args: ['#'.repeat(9000)] }), program], [400, 'nvram-too-large']],
  [
    'image is no tar',
    [manifest({ image: 'part:fs' }), program, part('fs', Buffer.alloc(600, 1))],
    [400, 'image-malformed'],
  ],
  ...['../up', 'a/b', '', ' ', 'a b', 'ä', `${'x'.repeat(129)}`, '.hidden', 'a;b'].map(
    (name): [string, Piece[], Expected] => [
      `part name "${name.slice(0, 9)}"`,
      [manifest(), part(name)],
      [400, 'part-name-invalid'],
    ],
  ),
]

const jsonCases: readonly [string, string, string][] = [
  ['', 'json-syntax', '{'],
  ['', 'json-field', '[]'],
  ['', 'json-field', 'null'],
  ['', 'json-field', '7'],
  ['/program', 'json-field', '{}'],
  ['/x', 'unknown-field', '{"program":"part:p","x":1}'],
  ...['/bin/sh', 'file:/x', 'FILE:///x'].map((url): [string, string, string] => [
    '/program',
    'source-host-path',
    JSON.stringify({ program: url }),
  ]),
  ...['http://x', 's3:x', 'response:x', 'null:'].map((url): [string, string, string] => [
    '/program',
    'source-scheme',
    JSON.stringify({ program: url }),
  ]),
  ...['', ':', 'x', 'part:', 'part:a/b', 'sha256:', 'null:x'].map(
    (url): [string, string, string] => [
      '/program',
      'source-syntax',
      JSON.stringify({ program: url }),
    ],
  ),
  ...Object.entries({
    args: [7, 'x', [1]],
    env: [[], { 'A=B': 'c' }, { A: 1 }],
    time: [-1, 0.5, 2 ** 32, 'now'],
    memoryBytes: [0, -1, 1.5, '1', null],
    timeoutMs: [0, -1, 1e300, true],
    channels: [{}, 'x'],
  }).flatMap(([field, values]) =>
    values.map((value): [string, string, string] => [
      `/${field}`,
      'json-field',
      JSON.stringify({ program: 'part:p', [field]: value }),
    ]),
  ),
]

for (const [name, pieces, expected] of partCases) {
  test(`parts: ${name}`, async () => expectProblem(await post(bodyOf(pieces)), expected))
}

for (const [pointer, code, text] of jsonCases) {
  test(`manifest over HTTP: ${text}`, async () => {
    const answer = await post(bodyOf([{ ...manifest(), bytes: text }, program]))
    const body = (await answer.json()) as { code: string; pointer: string }
    assert.deepEqual([answer.status, body.code], [400, code])
    assert.ok(body.pointer.startsWith(pointer), body.pointer)
  })
}

const sizes = [
  0, 1, 3, 4, 15, 16, 40, 63, 64, 65, 119, 120, 200, 231, 4096, 0x1_0000, 0x1_0001, 0x2_0000,
  0x2_0004, 0x3_0000, 0x3_0006,
]
for (const size of sizes) {
  test(`nexe cut to ${size} bytes`, async () => {
    const answer = await post(bodyOf([manifest(), part('program', hello.subarray(0, size))]))
    await expectProblem(answer, [422, 'program-refused'])
  })
}

// Magic, class, data, version, type, machine, entry, program header offset, sizes, counts, first
// segments.
const offsets = [
  0, 1, 4, 16, 18, 20, 24, 25, 32, 33, 56, 57, 64, 72, 73, 80, 82, 97, 104, 0x1_0000, 0x1_0010, 17,
  19, 26, 27, 34, 36, 66, 81, 83,
]
for (const offset of offsets) {
  test(`nexe with byte 0x${offset.toString(16)} spoilt`, async () => {
    const nexe = Buffer.from(hello)
    nexe.writeUInt8((nexe[offset] ?? 0) ^ 0xff, offset)
    const answer = await post(bodyOf([manifest(), part('program', nexe)]))
    await expectProblem(answer, [422, 'program-refused'])
  })
}

const whole = bodyOf([manifest(), program])
const framing: readonly [string, Buffer, Record<string, string>, Expected][] = [
  ['no end', bodyOf([manifest(), program], ''), {}, [400, 'body-incomplete']],
  ['cut in a head', whole.subarray(0, 20), {}, [400, 'body-incomplete']],
  ['cut in the manifest', whole.subarray(0, 120), {}, [400, 'body-incomplete']],
  ['cut in the program', whole.subarray(0, 5000), {}, [400, 'body-incomplete']],
  ['no boundary', whole, { 'content-type': 'multipart/form-data' }, [400, 'multipart-malformed']],
  [
    'json body without fields',
    Buffer.from('{}'),
    { 'content-type': 'application/json' },
    [400, 'json-field', '/program'],
  ],
  [
    'json body without end',
    Buffer.from('{"program":'),
    { 'content-type': 'application/json' },
    [400, 'json-syntax'],
  ],
  [
    'json body that names a part',
    Buffer.from('{"program":"part:program"}'),
    { 'content-type': 'application/json' },
    [400, 'part-missing'],
  ],
  [
    'empty json body',
    Buffer.alloc(0),
    { 'content-type': 'application/json' },
    [400, 'manifest-empty'],
  ],
  [
    'text body',
    Buffer.from('x'),
    { 'content-type': 'text/plain' },
    [415, 'media-type-unsupported'],
  ],
  [
    'form',
    Buffer.from('a=b'),
    { 'content-type': 'application/x-www-form-urlencoded' },
    [415, 'media-type-unsupported'],
  ],
  [
    'mixed',
    whole,
    { 'content-type': 'multipart/mixed; boundary=B' },
    [415, 'media-type-unsupported'],
  ],
  ['accept', whole, { accept: 'image/png' }, [406, 'not-acceptable']],
  ['raw of two', whole, { accept: 'application/octet-stream' }, [406, 'not-acceptable']],
  [
    'base64',
    bodyOf([
      {
        ...manifest(),
        head:
          'Content-Disposition: form-data; name="manifest"\r\n' +
          'Content-Transfer-Encoding: base64\r\n',
      },
    ]),
    {},
    [400, 'part-encoding'],
  ],
  [
    'tar: zeros',
    Buffer.alloc(1024),
    { 'content-type': 'application/x-tar' },
    [400, 'part-missing'],
  ],
  [
    'tar: noise',
    Buffer.alloc(1024, 7),
    { 'content-type': 'application/x-tar' },
    [400, 'tar-malformed'],
  ],
]
for (const [name, body, headers, expected] of framing) {
  test(`framing: ${name}`, async () => expectProblem(await post(body, headers), expected))
}

const images: readonly [string, (archive: ReturnType<typeof pack>) => void][] = [
  ['out of the root', (archive) => archive.entry({ name: '../x' }, 'x')],
  ['deep out', (archive) => archive.entry({ name: 'a/../../x' }, 'x')],
  ['twice', (archive) => ['a', './a'].map((name) => archive.entry({ name }, 'x'))],
  ['device', (archive) => archive.entry({ name: 'null', type: 'character-device' })],
  ['fifo', (archive) => archive.entry({ name: 'pipe', type: 'fifo' })],
  ['symlink out', (archive) => archive.entry({ name: 'l', type: 'symlink', linkname: '../x' })],
  ['link to nothing', (archive) => archive.entry({ name: 'l', type: 'link', linkname: 'x' })],
]
for (const [name, fill] of images) {
  test(`image: ${name}`, async () => {
    const archive = pack()
    fill(archive)
    archive.finalize()
    const bytes = Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>))
    const pieces = [manifest({ image: 'part:fs' }), program, part('fs', bytes)]
    await expectProblem(await post(bodyOf(pieces)), [400, 'image-malformed'])
  })
}

test('a client that falls silent within a part: 408', async () => {
  const head =
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n'
  const start = Buffer.from(`${head}Content-Length: ${whole.length}\r\n\r\n`)
  const answer = await sendRaw(server.port, Buffer.concat([start, whole.subarray(0, 1000)]))
  assert.match(answer, /^HTTP\/1\.1 408 /)
})

test('clients that go at every stage leave nothing behind', async () => {
  const head =
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n'
  const message = Buffer.concat([
    Buffer.from(`${head}Content-Length: ${whole.length}\r\n\r\n`),
    whole,
  ])
  for (const size of [
    1,
    50,
    100,
    130,
    200,
    300,
    400,
    1000,
    70_000,
    message.length - 3,
    message.length,
  ]) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(message.subarray(0, size), () => setTimeout(() => socket.destroy(), 10))
    await sleep(15)
  }
  assert.equal((await post(whole)).status, 200)
})

test('a body above the limit of the request: 413, told or untold', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const channels = names.map((name) => ({ alias: name, source: `part:${name}` }))
  const inputs = names.map((name) => part(name, Buffer.alloc(100_000)))
  const body = bodyOf([manifest({ channels }), program, ...inputs])
  await expectProblem(await post(body), [413, 'limit-exceeded'])
  const head =
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n'
  const start = `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`
  const answer = await sendRaw(server.port, Buffer.concat([Buffer.from(start), body]))
  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.match(answer, /requestBytesMax/)
})

test('no place left, not even for an upload: 503 with Retry-After, at once', async () => {
  const full = await startServer({ ZVM_QUEUE_MAX: '0', ZVM_CONCURRENCY_MAX: '1' })
  const head =
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n'
  const first = connect(full.port, '127.0.0.1')
  first.write(`${head}Content-Length: ${whole.length}\r\n\r\n`)
  await sleep(100)
  const answer = await fetch(`${full.url}/v1/jobs`, {
    method: 'POST',
    body: new Uint8Array(whole),
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
  })
  assert.equal(answer.headers.get('retry-after'), '1')
  await expectProblem(answer, [503, 'queue-full'])
  first.destroy()
  await full.settle()
})
