// Small jobs of stored programs, whose bytes travel in frames: the same answers as any job, however
// the request comes, whatever the guest writes, and whoever goes away.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildGuest } from './c-guest.ts'
import { partsOf } from './multipart.ts'
import { openSocket } from './raw-client.ts'
import { nativeDir, readGuest, type Server, sendRaw, startServer } from './server.ts'

let server: Server
const programs: Record<string, string> = {}
before(async () => {
  server = await startServer({ ZVM_CONCURRENCY_MAX: '2', ZVM_QUEUE_MAX: '2' })
  const copy = await readFile(join(nativeDir, 'guest/bench/copy.nexe'))
  for (const [name, bytes] of [
    ['hello', await readGuest('hello')],
    ['spin', await readGuest('spin')],
    ['copy', copy],
    ['flood', await buildGuest('flood')],
    ['busy', await buildGuest('told_then_busy')],
  ] as const) {
    const init = { method: 'PUT', body: new Uint8Array(bytes) }
    const answer = await fetch(`${server.url}/v1/programs`, init)
    programs[name] = ((await answer.json()) as { program: string }).program
  }
})
after(() => server.settle())

function runJson(manifest: object, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url}/v1/jobs`, {
    method: 'POST',
    body: JSON.stringify(manifest),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    ...init,
  })
}

/** As bytes, to be cut and joined. */
function rawJson(manifest: object, headers = ''): string {
  const body = JSON.stringify(manifest)
  return (
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
    `${headers}Content-Length: ${body.length}\r\n\r\n${body}`
  )
}

async function reportOf(answer: Response) {
  const report = (await partsOf(answer)).get('report') ?? ''
  return JSON.parse(report) as { outcome: string; reason: string | null; exitCode: number | null }
}

async function idle(): Promise<void> {
  for (const startMs = Date.now(); server.app.scheduler.admitted > 0; await sleep(5)) {
    assert.ok(Date.now() - startMs < 2000, 'a place is still taken')
  }
}

test('a manifest alone is a job', async () => {
  const answer = await runJson({ program: programs.hello })
  assert.equal(answer.status, 200)
  const parts = await partsOf(answer)
  assert.equal(parts.get('stdout'), 'hello world\n')
  assert.deepEqual([...parts.keys()], ['stdout', 'stderr', 'report'])
})

test('the same asynchronously', async () => {
  const headers = { 'content-type': 'application/json', prefer: 'respond-async' }
  const answer = await runJson({ program: programs.hello }, { headers })
  assert.equal(answer.status, 202)
  const job = `${server.url}${answer.headers.get('location')}`
  for (let state = ''; state !== 'done'; await sleep(10)) {
    state = ((await (await fetch(job)).json()) as { state: string }).state
  }
  assert.equal(await (await fetch(`${job}/outputs/stdout`)).text(), 'hello world\n')
  await fetch(job, { method: 'DELETE' })
})

test('inputs of any size come back as they were', async () => {
  const channels = [{ alias: '/dev/stdin', source: 'part:input' }]
  for (const sizeBytes of [0, 1, 5000, 33_000, 60_000, 70_000, 3_000_000]) {
    const input = Buffer.alloc(sizeBytes, 'the computation travels ')
    const form = new FormData()
    const manifest = JSON.stringify({ program: programs.copy, channels })
    form.append('manifest', new Blob([manifest], { type: 'application/json' }))
    form.append('input', new Blob([input]))
    const answer = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
    const parts = await partsOf(answer)
    assert.equal(parts.get('stdout'), input.toString('latin1'), `${sizeBytes} bytes`)
  }
})

test('what a computing guest has written is seen while it runs', async () => {
  const gone = new AbortController()
  const { signal } = gone
  const answer = await runJson({ program: programs.busy, timeoutMs: 60_000 }, { signal })
  const reader = answer.body?.getReader()
  let text = ''
  while (!text.includes('first\n'))
    text += Buffer.from((await reader?.read())?.value ?? []).toString()
  assert.equal(server.app.scheduler.running, 1)
  gone.abort()
  await idle()
})

test('a flood waits for its reader, within its time', async () => {
  const socket = await openSocket(server.port)
  socket.pause()
  socket.write(rawJson({ program: programs.flood, timeoutMs: 700 }))
  await sleep(300)
  const early = process.memoryUsage().rss
  await sleep(300)
  assert.ok(process.memoryUsage().rss - early < 64 * 1024 ** 2, 'nothing piles up')
  let tail = ''
  socket.on('data', (chunk) => {
    tail = (tail + chunk.toString('latin1')).slice(-4000)
    if (tail.endsWith('0\r\n\r\n')) socket.end()
  })
  socket.resume()
  await once(socket, 'close')
  assert.match(tail, /"outcome":"limited".*"reason":"limit-wall-time"/)
  await idle()
})

test('who goes away ends his job', async () => {
  const socket = await openSocket(server.port)
  socket.write(rawJson({ program: programs.spin, timeoutMs: 60_000 }))
  while (server.app.scheduler.running === 0) await sleep(2)
  socket.destroy()
  const startMs = performance.now()
  while (server.app.scheduler.running > 0) await sleep(2)
  assert.ok(performance.now() - startMs < 1000)
  await idle()
})

test('a limit, and the next job of the same connection', async () => {
  const slow = await runJson({ program: programs.spin, timeoutMs: 50 })
  assert.deepEqual([(await reportOf(slow)).reason, slow.status], ['limit-wall-time', 200])
  assert.equal((await reportOf(await runJson({ program: programs.hello }))).exitCode, 0)
})

test('requests in one piece, in many, and one behind another', async () => {
  const one = rawJson({ program: programs.hello })
  const last = rawJson({ program: programs.hello }, 'Connection: close\r\n')
  const joined = await sendRaw(server.port, one + one + last)
  assert.equal(joined.match(/HTTP\/1\.1 200 OK/g)?.length, 3)
  assert.equal(joined.match(/hello world\n/g)?.length, 3)
  for (const at of [1, 20, one.indexOf('\r\n\r\n') + 2, one.length - 1]) {
    const socket = await openSocket(server.port)
    socket.write(one.slice(0, at))
    await sleep(at === 20 ? 300 : 20)
    socket.write(one.slice(at))
    let text = ''
    for await (const chunk of socket) {
      text += chunk
      if (text.includes('"exitCode":0') && /--\r\n/.test(text)) break
    }
    assert.match(text, /^HTTP\/1\.1 200 OK/)
  }
})

test('what is out of order is told as ever', async () => {
  const cases: readonly [object, number, string][] = [
    [{ program: `sha256:${'0'.repeat(64)}` }, 404, 'program-not-found'],
    [{ program: programs.hello, colour: 'blue' }, 400, 'unknown-field'],
    [{ program: programs.hello, memoryBytes: 2 ** 52 }, 422, 'memory-above-limit'],
    [{ program: programs.hello, memoryBytes: 65_536 }, 422, 'session-refused'],
  ]
  for (const [manifest, status, code] of cases) {
    const answer = await runJson(manifest)
    const body = (await answer.json()) as { code: string }
    assert.deepEqual([answer.status, body.code], [status, code])
  }
  await idle()
})

test('too many are refused at once, and the connection goes on', async () => {
  const spin = { program: programs.spin, timeoutMs: 400 }
  const busy = [1, 2, 3, 4].map(() => runJson(spin))
  while (server.app.scheduler.admitted < 4) await sleep(2)
  const socket = await openSocket(server.port)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.write(rawJson(spin))
  while (!text.includes('queue-full')) await sleep(2)
  assert.match(text, /^HTTP\/1\.1 503 .*retry-after: \d+\r\n/is)
  for (const answer of busy) assert.equal((await reportOf(await answer)).outcome, 'limited')
  await idle()
  socket.write(rawJson({ program: programs.hello }))
  while (!text.includes('hello world')) await sleep(2)
  socket.destroy()
})
