// Clients that go, stall or trickle, at every stage of a job, against real sandboxes. Afterwards
// no process, descriptor, file or memory is left: measured here and by server.settle.
import assert from 'node:assert/strict'
import { once } from 'node:events'
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
  const { scheduler } = server.app
  const begun = Date.now() + 10_000
  while (scheduler.running < 2) {
    assert.ok(Date.now() < begun)
    await sleep(5)
  }
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
  while (server.app.scheduler.running === 0) await sleep(5)
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
  const until = Date.now() + 10_000
  while (asyncJobs.places.inputBytes > 0 && Date.now() < until) await sleep(5)
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
    const text = await readAll(socket, 20_000)
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
  // Sent to its end, the shortest of them would take minutes.
  assert.ok(Date.now() - started < 20_000)
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

test('heads that are odd get a problem, and an id', async () => {
  const cases: readonly [string, string, RegExp][] = [
    ['GET /healthz', '', /^HTTP\/1\.1 400 .*"code":"request-invalid".*Host/s],
    [
      `GET /v1/jobs/${'a'.repeat(1000)}`,
      'Host: x\r\n',
      /^HTTP\/1\.1 400 .*"code":"request-invalid"/s,
    ],
    ['GET /v1/jobs/%zz', 'Host: x\r\n', /^HTTP\/1\.1 400 .*"code":"request-invalid"/s],
    [
      'POST /v1/jobs',
      'Host: x\r\nTransfer-Encoding: gzip, chunked\r\n',
      /^HTTP\/1\.1 400 .*"code":"request-invalid"/s,
    ],
    [
      'POST /v1/jobs',
      'Host: x\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n',
      /^HTTP\/1\.1 415 .*"code":"media-type-unsupported"/s,
    ],
    ['DELETE /v1/jobs', 'Host: x\r\n', /^HTTP\/1\.1 405 .*"code":"method-not-allowed"/s],
  ]
  for (const [line, headers, expected] of cases) {
    const socket = await openSocket(server.port)
    socket.write(`${line} HTTP/1.1\r\nConnection: close\r\n${headers}\r\n`)
    const text = await readAll(socket)
    assert.match(text, expected)
    assert.match(text, /^content-type: application\/problem\+json/im)
    assert.match(text, /^x-request-id: /im)
  }
})

test('methods of a path: OPTIONS tells them, 405 names them, unknown paths are 404', async () => {
  const call = (method: string, path: string) => fetch(server.url + path, { method })
  const options = await call('OPTIONS', '/v1/jobs')
  assert.deepEqual(
    [options.status, options.headers.get('allow')],
    [204, 'GET, HEAD, OPTIONS, POST'],
  )
  const wrong = await call('PUT', '/v1/jobs/x')
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'DELETE, GET, HEAD, OPTIONS'])
  assert.equal((await call('PATCH', '/v1/objects/b/a/b')).status, 405)
  for (const method of ['OPTIONS', 'PUT'])
    assert.equal((await call(method, '/nothing')).status, 404)
})

test('a body of an unexpected type or size is refused unread and not kept', async () => {
  const before = process.memoryUsage().rss
  for (const type of ['text/plain', 'application/json']) {
    const socket = await openSocket(server.port)
    const length = 1_000_000_000
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n` +
        `Content-Length: ${length}\r\n\r\n`,
    )
    let answer = ''
    socket.on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1')
    })
    for (let sent = 0; sent < 80 && socket.writable; sent++) {
      if (!socket.write(Buffer.alloc(1024 * 1024, 0x20))) {
        await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined)
      }
    }
    while (answer === '' && !socket.closed) await sleep(5)
    socket.destroy()
    assert.match(answer, /^HTTP\/1\.1 4(15|13) /)
  }
  assert.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024)
  await settled()
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
