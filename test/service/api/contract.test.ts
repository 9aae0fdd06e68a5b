// openapi.yaml against the running service: every operation exists, gives only documented
// statuses, and JSON bodies have the members that their schema requires. Every problem code has
// its page.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { problemTable } from '../../../service/http/problem.ts'
import { objectCalls } from './object-calls.ts'
import { readGuest, type Server, startServer } from './server.ts'

const operation = z.object({
  operationId: z.string(),
  responses: z.record(z.string(), z.unknown()),
})
const document = z.object({
  openapi: z.string().startsWith('3.1'),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), z.object({ required: z.array(z.string()).optional() })),
  }),
})
const file = join(import.meta.dirname, '../../../openapi.yaml')
const contract = document.parse(parse(await readFile(file, 'utf8')))
const nexe = new Uint8Array(await readGuest('hello'))

let server: Server
before(async () => {
  server = await startServer({ ZVM_OBJECT_BYTES_MAX: '4096', ZVM_STORE_BYTES_MAX: '4000' })
})
after(() => server.settle())

const octets = { 'content-type': 'application/octet-stream' }
const tar = { 'content-type': 'application/x-tar' }
const text = { 'content-type': 'text/plain' }
const unknown = `sha256:${'0'.repeat(64)}`
const jobForm = (program: string, body?: Uint8Array<ArrayBuffer>) => {
  const form = new FormData()
  const manifest = JSON.stringify({ program })
  form.append('manifest', new Blob([manifest], { type: 'application/json' }))
  if (body !== undefined) form.append('program', new Blob([body]))
  return form
}

type Call = readonly [method: string, path: string, template: string, init: RequestInit]
const calls: readonly [number, Call][] = [
  [200, ['post', '/v1/jobs', '/v1/jobs', { body: jobForm('part:program', nexe) }]],
  [400, ['post', '/v1/jobs', '/v1/jobs', { body: new Uint8Array(1024), headers: tar }]],
  [404, ['post', '/v1/jobs', '/v1/jobs', { body: jobForm(unknown) }]],
  [406, ['post', '/v1/jobs', '/v1/jobs', { body: 'x', headers: { ...tar, accept: 'image/png' } }]],
  [415, ['post', '/v1/jobs', '/v1/jobs', { body: 'x', headers: text }]],
  [422, ['post', '/v1/jobs', '/v1/jobs', { body: jobForm('part:program', nexe.slice(0, 9)) }]],
  [201, ['put', '/v1/programs', '/v1/programs', { body: nexe, headers: octets }]],
  [422, ['put', '/v1/programs', '/v1/programs', { body: 'x', headers: octets }]],
  [400, ['get', '/v1/programs/x', '/v1/programs/{digest}', {}]],
  [404, ['get', `/v1/programs/${unknown}`, '/v1/programs/{digest}', {}]],
  [200, ['get', '/v1/limits', '/v1/limits', {}]],
  [200, ['get', '/healthz', '/healthz', {}]],
  [200, ['get', '/readyz', '/readyz', {}]],
  [200, ['get', '/metrics', '/metrics', {}]],
  [200, ['get', '/problems/not-found', '/problems/{code}', {}]],
  [404, ['get', '/problems/none', '/problems/{code}', {}]],
  [200, ['get', '/v1/jobs', '/v1/jobs', {}]],
  [404, ['get', '/v1/jobs/x', '/v1/jobs/{id}', {}]],
  [404, ['delete', '/v1/jobs/x', '/v1/jobs/{id}', {}]],
  [404, ['get', '/v1/jobs/x/outputs/y', '/v1/jobs/{id}/outputs/{name}', {}]],
  [404, ['get', '/v1/jobs/x/events', '/v1/jobs/{id}/events', {}]],
  ...objectCalls,
]

for (const [status, [method, path, template, init]] of calls) {
  test(`${method} ${template}: ${status} is documented and given`, async () => {
    const responses = contract.paths[template]?.[method]?.responses
    assert.ok(responses !== undefined && String(status) in responses)
    const answer = await fetch(server.url + path, { ...init, method: method.toUpperCase() })
    const body = await answer.text()
    assert.equal(answer.status, status, body)
    const schema = status >= 400 ? 'Problem' : schemaOf(responses[String(status)])
    if (schema === undefined) return
    const members = Object.keys(z.record(z.string(), z.unknown()).parse(JSON.parse(body)))
    for (const name of contract.components.schemas[schema]?.required ?? []) {
      assert.ok(members.includes(name), `${schema}.${name}`)
    }
  })
}

/** The component that a JSON answer is described by. */
function schemaOf(response: unknown): string | undefined {
  const described = z.object({
    content: z.object({ 'application/json': z.object({ schema: z.object({ $ref: z.string() }) }) }),
  })
  const parsed = described.safeParse(response)
  return parsed.data?.content['application/json'].schema.$ref.split('/').at(-1)
}

test('every operation of the contract is called above', () => {
  const called = new Set(calls.map(([, [method, , template]]) => `${method} ${template}`))
  for (const [template, operations] of Object.entries(contract.paths)) {
    for (const method of Object.keys(operations)) assert.ok(called.has(`${method} ${template}`))
  }
})

test('every problem code has a page, and openapi.json is the contract', async () => {
  for (const code of Object.keys(problemTable)) {
    assert.equal((await fetch(`${server.url}/problems/${code}`)).status, 200, code)
  }
  const served = await (await fetch(`${server.url}/openapi.json`)).json()
  assert.equal(document.parse(served).openapi, contract.openapi)
})
