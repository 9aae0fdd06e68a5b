// Large streams that native pumps move: the same bytes, refusals and ends as on the way through
// JavaScript, whatever client and guest do; nothing is left behind.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pack } from 'tar-stream'
import { nativeDir, readGuest, type Server, startServer } from './server.ts'

const mib = 1024 ** 2
const copy = await readFile(join(nativeDir, 'guest/bench/copy.nexe'))
/** More than sockets and pipes hold; full of what looks like the beginning of a delimiter. */
const bytes = randomBytes(24 * mib)
for (let at = 0; at < bytes.length - 40; at += 4999)
  bytes.write('\r\n--B\r\n--Boundar-', at, 'latin1')

let server: Server
before(async () => {
  server = await startServer({
    ZVM_PART_BYTES_MAX: String(bytes.length),
    ZVM_LIVE_BYTES_PER_SECOND_MIN: '1',
    ZVM_UPLOAD_IDLE_MS: '1000',
    ZVM_RESPONSE_IDLE_MS: '1500',
  })
})
after(() => server.settle())

const stdin = { alias: '/dev/stdin', source: 'part:input' }
type Body = { readonly type: string; readonly start: Buffer; readonly end: Buffer }
type Options = {
  readonly guest?: Buffer
  readonly fields?: object
  readonly size?: number
  readonly end?: string
}

function manifestOf(fields: object): string {
  return JSON.stringify({ program: 'part:program', channels: [stdin], ...fields })
}

const partHead = (name: string) =>
  `--Boundary\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n`

function multipart({
  guest = copy,
  fields = {},
  end = '\r\n--Boundary--\r\n',
}: Options = {}): Body {
  const json = `Content-Type: application/json\r\n\r\n${manifestOf(fields)}`
  const start = Buffer.concat([
    Buffer.from(`${partHead('manifest')}${json}\r\n${partHead('program')}\r\n`),
    guest,
    Buffer.from(`\r\n${partHead('input')}\r\n`),
  ])
  return { type: 'multipart/form-data; boundary=Boundary', start, end: Buffer.from(end) }
}

async function tar(options: Options = {}): Promise<Body> {
  const { guest = copy, fields = {}, size = bytes.length } = options
  const archive = pack()
  const chunks: Buffer[] = []
  archive.on('data', (chunk) => chunks.push(chunk as Buffer))
  archive.entry({ name: 'manifest' }, manifestOf(fields))
  archive.entry({ name: 'program' }, guest)
  archive.entry({ name: 'input', size })
  await sleep(5)
  const end = Buffer.alloc(1024 + ((512 - (size % 512)) % 512))
  return { type: 'application/x-tar', start: Buffer.concat(chunks), end }
}

const forms: readonly (readonly [string, (options?: Options) => Body | Promise<Body>])[] = [
  ['multipart', multipart],
  ['tar', tar],
]

function open(body: Body, size = bytes.length, headers = {}) {
  const length = body.start.length + size + body.end.length
  const request = httpRequest(`${server.url}/v1/jobs`, {
    method: 'POST',
    agent: new Agent({ keepAlive: true }),
    headers: { 'content-type': body.type, 'content-length': length, ...headers },
  })
  request.on('error', () => undefined)
  request.write(body.start)
  const answer: Promise<IncomingMessage> = once(request, 'response').then(([first]) => first)
  answer.catch(() => undefined)
  return { request, answer }
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>))
}
async function textOf(answer: IncomingMessage): Promise<string> {
  return (await bytesOf(answer)).toString('latin1')
}

const pumps = () => server.app.sessions.native.stats()

for (const [name, makeBody] of forms) {
  test(`${name}: in and out, whole, past JavaScript`, async () => {
    const before = pumps().pumpsStarted
    const body = await makeBody()
    const { request, answer } = open(body)
    request.write(bytes)
    request.end(body.end)
    const response = await answer
    assert.equal(response.headers.connection, 'close')
    const text = await bytesOf(response)
    assert.ok(text.includes(bytes))
    assert.match(text.subarray(-2000).toString(), /"outcome":"exited","exitCode":0/)
    assert.ok(pumps().pumpsStarted >= before + 2, 'both ways')
  })

  test(`${name}: in many pieces, and a raw answer`, async () => {
    const body = await makeBody({ fields: { channels: [stdin, errors] } })
    const { request, answer } = open(body, bytes.length, { accept: 'application/octet-stream' })
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + 1 + Math.floor(Math.random() * 300_000))
      at += piece.length
      if (!request.write(piece)) await once(request, 'drain')
    }
    request.end(body.end)
    const response = await answer
    const hash = createHash('sha256').update(await bytesOf(response))
    assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
    assert.match(String(response.trailers['zvm-report']), /"outcome":"exited","exitCode":0/)
  })

  test(`${name}: a client that sends everything before it reads`, async () => {
    const body = await makeBody()
    const { request, answer } = open(body)
    request.once('socket', (socket) => socket.pause())
    await new Promise<void>((resolve) => request.write(bytes, () => resolve()))
    request.end(body.end)
    await sleep(200)
    request.socket?.resume()
    const text = await bytesOf(await answer)
    assert.ok(text.includes(bytes))
  })

  test(`${name}: a guest that ends early is answered, whole`, async () => {
    const body = await makeBody({
      fields: { channels: [{ ...stdin, limits: { readBytes: 1e5 } }] },
    })
    const { request, answer } = open(body)
    request.write(bytes)
    request.end(body.end)
    assert.match(await textOf(await answer), /"outcome":"exited"/)
  })

  test(`${name}: a guest that never reads ends at its deadline`, async () => {
    const body = await makeBody({ guest: await readGuest('spin'), fields: { timeoutMs: 300 } })
    const { request, answer } = open(body)
    request.write(bytes)
    request.end(body.end)
    assert.match(await textOf(await answer), /"outcome":"limited"/)
  })

  for (const when of ['silent', 'gone'] as const) {
    test(`${name}: a client that is ${when} within the part`, async () => {
      const body = await makeBody()
      const { request, answer } = open(body)
      request.write(bytes.subarray(0, 8 * mib))
      const response = await answer
      const text = textOf(response)
      text.catch(() => undefined)
      await sleep(100)
      const startMs = performance.now()
      if (when === 'gone') request.destroy()
      await assert.rejects(text, { code: 'ECONNRESET' })
      while (server.app.scheduler.running > 0) await sleep(5)
      const limitMs = when === 'gone' ? 500 : 5000
      assert.ok(performance.now() - startMs < limitMs, `${performance.now() - startMs} ms`)
    })
  }

  test(`${name}: a client that does not read its answer is cut`, async () => {
    const body = await makeBody()
    const { request } = open(body)
    request.once('socket', (socket) => socket.pause())
    request.write(bytes)
    request.end(body.end)
    await sleep(300)
    while (server.app.scheduler.running > 0) await sleep(20)
  })
}
const errors = { alias: '/dev/stderr', sink: 'null:' }

test('two jobs at once keep their bytes apart', async () => {
  const jobs = forms.map(async ([, makeBody], i) => {
    const own = Buffer.alloc(bytes.length, `job ${i} `)
    const body = await makeBody()
    const { request, answer } = open(body)
    request.write(own)
    request.end(body.end)
    assert.ok((await bytesOf(await answer)).includes(own))
  })
  await Promise.all(jobs)
})

const more = `\r\n${partHead('more')}\r\nx\r\n--Boundary--\r\n`
const broken: readonly [string, string, number][] = [
  ['one part too many', more, bytes.length],
  ['the same part again', more.replaceAll('more', 'input'), bytes.length],
  ['no end', '', bytes.length],
  ['too large', '\r\n--Boundary--\r\n', bytes.length + 1],
]
for (const [name, end, size] of broken) {
  test(`multipart, broken: ${name}`, async () => {
    const body = multipart({ end })
    const { request, answer } = open(body, size)
    request.write(bytes)
    if (size > bytes.length) request.write('x')
    request.end(body.end)
    await assert.rejects(answer.then(textOf), { code: 'ECONNRESET' })
  })
}

test('broken before the answer has begun: a problem', async () => {
  const output = { alias: '/dev/stdout', sink: 'null:' }
  const body = multipart({ end: more, fields: { channels: [stdin, output] } })
  const { request, answer } = open(body)
  request.write(bytes)
  request.end(body.end)
  const response = await answer
  assert.equal(response.statusCode, 400)
  assert.match(await textOf(response), /part-unexpected/)
})

test('a tar member above its limit is refused', async () => {
  const size = bytes.length + 512
  const output = { alias: '/dev/stdout', sink: 'null:' }
  const body = await tar({ size, fields: { channels: [stdin, output] } })
  const { request, answer } = open(body, size)
  request.write(bytes)
  request.end(Buffer.concat([Buffer.alloc(512), body.end]))
  const response = await answer
  assert.equal(response.statusCode, 413)
  assert.match(await textOf(response), /partBytesMax/)
})
