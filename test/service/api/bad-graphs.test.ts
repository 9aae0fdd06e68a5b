// Malformed graphs over HTTP: each is answered with its documented code and place before any of its
// nodes starts.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { problemTable } from '../../../service/http/problem.ts'
import { type Node, node, out, refused, stored, unplanned } from '../job/bad-graphs.ts'
import { readGuest, type Server, startServer } from './server.ts'

const problemSchema = z.looseObject({
  type: z.string(),
  code: z.string(),
  pointer: z.string().optional(),
})
const unknown = `sha256:${'0'.repeat(64)}`
const source = (url: string) => ({ channels: [{ alias: '/dev/x', source: url }] })
/** Found when everything is looked up: no place in the manifest, or a part. */
const missing: readonly [string, string, Node[]][] = [
  [
    'a program that is not stored',
    'program-not-found',
    [node('a'), node('b', { program: unknown })],
  ],
  ['the first program', 'program-not-found', [node('b', { program: unknown }), node('a')]],
  ['an object', 'object-not-found', [node('a', source('file:texts/none'))]],
  ['an object of no bucket', 'object-not-found', [node('a', source('file:none/none'))]],
  ['a blob', 'blob-not-found', [node('a', source(unknown))]],
  ['a part', 'part-missing', [node('a', source('part:none'))]],
  ['a part that a later node reads', 'part-missing', [node('a'), node('b', source('part:none'))]],
  ['the part of an image', 'part-missing', [node('a', { image: 'part:none' })]],
]
const cases: readonly [string, string, string | undefined, unknown][] = [
  ...refused,
  ...unplanned.map(([what, code, pointer, nodes]) => [what, code, pointer, { nodes }] as const),
  ...missing.map(([what, code, nodes]) => [what, code, undefined, { nodes }] as const),
].map(([what, code, pointer, manifest]) => [what, code, pointer, manifest])

let server: Server
let program: Uint8Array<ArrayBuffer>
before(async () => {
  program = new Uint8Array(await readGuest('hello'))
  server = await startServer({
    ZVM_MEMORY_BYTES_MAX: '1000',
    ZVM_TIMEOUT_MS_MAX: '1000',
    ZVM_NODES_MAX: '40',
    ZVM_NODES_LINKED_MAX: '40',
    ZVM_LINKS_MAX: '500',
  })
  for (const [bucket, keys] of Object.entries(stored)) {
    for (const key of keys) {
      await fetch(`${server.url}/v1/objects/${bucket}/${key}`, { method: 'PUT', body: key })
    }
  }
})
after(() => server.settle())

function post(manifest: unknown): Promise<Response> {
  const form = new FormData()
  form.append('manifest', new Blob([JSON.stringify(manifest)], { type: 'application/json' }))
  form.append('program', new Blob([program]))
  return fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
}

test('there are at least a hundred of them', () => assert.ok(cases.length >= 100))

for (const [what, code, pointer, manifest] of cases) {
  test(`${what}: ${code}`, async () => {
    const answer = await post(manifest)
    const text = await answer.text()
    const problem = problemSchema.parse(JSON.parse(text))
    assert.deepEqual([problem.code, problem.pointer], [code, pointer], text)
    assert.equal(answer.status, problemTable[code as keyof typeof problemTable][0])
    assert.equal(problem.type, `/problems/${code}`)
  })
}

test('none of them has started anything', async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  assert.doesNotMatch(metrics, /^zvm_jobs_total\{/m)
  assert.equal(server.app.sessions.workers.busy, 0)
  // A good one does, and is counted.
  const good = await post({ nodes: [node('a', { channels: out('response:x') })] })
  assert.equal(good.status, 200)
  await good.text()
  const after = await (await fetch(`${server.url}/metrics`)).text()
  assert.match(after, /^zvm_jobs_total\{/m)
})
