// Inputs that run into the guest while the client sends them: they stream, they never lock up
// whatever the client reads, and what is wrong with them is told.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nativeDir, type Server, startServer } from './server.ts'

const mib = 1024 ** 2
const copy = await readFile(join(nativeDir, 'guest/bench/copy.nexe'))
/** More than sockets and pipes hold. */
const bytes = randomBytes(24 * mib)

let server: Server
before(async () => {
  server = await startServer({
    ZVM_PART_BYTES_MAX: String(bytes.length),
    // Whatever the machine does meanwhile, clients of these tests count as fast.
    ZVM_LIVE_BYTES_PER_SECOND_MIN: '1',
    ZVM_UPLOAD_IDLE_MS: '1000',
  })
})
after(() => server.settle())

const partHead = (name: string) =>
  `--B\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n`
const manifest = (fields: object = {}) =>
  JSON.stringify({
    program: 'part:program',
    channels: [{ alias: '/dev/stdin', source: 'part:input' }],
    ...fields,
  })
const startOf = (fields: object = {}) =>
  Buffer.concat([
    Buffer.from(`${partHead('manifest')}Content-Type: application/json\r\n\r\n${manifest(fields)}`),
    Buffer.from(`\r\n${partHead('program')}\r\n`),
    copy,
    Buffer.from(`\r\n${partHead('input')}\r\n`),
  ])
const end = '\r\n--B--\r\n'

function open() {
  const request = httpRequest(`${server.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
  })
  request.on('error', () => undefined)
  const answer: Promise<IncomingMessage> = once(request, 'response').then(([first]) => first)
  answer.catch(() => undefined)
  return { request, answer }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  return Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)).toString('latin1')
}

test('the answer begins while the client sends, and is whole', async () => {
  const { request, answer } = open()
  request.write(startOf())
  request.write(bytes.subarray(0, mib))
  const response = await answer
  assert.equal(response.statusCode, 200)
  const text = textOf(response)
  request.write(bytes.subarray(mib))
  request.end(end)
  const whole = await text
  assert.ok(whole.includes(bytes.toString('latin1')))
  assert.match(whole, /"outcome":"exited","exitCode":0/)
})

test('a client that sends everything before it reads', async () => {
  const body = Buffer.concat([startOf(), bytes, Buffer.from(end)])
  const socket = connect(server.port, '127.0.0.1')
  socket.pause()
  socket.write(
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' +
      `Content-Type: multipart/form-data; boundary=B\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  await new Promise((resolve) => socket.write(body, resolve))
  await sleep(200)
  const chunks = await Array.fromAsync(socket as AsyncIterable<Buffer>)
  const text = Buffer.concat(chunks).toString('latin1')
  assert.match(text, /"outcome":"exited","exitCode":0/)
  const channels = /"channels":(\[.*?\])/.exec(text)?.[1] ?? '[]'
  assert.match(channels, new RegExp(`"writeBytes":${bytes.length}`))
})

test('the time that a guest waits for its client is not its own', async () => {
  const { request, answer } = open()
  request.write(startOf({ timeoutMs: 500 }))
  request.write(bytes.subarray(0, mib))
  const text = textOf(await answer)
  for (const _ of [1, 2]) {
    await sleep(400)
    request.write('x')
  }
  request.end(end)
  assert.match(await text, /"outcome":"exited"/)
})

test('a guest that ends early is answered although the client still sends', async () => {
  const { request, answer } = open()
  request.write(startOf({ channels: [{ ...stdin, limits: { readBytes: 100_000 } }] }))
  request.write(bytes)
  request.end(end)
  assert.match(await textOf(await answer), /"outcome":"exited"/)
})
const stdin = { alias: '/dev/stdin', source: 'part:input' }

const broken: readonly [string, (request: ReturnType<typeof open>['request']) => void][] = [
  ['one part too many', (request) => request.end(`\r\n${partHead('more')}\r\nx${end}`)],
  ['the same part again', (request) => request.end(`\r\n${partHead('input')}\r\nx${end}`)],
  ['too large', (request) => request.end(Buffer.concat([bytes, bytes, Buffer.from(end)]))],
  ['no end', (request) => request.end()],
  ['silence', () => undefined],
  ['the client goes', (request) => request.destroy()],
]
for (const [name, finish] of broken) {
  test(`broken while it runs: ${name}`, async () => {
    const { request, answer } = open()
    request.write(startOf())
    request.write(bytes.subarray(0, mib))
    const response = await answer
    const text = textOf(response)
    text.catch(() => undefined)
    finish(request)
    // It has begun with 200, so it can only be cut off: there is no last boundary, no report.
    await assert.rejects(text, { code: 'ECONNRESET' })
  })
}

test('broken before the answer has begun: a problem', async () => {
  const { request, answer } = open()
  const output = { alias: '/dev/stdout', sink: 'null:' }
  request.write(startOf({ channels: [stdin, output] }))
  request.write(bytes.subarray(0, mib))
  request.end(`\r\n${partHead('more')}\r\nx${end}`)
  const response = await answer
  assert.equal(response.statusCode, 400)
  assert.match(await textOf(response), /part-unexpected/)
})
