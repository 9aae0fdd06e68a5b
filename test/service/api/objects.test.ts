// /v1/objects over real HTTP: names, headers, ranges, and what a broken upload leaves.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Server, startServer } from './server.ts'

const page = z.object({
  objects: z.array(z.object({ key: z.string() })),
  next: z.string().nullable(),
})
let server: Server
before(async () => {
  server = await startServer()
})
after(() => server.settle())

const at = (path: string) => `${server.url}/v1/objects/${path}`
const put = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(at(path), { method: 'PUT', body, headers })

test('an object comes back with its bytes, type, metadata and etag', async () => {
  const stored = await put('b/dir/data.json', '{"a":1}', {
    'content-type': 'application/json',
    'zvm-meta-colour': 'red',
  })
  assert.equal(stored.status, 201)
  const answer = await fetch(at('b/dir/data.json'))
  assert.equal(await answer.text(), '{"a":1}')
  assert.equal(answer.headers.get('content-type'), 'application/json')
  assert.equal(answer.headers.get('zvm-meta-colour'), 'red')
  assert.equal(answer.headers.get('etag'), stored.headers.get('etag'))
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  const head = await fetch(at('b/dir/data.json'), { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), '7')
})

test('keys are any text: slashes, blanks, percent signs, dots, a thousand bytes', async () => {
  for (const key of ['a/../b', 'x y', '100%', 'ü/ß', '/lead', 'k'.repeat(1024)]) {
    const path = `names/${key.split('/').map(encodeURIComponent).join('%2F')}`
    assert.equal((await put(path, key)).status, 201, key)
    assert.equal(await (await fetch(at(path))).text(), key)
  }
  assert.equal((await put(`names/${'k'.repeat(1025)}`, '')).status, 400)
})

test('pages follow each other by `next`', async () => {
  for (const key of ['p/1', 'p/2', 'p/3', 'q']) await put(`pages/${key}`, key)
  const seen: string[] = []
  let after: string | null = ''
  while (after !== null) {
    const query = new URLSearchParams({ prefix: 'p/', limit: '2', after })
    const { objects, next } = page.parse(await (await fetch(at(`pages?${query}`))).json())
    seen.push(...objects.map(({ key }) => key))
    after = next
  }
  assert.deepEqual(seen, ['p/1', 'p/2', 'p/3'])
})

test('ranges: one is served, several give the whole, a stale If-Range too', async () => {
  await put('r/k', '0123456789')
  const get = async (headers: Record<string, string>) => {
    const answer = await fetch(at('r/k'), { headers })
    return [answer.status, await answer.text()]
  }
  assert.deepEqual(await get({ range: 'bytes=2-4' }), [206, '234'])
  assert.deepEqual(await get({ range: 'bytes=-3' }), [206, '789'])
  assert.deepEqual(await get({ range: 'bytes=8-100' }), [206, '89'])
  assert.deepEqual(await get({ range: 'bytes=0-1,4-5' }), [200, '0123456789'])
  assert.deepEqual(await get({ range: 'lines=1-2' }), [200, '0123456789'])
  assert.deepEqual(await get({ range: 'bytes=2-4', 'if-range': '"old"' }), [200, '0123456789'])
})

test('an upload that breaks off leaves the old object and no bytes', async () => {
  await put('broken/k', 'old')
  await new Promise<void>((resolve) => {
    const headers = { 'content-length': '1000' }
    const upload = request(at('broken/k'), { method: 'PUT', headers })
    upload.on('error', () => resolve())
    upload.write('half')
    setTimeout(() => upload.destroy(), 50)
  })
  await sleep(50)
  assert.equal(await (await fetch(at('broken/k'))).text(), 'old')
})

test('one of many concurrent creators wins', async () => {
  const tries = Array.from({ length: 20 }, (_, index) =>
    put('race/k', String(index), { 'if-none-match': '*' }),
  )
  const statuses = (await Promise.all(tries)).map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 201).length, 1)
  assert.equal(statuses.filter((status) => status === 412).length, 19)
})
