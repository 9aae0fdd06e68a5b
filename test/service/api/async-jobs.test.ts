// Jobs with `Prefer: respond-async` against real sandboxes: states, outputs, cancelling, events,
// bounds.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getJob, parseEvents, postForm, readEvents, submit, waitFor } from './async-calls.ts'
import { openSocket, rawJob, readAll } from './raw-client.ts'
import { readGuest, type Server, startServer } from './server.ts'

let server: Server
let url: string
before(async () => {
  server = await startServer({
    ZVM_CONCURRENCY_MAX: '2',
    ZVM_EVENT_HEARTBEAT_MS: '50',
    ZVM_UPLOAD_IDLE_MS: '5000',
  })
  url = server.url
})
after(() => server.settle())

const spin = (timeoutMs: number) => ({ timeoutMs })
const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code

test('from queued to done: report, outputs with etag and ranges, removal', async () => {
  const { id, state } = await submit(url, 'hello')
  assert.equal(state, 'queued')
  const job = await waitFor(url, id, 'done')
  assert.deepEqual([job.report?.outcome, job.report?.exitCode], ['exited', 0])
  assert.deepEqual(
    job.outputs.map(({ name, sizeBytes }) => [name, sizeBytes]),
    [
      ['stdout', 12],
      ['stderr', 0],
    ],
  )
  const path = `${url}${job.outputs[0]?.url}`
  const whole = await fetch(path)
  assert.equal(await whole.text(), 'hello world\n')
  const etag = whole.headers.get('etag') ?? ''
  assert.equal(etag, `"${job.outputs[0]?.etag}"`)
  const part = await fetch(path, { headers: { range: 'bytes=6-10' } })
  assert.deepEqual([part.status, await part.text()], [206, 'world'])
  assert.equal((await fetch(path, { headers: { range: 'bytes=99-' } })).status, 416)
  assert.equal((await fetch(path, { headers: { 'if-none-match': etag } })).status, 304)
  const head = await fetch(path, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '12'])
  const none = await fetch(`${url}/v1/jobs/${id}/outputs/nothing`)
  assert.deepEqual([none.status, await codeOf(none)], [404, 'output-not-found'])
  assert.equal((await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' })).status, 204)
  assert.equal((await fetch(`${url}/v1/jobs/${id}`)).status, 404)
  assert.equal((await fetch(path)).status, 404)
})

test('a running job: outputs are 409, DELETE cancels it at once', async () => {
  const { id } = await submit(url, 'spin', spin(60_000))
  await waitFor(url, id, 'running')
  const early = await fetch(`${url}/v1/jobs/${id}/outputs/stdout`)
  assert.deepEqual([early.status, await codeOf(early)], [409, 'job-not-ended'])
  const answer = await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' })
  assert.deepEqual([answer.status, (await getJob(url, id)).state], [200, 'cancelled'])
  const late = await fetch(`${url}/v1/jobs/${id}/outputs/stdout`)
  assert.deepEqual([late.status, await codeOf(late)], [404, 'output-not-found'])
})

test('what the guest does is done, what it is refused for is failed', async () => {
  const timedOut = await submit(url, 'spin', spin(200))
  const exited = await submit(url, 'exit_code')
  const done = await waitFor(url, timedOut.id, 'done')
  assert.deepEqual([done.report?.outcome, done.report?.reason], ['limited', 'limit-wall-time'])
  assert.notEqual((await waitFor(url, exited.id, 'done')).report?.exitCode, 0)
  const refused = await submit(url, new Uint8Array(100))
  const job = await waitFor(url, refused.id, 'failed')
  assert.deepEqual([job.problem?.code, job.problem?.status], ['program-refused', 422])
  assert.deepEqual([job.report, job.outputs], [null, []])
})

test('a graph: its outputs and its report, and it has no program of its own', async () => {
  const form = new FormData()
  const nodes = [
    {
      name: 'a',
      program: 'part:relay',
      channels: [
        { alias: '/dev/stdin', source: 'part:text' },
        { alias: '/dev/stdout', sink: 'node:b/stdin' },
      ],
    },
    {
      name: 'b',
      program: 'part:relay',
      channels: [{ alias: '/dev/stdout', sink: 'response:out' }],
    },
  ]
  form.append('manifest', new Blob([JSON.stringify({ nodes })], { type: 'application/json' }))
  form.append('relay', new Blob([new Uint8Array(await readGuest('relay'))]))
  form.append('text', new Blob(['through two programs']))
  const headers = { prefer: 'respond-async' }
  const answer = await fetch(`${url}/v1/jobs`, { method: 'POST', body: form, headers })
  const accepted = (await answer.json()) as { id: string; program: null }
  assert.deepEqual([answer.status, accepted.program], [202, null])
  const job = await waitFor(url, accepted.id, 'done')
  const out = job.outputs.find(({ name }) => name === 'out')
  assert.equal(await (await fetch(url + out?.url)).text(), 'through two programs')
})

test('of tenants, each sees its own jobs only', async () => {
  const many = await startServer({ ZVM_TENANT_HEADER: 'x-tenant' })
  const as = (tenant: string) => ({ headers: { 'x-tenant': tenant } })
  const headers = { prefer: 'respond-async', 'x-tenant': 'red' }
  const answer = await postForm(many.url, 'hello', {}, {}, headers)
  const path = `${many.url}/v1/jobs/${((await answer.json()) as { id: string }).id}`
  assert.equal((await fetch(path, as('red'))).status, 200)
  const listOf = async (tenant: string) =>
    ((await (await fetch(`${many.url}/v1/jobs`, as(tenant))).json()) as { jobs: [] }).jobs.length
  assert.deepEqual([await listOf('red'), await listOf('blue')], [1, 0])
  for (const call of ['', '/outputs/stdout', '/events']) {
    assert.equal((await fetch(path + call, as('blue'))).status, 404)
  }
  assert.equal((await fetch(path, { method: 'DELETE', ...as('blue') })).status, 404)
  await many.settle()
})

test('a request that is wrong is refused at once, whatever it prefers', async () => {
  const answer = await postForm(url, 'hello', { colour: 1 })
  assert.deepEqual([answer.status, await codeOf(answer)], [400, 'unknown-field'])
  const unknown = await postForm(url, 'hello', { program: `sha256:${'0'.repeat(64)}` })
  assert.equal(unknown.status, 400)
})

test('many jobs wait their turn; a waiting one is cancelled before it ran', async () => {
  const blocking = await Promise.all([1, 2, 3].map(() => submit(url, 'spin', spin(60_000))))
  const last = await submit(url, 'hello')
  assert.equal((await getJob(url, last.id)).state, 'queued')
  await fetch(`${url}/v1/jobs/${last.id}`, { method: 'DELETE' })
  const job = await getJob(url, last.id)
  assert.deepEqual([job.state, job.startedAt], ['cancelled', null])
  // Removed, for the third may not have begun, and nobody waits a minute.
  for (const { id } of blocking) await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' })
})

test('events: every state once, resumed after the last one, ended with the job', async () => {
  const { id } = await submit(url, 'spin', spin(300))
  const events = await readEvents(url, id)
  assert.deepEqual(
    events.map(({ state }) => state),
    ['queued', 'running', 'done'],
  )
  assert.deepEqual(
    events.map((event) => event.id),
    ['1', '2', '3'],
  )
  assert.deepEqual(await readEvents(url, id, '1'), events.slice(1))
  assert.deepEqual(await readEvents(url, id, '3'), [])
  const wrong = await fetch(`${url}/v1/jobs/${id}/events`, { headers: { 'last-event-id': 'x' } })
  assert.equal(wrong.status, 400)
})

test('events: HEAD is no listener', async () => {
  const { id } = await submit(url, 'hello')
  assert.equal((await fetch(`${url}/v1/jobs/${id}/events`, { method: 'HEAD' })).status, 405)
  assert.equal(server.app.asyncJobs.listeners, 0)
})

test('events: a heartbeat, and room for a bounded number of listeners', async () => {
  const { id } = await submit(url, 'spin', spin(1000))
  const answer = await fetch(`${url}/v1/jobs/${id}/events`)
  const text = await answer.text()
  // Some twenty; a busy machine makes fewer of them.
  assert.ok(text.split(': heartbeat\n').length > 2)
  assert.equal(parseEvents(text).at(-1)?.state, 'done')
  const small = await startServer({ ZVM_EVENT_LISTENERS_MAX: '1' })
  const job = await submit(small.url, 'spin', spin(60_000))
  const gone = new AbortController()
  const path = `${small.url}/v1/jobs/${job.id}/events`
  const first = await fetch(path, { signal: gone.signal })
  assert.equal(first.status, 200)
  const second = await fetch(path)
  assert.deepEqual([second.status, await codeOf(second)], [503, 'listeners-full'])
  gone.abort()
  await first.text().catch(() => undefined)
  const until = Date.now() + 10_000
  while (small.app.asyncJobs.listeners > 0) {
    assert.ok(Date.now() < until)
    await sleep(5)
  }
  const deleted = fetch(`${small.url}/v1/jobs/${job.id}`, { method: 'DELETE' })
  assert.equal((await readEvents(small.url, job.id)).at(-1)?.state, 'cancelled')
  assert.equal((await deleted).status, 200)
  await small.settle()
})

test('pages: newest first, by state', async () => {
  const page = async (query: string) =>
    (await (await fetch(`${url}/v1/jobs?${query}`)).json()) as {
      jobs: { id: string; state: string }[]
      next: string | null
    }
  const all = (await page('limit=1000')).jobs
  assert.ok(all.length > 5)
  const seen: string[] = []
  let next: string | null = ''
  while (next !== null) {
    const { jobs, next: more }: Awaited<ReturnType<typeof page>> = await page(
      next === '' ? 'limit=3' : `limit=3&after=${next}`,
    )
    seen.push(...jobs.map(({ id }) => id))
    next = more
  }
  assert.deepEqual(
    seen,
    all.map(({ id }) => id),
  )
  const failed = (await page('state=failed')).jobs
  assert.ok(failed.length > 0 && failed.every(({ state }) => state === 'failed'))
  for (const query of ['limit=0', 'limit=x', 'state=x', 'after=-1']) {
    assert.equal((await fetch(`${url}/v1/jobs?${query}`)).status, 400, query)
  }
  for (const id of ['x', '00000000-0000-4000-8000-000000000000']) {
    assert.equal((await fetch(`${url}/v1/jobs/${id}`)).status, 404)
  }
})

test('bounds: jobs, waiting jobs, uploads, parts, outputs, time', async () => {
  const cases: readonly [Record<string, string>, number][] = [
    [{ ZVM_ASYNC_JOBS_MAX: '1' }, 1],
    [{ ZVM_ASYNC_QUEUE_MAX: '1' }, 1],
    [{ ZVM_ASYNC_INPUT_BYTES_MAX: '300000' }, 1],
    [{ ZVM_ASYNC_PARTS_MAX: '1' }, 1],
  ]
  for (const [env, room] of cases) {
    const small = await startServer(env)
    const jobs = await Promise.all(
      Array.from({ length: room }, () => submit(small.url, 'spin', spin(60_000))),
    )
    const refused = await postForm(small.url, 'spin', spin(60_000))
    assert.equal(refused.headers.get('retry-after'), '5')
    assert.deepEqual([refused.status, await codeOf(refused)], [503, 'jobs-full'], String(env))
    for (const { id } of jobs) {
      await fetch(`${small.url}/v1/jobs/${id}`, { method: 'DELETE' })
    }
    await small.settle()
  }
})

test('an upload that does not tell its size takes room as it comes', async () => {
  const small = await startServer({ ZVM_ASYNC_INPUT_BYTES_MAX: '400000' })
  const post = async (inputBytes: number) => {
    const { head, body } = await rawJob('hello', {}, 'Prefer: respond-async\r\n', inputBytes)
    const socket = await openSocket(small.port)
    const told = /Content-Length: [0-9]+/
    socket.write(head.toString().replace(told, 'Transfer-Encoding: chunked\r\nConnection: close'))
    socket.write(`${body.length.toString(16)}\r\n`)
    socket.write(body)
    socket.write('\r\n0\r\n\r\n')
    return readAll(socket)
  }
  assert.match(await post(10), /^HTTP\/1\.1 202 /)
  const { inputBytes } = small.app.asyncJobs.places
  assert.ok(inputBytes < 400_000, 'not what a request may have at most')
  const refused = await post(500_000)
  assert.match(refused, /^HTTP\/1\.1 503 .*"code":"jobs-full"/s)
  await small.settle()
})

test('an output above its limit: failed, and nothing of it is kept', async () => {
  const small = await startServer({ ZVM_ASYNC_OUTPUT_BYTES_MAX: '5' })
  const { id } = await submit(small.url, 'hello')
  const job = await waitFor(small.url, id, 'failed')
  assert.deepEqual([job.problem?.code, job.outputs], ['limit-exceeded', []])
  assert.equal((await fetch(`${small.url}/v1/jobs/${id}/outputs/stdout`)).status, 404)
  await small.settle()
})

test('an ended job is removed after its time', async () => {
  const small = await startServer({ ZVM_ASYNC_RETENTION_MS: '200' })
  const { id } = await submit(small.url, 'hello')
  await waitFor(small.url, id, 'done')
  const until = Date.now() + 5000
  while ((await fetch(`${small.url}/v1/jobs/${id}`)).status !== 404) {
    assert.ok(Date.now() < until)
    await sleep(20)
  }
  await small.settle()
})
