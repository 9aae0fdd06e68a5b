// Clients that go, stall or trickle, at every stage of a job, against real sandboxes. Afterwards
// no process, descriptor, file or memory is left: measured here and by server.settle.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { postForm, submit, waitFor } from './async-calls.ts'
import { buildGuest } from './c-guest.ts'
import { openSocket, type RawJob, rawJob, readAll, sendAndGo } from './raw-client.ts'
import { type Server, startServer } from './server.ts'

let server: Server
let spin: RawJob
let hello: RawJob
before(async () => {
  server = await startServer({
    ZVM_CONCURRENCY_MAX: '2',
    ZVM_QUEUE_MAX: '64',
    ZVM_UPLOAD_IDLE_MS: '600',
    ZVM_HEADERS_MS_MAX: '400',
    ZVM_RESPONSE_IDLE_MS: '600',
    ZVM_TIMEOUT_MS_DEFAULT: '60000',
  })
  spin = await rawJob('spin', {})
  hello = await rawJob('hello', {})
})
after(() => server.settle())

const whole = ({ head, body }: RawJob) => Buffer.concat([head, body])
const upTo = ({ head, body }: RawJob, offset: number) =>
  Buffer.concat([head, body.subarray(0, offset)])

/** Until nothing runs and nothing waits. */
async function settled(): Promise<void> {
  const { scheduler } = server.app
  const until = Date.now() + 5000
  while (scheduler.running + scheduler.waiting + scheduler.admitted > 0) {
    assert.ok(Date.now() < until, 'a job of a client that went is still there')
    await sleep(5)
  }
}

async function serves(): Promise<void> {
  const answer = await postForm(server.url, 'hello', {}, {}, {})
  assert.equal(answer.status, 200)
  await answer.text()
}

const stages: readonly [string, () => Buffer, number][] = [
  ['before a byte', () => Buffer.alloc(0), 5],
  ['within the request line', () => spin.head.subarray(0, 9), 5],
  ['within the header', () => spin.head.subarray(0, 60), 5],
  ['after the header', () => spin.head, 20],
  ['within the head of a part', () => upTo(spin, 20), 20],
  ['within the manifest', () => upTo(spin, spin.at.manifest), 20],
  ['within the program', () => upTo(spin, spin.at.program), 20],
  ['within an input', () => upTo(spin, spin.at.input), 20],
  ['before the last boundary', () => upTo(spin, spin.body.length - 4), 20],
  ['while the program is prepared', () => whole(spin), 3],
  ['while it runs', () => whole(spin), 300],
]
for (const [stage, bytes, waitMs] of stages) {
  test(`a client that goes ${stage}`, async () => {
    for (let count = 0; count < 3; count++) await sendAndGo(server.port, bytes(), waitMs)
    await settled()
    await serves()
  })
}

test('a client that goes while its job waits for a slot', async () => {
  const blocking = await Promise.all([1, 2].map(() => openSocket(server.port)))
  for (const socket of blocking) socket.write(whole(spin))
  await sleep(300)
  const { scheduler } = server.app
  assert.equal(scheduler.running, 2)
  const waiting = await openSocket(server.port)
  waiting.write(whole(spin))
  while (scheduler.waiting === 0) await sleep(5)
  waiting.resetAndDestroy()
  const until = Date.now() + 1000
  while (scheduler.waiting > 0) {
    assert.ok(Date.now() < until)
    await sleep(5)
  }
  for (const socket of blocking) socket.resetAndDestroy()
  await settled()
})

test('a client that goes while it reads the answer, and one that never reads', async () => {
  const flood = await rawJob(await buildGuest('flood'), { timeoutMs: 60_000 })
  const going = await openSocket(server.port)
  going.write(whole(flood))
  await new Promise((resolve) => going.once('data', resolve))
  going.resetAndDestroy()
  await settled()
  const stalled = await openSocket(server.port)
  stalled.pause()
  stalled.write(whole(flood))
  // The guest would go on for a minute.
  await sleep(300)
  assert.equal(server.app.scheduler.running, 1)
  await settled()
  stalled.destroy()
})

test('a listener of events, and a reader of an output, that go', async () => {
  const { id } = await submit(server.url, 'spin')
  await waitFor(server.url, id, 'running')
  const head = `GET /v1/jobs/${id}/events HTTP/1.1\r\nHost: x\r\n\r\n`
  await sendAndGo(server.port, Buffer.from(head), 50)
  const until = Date.now() + 2000
  while (server.app.asyncJobs.listeners > 0) {
    assert.ok(Date.now() < until)
    await sleep(5)
  }
  await fetch(`${server.url}/v1/jobs/${id}`, { method: 'DELETE' })
  await settled()
})

test('an asynchronous upload that is cut leaves no job and no reservation', async () => {
  const { asyncJobs } = server.app
  const kept = asyncJobs.kept
  const { head, body, at } = await rawJob('hello', {}, 'Prefer: respond-async\r\n')
  for (const size of [0, at.manifest, at.program, at.input, body.length - 3]) {
    await sendAndGo(server.port, Buffer.concat([head, body.subarray(0, size)]), 20)
  }
  await sleep(100)
  assert.deepEqual([asyncJobs.kept, asyncJobs.places.inputBytes], [kept, 0])
})

test('slow loris: a header, a manifest, a program and an input that trickle', async () => {
  const started = Date.now()
  const trickle = async (sent: Buffer, rest: Buffer) => {
    const socket = await openSocket(server.port)
    socket.write(sent)
    let at = 0
    const timer = setInterval(() => {
      socket.write(rest.subarray(at, ++at))
    }, 40)
    const text = await readAll(socket)
    clearInterval(timer)
    return text
  }
  const { head, body, at } = hello
  const answers = await Promise.all([
    trickle(head.subarray(0, 30), head.subarray(30)),
    trickle(head, body),
    trickle(upTo(hello, at.manifest), body.subarray(at.manifest)),
    trickle(upTo(hello, at.program), body.subarray(at.program)),
    trickle(upTo(hello, at.input), body.subarray(at.input)),
    ...['/v1/programs', '/v1/objects/b/k'].map((path) =>
      trickle(
        Buffer.from(`PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n`),
        Buffer.alloc(1000),
      ),
    ),
  ])
  for (const answer of answers) {
    assert.match(answer, /^HTTP\/1\.1 408 /)
    assert.match(answer, /"code":"upload-timeout"/)
  }
  assert.ok(Date.now() - started < 4500)
  await settled()
})

test('what is no HTTP gets a problem', async () => {
  const cases: readonly [string, RegExp][] = [
    ['hello\r\n\r\n', /^HTTP\/1\.1 400 .*"code":"request-invalid"/s],
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    [
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 .*"code":"header-too-large"/s,
    ],
  ]
  for (const [bytes, expected] of cases) {
    const socket = await openSocket(server.port)
    socket.write(bytes)
    assert.match(await readAll(socket), expected)
  }
})

test('afterwards: descriptors and memory are what they were', async () => {
  const bytes = [whole(spin), upTo(spin, spin.at.program), upTo(hello, hello.at.input)]
  const round = async () => {
    for (const each of bytes) {
      await Promise.all([1, 2, 3, 4].map(() => sendAndGo(server.port, each, 30)))
    }
    await settled()
  }
  const measure = async () => {
    globalThis.gc?.()
    const fds = (await readdir('/proc/self/fd')).length
    return { fds, memoryBytes: process.memoryUsage().heapUsed, rss: process.memoryUsage().rss }
  }
  for (let count = 0; count < 3; count++) await round()
  const first = await measure()
  for (let count = 0; count < 10; count++) await round()
  await serves()
  const last = await measure()
  assert.ok(last.fds <= first.fds + 4, `${first.fds} descriptors, then ${last.fds}`)
  assert.ok(last.rss - first.rss < 64 * 1024 * 1024, `${first.rss} bytes, then ${last.rss}`)
})

test('a body that goes on for ever without a part ends at requestBytesMax', async () => {
  const on = await startServer({ ZVM_REQUEST_BYTES_MAX: '100000', ZVM_UPLOAD_IDLE_MS: '200' })
  try {
    const socket = await openSocket(on.port)
    const block = Buffer.alloc(1 << 20, 0x2d)
    const chunk = Buffer.concat([
      Buffer.from(`${block.length.toString(16)}\r\n`),
      block,
      Buffer.from('\r\n'),
    ])
    socket.write(
      'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n',
    )
    const sending = setInterval(() => socket.write(chunk), 5)
    const answer = await readAll(socket, 15_000)
    clearInterval(sending)
    assert.match(answer, /^HTTP\/1.1 413 /)
    assert.match(answer, /"limit":"requestBytesMax"/)
  } finally {
    await on.settle()
  }
})
