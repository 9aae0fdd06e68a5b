// POST /v1/jobs and PUT /v1/programs against real sandboxes.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readGuest, type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  server = await startServer()
})
after(() => server.settle())

const json = (value: unknown) => new Blob([JSON.stringify(value)], { type: 'application/json' })

async function makeForm(guest: string, manifest: object = {}): Promise<FormData> {
  const form = new FormData()
  form.append('manifest', json({ program: 'part:program', ...manifest }))
  form.append('program', new Blob([new Uint8Array(await readGuest(guest))]))
  return form
}

async function post(body: FormData, headers: Record<string, string> = {}, signal?: AbortSignal) {
  const init = { method: 'POST', body, headers, ...(signal === undefined ? {} : { signal }) }
  return fetch(`${server.url}/v1/jobs`, init)
}

async function partsOf(answer: Response): Promise<Map<string, string>> {
  const boundary = /boundary="(.+)"/.exec(answer.headers.get('content-type') ?? '')?.[1]
  const text = await answer.text()
  assert.ok(text.endsWith(`--${boundary}--\r\n`), 'the body is complete')
  return new Map(
    text
      .split(`--${boundary}`)
      .slice(1, -1)
      .map((part) => {
        const [head = '', ...body] = part.split('\r\n\r\n')
        const name = /name="([^"]+)"/.exec(head)?.[1] ?? ''
        return [name, body.join('\r\n\r\n').replace(/\r\n$/, '')]
      }),
  )
}

test('hello: channels first, report last', async () => {
  const answer = await post(await makeForm('hello'))
  assert.equal(answer.status, 200)
  const parts = await partsOf(answer)
  assert.equal(parts.get('stdout'), 'hello world\n')
  assert.equal([...parts.keys()].at(-1), 'report')
  const report = JSON.parse(parts.get('report') ?? '')
  assert.deepEqual([report.outcome, report.exitCode, report.validator], ['exited', 0, 'ok'])
  assert.match(report.program, /^sha256:[0-9a-f]{64}$/)
})

test('the classic manifest runs the same program', async () => {
  const form = new FormData()
  const text =
    'Version = 20130611\nProgram = part:program\nMemory = 33554432, 0\nTimeout = 5\n' +
    'Channel = response:out, /dev/stdout, 2, 1, 0, 0, 10, 100\n'
  form.append('manifest', new Blob([text], { type: 'text/plain' }))
  form.append('program', new Blob([new Uint8Array(await readGuest('hello'))]))
  const parts = await partsOf(await post(form))
  assert.equal(parts.get('out'), 'hello world\n')
})

test('a tar answer has the same parts; a raw one has the report in its trailer', async () => {
  const tar = await post(await makeForm('hello'), { accept: 'application/x-tar' })
  assert.equal(tar.headers.get('content-type'), 'application/x-tar')
  const text = await tar.text()
  assert.match(text, /hello world/)
  assert.match(text, /report\.json/)
  const channels = [{ alias: '/dev/stderr', sink: 'null:' }]
  const form = await makeForm('hello', { channels })
  const raw = await post(form, { accept: 'application/octet-stream' })
  assert.equal(raw.headers.get('trailer')?.toLowerCase(), 'zvm-report')
  assert.equal(await raw.text(), 'hello world\n')
})

test('the exit code of the guest is in the report', async () => {
  const parts = await partsOf(await post(await makeForm('exit_code')))
  const report = JSON.parse(parts.get('report') ?? '')
  assert.equal(report.outcome, 'exited')
  assert.notEqual(report.exitCode, 0)
})

test('a guest that spins ends at its deadline', async () => {
  const parts = await partsOf(await post(await makeForm('spin', { timeoutMs: 400 })))
  const report = JSON.parse(parts.get('report') ?? '')
  assert.deepEqual([report.outcome, report.reason], ['limited', 'limit-wall-time'])
})

test('a client that goes takes its session with it within 100 ms', async () => {
  const gone = new AbortController()
  const answer = post(await makeForm('spin', { timeoutMs: 9000 }), {}, gone.signal)
  await sleep(300)
  gone.abort()
  await assert.rejects(answer)
  await sleep(100)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  assert.match(metrics, /^zvm_jobs_running 0$/m)
})

test('a stored program runs by its digest', async () => {
  const body = new Uint8Array(await readGuest('hello'))
  const headers = { 'content-type': 'application/octet-stream' }
  const put = await fetch(`${server.url}/v1/programs`, { method: 'PUT', body, headers })
  assert.equal(put.status, 201)
  const { program } = (await put.json()) as { program: string }
  assert.equal((await fetch(`${server.url}/v1/programs/${program}`)).status, 200)
  const form = new FormData()
  form.append('manifest', json({ program }))
  const parts = await partsOf(await post(form))
  assert.equal(parts.get('stdout'), 'hello world\n')
})

test('a program that the validator refuses: 422 with offset and rule', async () => {
  const nexe = new Uint8Array(await readGuest('hello'))
  // A system call in the second instruction bundle; the text lies at 0x10000 in the file.
  nexe.set([0x0f, 0x05], 0x1_0020)
  const headers = { 'content-type': 'application/octet-stream' }
  const put = await fetch(`${server.url}/v1/programs`, { method: 'PUT', body: nexe, headers })
  assert.equal(put.status, 422)
  const problem = (await put.json()) as Record<string, unknown>
  assert.equal(problem.code, 'program-refused')
  assert.equal(typeof problem.offset, 'number')
  assert.equal(typeof problem.rule, 'string')
})
