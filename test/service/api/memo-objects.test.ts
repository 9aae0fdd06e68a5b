// Kept results of graphs, of jobs over stored objects, and what is left of them after a restart or
// kill -9.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { postForm } from './async-calls.ts'
import { partsOf } from './multipart.ts'
import { readGuest, type Server, startServer } from './server.ts'
import { type Spawned, spawnService } from './spawned.ts'

let server: Server
before(async () => {
  server = await startServer()
})
after(() => server.settle())

async function post(manifest: object, program: Uint8Array<ArrayBuffer>, on = server.url) {
  const form = new FormData()
  form.append('manifest', new Blob([JSON.stringify(manifest)], { type: 'application/json' }))
  form.append('relay', new Blob([program]))
  const answer = await fetch(`${on}/v1/jobs`, { method: 'POST', body: form })
  if (answer.status !== 200) assert.fail(await answer.text())
  const parts = await partsOf(answer)
  return { parts, cache: JSON.parse(parts.get('report') ?? '').cache as string }
}
const putObject = async (path: string, body: string) => {
  const answer = await fetch(`${server.url}/v1/objects/${path}`, { method: 'PUT', body })
  await answer.arrayBuffer()
}
const relay = new Uint8Array(await readGuest('relay'))
const from = (source: string) => ({ alias: '/dev/stdin', source })
const into = (sink: string) => ({ alias: '/dev/stdout', sink })
const node = (name: string, ...channels: object[]) => ({ name, program: 'part:relay', channels })

describe('graphs', () => {
  it('a graph over objects is the same while the objects are', async () => {
    const nodes = [
      node('map', from('file:texts/*.txt'), into('node:red/in-*')),
      { ...node('red', { alias: '/dev/stdin', source: 'null:' }) },
    ]
    const graph = { nodes, cache: 'read-write' }
    await putObject('texts/a.txt', 'one')
    assert.equal((await post(graph, relay)).cache, 'miss')
    assert.equal((await post(graph, relay)).cache, 'hit')
    await putObject('texts/a.txt', 'two')
    assert.equal((await post(graph, relay)).cache, 'miss')
    await putObject('texts/b.txt', 'more')
    assert.equal((await post(graph, relay)).cache, 'miss')
    await putObject('texts/a.txt', 'one')
    await fetch(`${server.url}/v1/objects/texts/b.txt`, { method: 'DELETE' })
    assert.equal((await post(graph, relay)).cache, 'hit')
    await fetch(`${server.url}/v1/objects/texts/a.txt`, { method: 'DELETE' })
    const form = new FormData()
    form.append('manifest', new Blob([JSON.stringify(graph)], { type: 'application/json' }))
    form.append('relay', new Blob([relay]))
    const gone = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
    assert.equal(gone.status, 422)
    await gone.arrayBuffer()
  })

  it('outputs come back under the names of their nodes', async () => {
    await putObject('texts/x', 'from the store')
    const graph = (name: string) => ({
      nodes: [
        node('first', from('file:texts/x'), into('node:last/stdin')),
        node('last', into(name)),
      ],
      cache: 'read-write',
    })
    const first = await post(graph('response:a'), relay)
    const second = await post(graph('response:b'), relay)
    assert.deepEqual([first.cache, second.cache], ['miss', 'hit'])
    assert.equal(first.parts.get('a'), 'from the store')
    assert.equal(second.parts.get('b'), 'from the store')
    const other = await post(
      {
        ...graph('response:a'),
        nodes: [
          node('eerste', from('file:texts/x'), into('node:last/stdin')),
          node('last', into('response:a')),
        ],
      },
      relay,
    )
    assert.equal(other.cache, 'miss', 'nodes know their names')
  })

  it('an object that changes while the job waits: what it read is not kept', async () => {
    const on = await startServer({ ZVM_CONCURRENCY_MAX: '1' })
    try {
      const put = (body: string) => fetch(`${on.url}/v1/objects/texts/z`, { method: 'PUT', body })
      const graph = {
        nodes: [node('only', from('file:texts/z'), into('response:out'))],
        cache: 'read-write',
      }
      await (await put('old')).arrayBuffer()
      const blocker = postForm(on.url, 'spin', { timeoutMs: 700 }, {}, {})
      while (on.app.scheduler.running === 0) await sleep(2)
      const waiting = post(graph, relay, on.url)
      while (on.app.scheduler.waiting === 0) await sleep(2)
      await (await put('new')).arrayBuffer()
      assert.equal((await waiting).parts.get('out'), 'new')
      await (await put('old')).arrayBuffer()
      const after = await post(graph, relay, on.url)
      assert.deepEqual([after.cache, after.parts.get('out')], ['miss', 'old'])
      await (await blocker).arrayBuffer()
    } finally {
      await on.settle()
    }
  })

  it('a graph that writes objects always runs', async () => {
    await putObject('texts/y', 'written')
    const graph = {
      nodes: [node('only', from('file:texts/y'), into('file:made/y'))],
      cache: 'read-write',
    }
    for (let i = 0; i < 2; i++) {
      assert.equal((await post(graph, relay)).cache, 'bypass')
      const made = `${server.url}/v1/objects/made/y`
      assert.equal(await (await fetch(made)).text(), 'written')
      await fetch(made, { method: 'DELETE' })
    }
  })
})

describe('after an end', () => {
  const manifest = {
    cache: 'read-write',
    channels: [{ alias: '/dev/stdin', source: 'part:input' }],
  }
  const mark = async ({ url }: Spawned, input: string) => {
    const answer = await postForm(url, 'relay', manifest, { input }, {})
    const parts = await partsOf(answer)
    assert.equal(parts.get('stdout'), input)
    return answer.headers.get('zvm-cache')
  }
  const large = 'x'.repeat(500_000)

  it('results are there; half a one, a foreign one, or a broken table is none', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'zvm-memo-'))
    const files = join(dataDir, 'memo/files')
    try {
      const first = await spawnService(dataDir)
      for (const input of ['small', large]) assert.equal(await mark(first, input), 'miss')
      assert.equal(await mark(first, 'small'), 'hit')
      assert.equal(await first.end('SIGTERM'), 0)

      const second = await spawnService(dataDir)
      for (const input of ['small', large]) assert.equal(await mark(second, input), 'hit')
      assert.equal(await second.end('SIGKILL'), null)
      for (const file of await readdir(files)) await truncate(join(files, file), 100)
      await writeFile(join(files, 'torn'), 'half')

      const third = await spawnService(dataDir)
      assert.ok(!(await readdir(files)).includes('torn'))
      for (const input of ['small', large]) assert.equal(await mark(third, input), 'miss')
      // Kept behind the answer: the next one waits for it.
      for (const input of ['small', large]) assert.equal(await mark(third, input), 'hit')
      assert.equal(await third.end('SIGTERM'), 0)

      const lowered = await spawnService(dataDir, { ZVM_MEMO_ENTRIES_MAX: '1' })
      assert.equal((await readdir(files)).length, 1)
      assert.equal(await lowered.end('SIGTERM'), 0)
      await writeFile(join(dataDir, 'memo/names.sqlite'), 'no database')
      const fourth = await spawnService(dataDir)
      assert.equal(await mark(fourth, 'small'), 'miss')
      assert.equal(await fourth.end('SIGTERM'), 0)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })
})
