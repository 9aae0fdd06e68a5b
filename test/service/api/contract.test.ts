// Every operation of openapi.yaml with every status that it promises, against the running service;
// each answer is judged by the document.

// Before the service is loaded.
import './full-disk.ts'

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { problemTable } from '../../../service/http/problem.ts'
import { submit, waitFor } from './async-calls.ts'
import { readContract } from './contract.ts'
import { fillDisk } from './full-disk.ts'
import { objectCalls } from './object-calls.ts'
import { readGuest, type Server, startServer } from './server.ts'

const contract = await readContract()
const nexe = new Uint8Array(await readGuest('hello'))

/** usual; one that is drained; one with limits that are met at once; one whose disk is full. */
const environments = {
  usual: {
    ZVM_OBJECT_BYTES_MAX: '4096',
    ZVM_STORE_BYTES_MAX: '4000',
    ZVM_TENANT_HEADER: 'x-tenant',
  },
  drained: {},
  tight: {
    ZVM_UPLOAD_IDLE_MS: '150',
    ZVM_REQUEST_BYTES_MAX: '100000',
    ZVM_PROGRAM_BYTES_MAX: '1000',
    ZVM_EVENT_LISTENERS_MAX: '0',
  },
  full: { ZVM_UPLOAD_MEMORY_BYTES_MAX: '0' },
} as const
type Where = keyof typeof environments
const servers = new Map<Where, Server>()
/** Jobs of the usual server, and one of the tight one. */
const ids = { done: '', running: '', queued: '', tight: '' }

before(async () => {
  for (const [where, env] of Object.entries(environments)) {
    servers.set(where as Where, await startServer(env))
  }
  const { url } = serverOf('usual')
  serverOf('drained').app.scheduler.drain()
  ids.done = (await submit(url, 'hello')).id
  ids.running = (await submit(url, 'spin', { timeoutMs: 60_000 })).id
  await waitFor(url, ids.done, 'done')
  await waitFor(url, ids.running, 'running')
  // Its program is refused, before or after it is asked for.
  ids.tight = (await submit(serverOf('tight').url, new Uint8Array(100))).id
})
after(async () => {
  for (const server of servers.values()) await server.settle()
})

function serverOf(where: Where): Server {
  const server = servers.get(where)
  assert.ok(server)
  return server
}

const octets = { 'content-type': 'application/octet-stream' }
const tar = { 'content-type': 'application/x-tar' }
const async = { prefer: 'respond-async' }
const unknown = `sha256:${'0'.repeat(64)}`
const nobody = '00000000-0000-4000-8000-000000000000'
const badTenant = { headers: { 'x-tenant': '?' } }

function jobForm(program: string, body?: Uint8Array<ArrayBuffer>): FormData {
  const form = new FormData()
  const manifest = JSON.stringify({ program })
  form.append('manifest', new Blob([manifest], { type: 'application/json' }))
  if (body !== undefined) form.append('program', new Blob([body]))
  return form
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A body that begins and does not go on. */
function stalled(headers: Record<string, string>): RequestInit {
  const body = new ReadableStream({ start: (sink) => sink.enqueue(new Uint8Array(10)) })
  return { body, headers, duplex: 'half' } as RequestInit
}

type Call = readonly [
  status: number,
  method: string,
  /** `{id}` is filled in from `ids`. */
  path: string,
  template: string,
  init?: RequestInit,
  where?: Where,
]
const jobs = '/v1/jobs'
const job = '/v1/jobs/{id}'
const output = '/v1/jobs/{id}/outputs/{name}'
const events = '/v1/jobs/{id}/events'
const graph = '/v1/jobs/{id}/graph'
const programs = '/v1/programs'
const program = '/v1/programs/{digest}'
const form = () => ({ body: jobForm('part:program', nexe) })
const formType = { 'content-type': 'multipart/form-data; boundary=B' }

const calls: readonly Call[] = [
  [200, 'post', jobs, jobs, form()],
  [200, 'post', jobs, jobs, { ...form(), headers: { accept: 'application/x-tar' } }],
  [202, 'post', jobs, jobs, { ...form(), headers: async }],
  [400, 'post', jobs, jobs, { body: new Uint8Array(1024), headers: tar }],
  [404, 'post', jobs, jobs, { body: jobForm(unknown) }],
  [404, 'post', jobs, jobs, { body: jobForm(unknown), headers: async }],
  [406, 'post', jobs, jobs, { body: 'x', headers: { ...tar, accept: 'image/png' } }],
  [408, 'post', jobs, jobs, stalled(formType), 'tight'],
  [408, 'post', jobs, jobs, stalled(tar), 'tight'],
  [413, 'post', jobs, jobs, form(), 'tight'],
  [415, 'post', jobs, jobs, { body: 'x', headers: { 'content-type': 'text/plain' } }],
  [422, 'post', jobs, jobs, { body: jobForm('part:program', nexe.slice(0, 9)) }],
  [503, 'post', jobs, jobs, form(), 'drained'],
  [507, 'post', jobs, jobs, form(), 'full'],
  [507, 'post', jobs, jobs, { ...form(), headers: async }, 'full'],
  [200, 'get', jobs, jobs],
  [400, 'get', `${jobs}?state=x`, jobs],
  [200, 'get', '/v1/jobs/{done}', job],
  [200, 'get', '/v1/jobs/{running}', job],
  [400, 'get', '/v1/jobs/{done}', job, badTenant],
  [404, 'get', `/v1/jobs/${nobody}`, job],
  [200, 'get', '/v1/jobs/{done}/outputs/stdout', output],
  [206, 'get', '/v1/jobs/{done}/outputs/stdout', output, { headers: { range: 'bytes=1-2' } }],
  [304, 'get', '/v1/jobs/{done}/outputs/stdout', output, { headers: { 'if-none-match': '*' } }],
  [400, 'get', '/v1/jobs/{done}/outputs/stdout', output, badTenant],
  [404, 'get', '/v1/jobs/{done}/outputs/none', output],
  [409, 'get', '/v1/jobs/{running}/outputs/stdout', output],
  [416, 'get', '/v1/jobs/{done}/outputs/stdout', output, { headers: { range: 'bytes=99-' } }],
  [200, 'get', '/v1/jobs/{done}/graph', graph],
  [200, 'get', '/v1/jobs/{running}/graph', graph],
  [400, 'get', '/v1/jobs/{done}/graph', graph, badTenant],
  [404, 'get', `/v1/jobs/${nobody}/graph`, graph],
  [200, 'get', '/v1/jobs/{done}/events', events],
  [400, 'get', '/v1/jobs/{done}/events', events, { headers: { 'last-event-id': 'x' } }],
  [404, 'get', `/v1/jobs/${nobody}/events`, events],
  [503, 'get', '/v1/jobs/{tight}/events', events, {}, 'tight'],
  [400, 'delete', '/v1/jobs/{running}', job, badTenant],
  [200, 'delete', '/v1/jobs/{running}', job],
  [204, 'delete', '/v1/jobs/{done}', job],
  [404, 'delete', '/v1/jobs/{done}', job],
  [201, 'put', programs, programs, { body: nexe, headers: octets }],
  [400, 'put', programs, programs, {}],
  [408, 'put', programs, programs, stalled(octets), 'tight'],
  [413, 'put', programs, programs, { body: nexe, headers: octets }, 'tight'],
  [422, 'put', programs, programs, { body: 'x', headers: octets }],
  [503, 'put', programs, programs, { body: nexe, headers: octets }, 'drained'],
  [507, 'put', programs, programs, { body: nexe, headers: octets }, 'full'],
  [200, 'get', `/v1/programs/${digestOf(nexe)}`, program],
  [400, 'get', '/v1/programs/x', program],
  [404, 'get', `/v1/programs/${unknown}`, program],
  [200, 'get', '/v1/limits', '/v1/limits'],
  [200, 'get', '/v1/manifest.schema.json', '/v1/manifest.schema.json'],
  [200, 'get', '/healthz', '/healthz'],
  [200, 'get', '/readyz', '/readyz'],
  [503, 'get', '/readyz', '/readyz', {}, 'drained'],
  [200, 'get', '/metrics', '/metrics'],
  [200, 'get', '/openapi.json', '/openapi.json'],
  [200, 'get', '/docs', '/docs'],
  [200, 'get', '/problems/', '/problems/'],
  [200, 'get', '/problems/not-found', '/problems/{code}'],
  [404, 'get', '/problems/none', '/problems/{code}'],
  ...objectCalls.map(([status, [method, path, template, init]]): Call => {
    return [status, method, path, template, init]
  }),
  [408, 'put', '/v1/objects/b/k', '/v1/objects/{bucket}/{key}', stalled(octets), 'tight'],
]

for (const [status, method, path, template, init, where = 'usual'] of calls) {
  test(`${method} ${template}: ${status}, ${where} (${path})`, async () => {
    const filled = path.replace(/\{(\w+)\}/, (_all, name) => ids[name as keyof typeof ids])
    const call = () =>
      fetch(serverOf(where).url + filled, { ...init, method: method.toUpperCase() })
    const answer = await (where === 'full' ? fillDisk(call) : call())
    assert.equal(answer.status, status, await answer.clone().text())
    await contract.check(method, template, answer)
  })
}

test('every promise of the document is called above', () => {
  const kept = new Set(
    calls.map(([status, method, , template]) => `${method} ${template}: ${status}`),
  )
  assert.deepEqual(
    contract.promises.filter((promise) => !kept.has(promise)),
    [],
  )
})

test('every problem code has a page, and openapi.json is the contract', async () => {
  const { url } = serverOf('usual')
  for (const [code, [, title]] of Object.entries(problemTable)) {
    const page = await fetch(`${url}/problems/${code}`)
    const text = await page.text()
    assert.equal(page.status, 200, code)
    assert.ok(text.includes(title) && text.includes('What to do:'), code)
  }
  const served = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string }
  assert.equal(served.openapi, contract.version)
})

test('the page /docs needs nothing from elsewhere', async () => {
  const { url } = serverOf('usual')
  const page = await (await fetch(`${url}/docs`)).text()
  const sources = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source)
  assert.ok(sources.length > 2)
  for (const source of sources) {
    assert.ok(!/^(https?:)?\/\//.test(source), source)
    const answer = await fetch(new URL(source, `${url}/docs/`))
    assert.equal(answer.status, 200, source)
    await answer.arrayBuffer()
  }
})
