// Jobs of many nodes over real HTTP: bytes through links, objects in and out, and how one node's
// end is everybody's.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { partsOf } from './multipart.ts'
import { readGuest, type Server, startServer } from './server.ts'

type Node = Readonly<Record<string, unknown>>
const reportSchema = z.object({
  outcome: z.string(),
  exitCode: z.number().nullable(),
  reason: z.string().nullable(),
  failedNode: z.string().nullable(),
  nodes: z.array(
    z.object({
      node: z.string(),
      outcome: z.string(),
      channels: z.array(z.object({ alias: z.string(), etag: z.string().nullable() })),
    }),
  ),
  links: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      links: z.number(),
      writtenBytes: z.number(),
      readBytes: z.number(),
    }),
  ),
  objects: z.array(z.object({ bucket: z.string(), key: z.string(), sizeBytes: z.number() })),
})
type Report = z.infer<typeof reportSchema>

let server: Server
before(async () => {
  server = await startServer({ ZVM_NODES_MAX: '40', ZVM_NODES_RUNNING_MAX: '60' })
  await put('relay')
})
after(() => server.settle())

const programs = new Map<string, string>()
/** The digest of a guest in assembly, stored once. */
async function put(guest: string): Promise<string> {
  const known = programs.get(guest)
  if (known !== undefined) return known
  const body = new Uint8Array(await readGuest(guest))
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await fetch(`${server.url}/v1/programs`, { method: 'PUT', body, headers })
  const { program } = z.object({ program: z.string() }).parse(await answer.json())
  programs.set(guest, program)
  return program
}
const relay = (name: string, more: Node = {}): Node => {
  return { name, program: programs.get('relay'), ...more }
}
const into = (sink: string, more: Node = {}) => ({ alias: '/dev/stdout', sink, ...more })
const from = (source: string, more: Node = {}) => ({ alias: '/dev/stdin', source, ...more })

function post(nodes: readonly Node[], inputs: Readonly<Record<string, string>> = {}) {
  const form = new FormData()
  form.append('manifest', new Blob([JSON.stringify({ nodes })], { type: 'application/json' }))
  for (const [name, text] of Object.entries(inputs)) form.append(name, new Blob([text]))
  return fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
}

async function run(nodes: readonly Node[], inputs: Readonly<Record<string, string>> = {}) {
  const answer = await post(nodes, inputs)
  if (answer.status !== 200) assert.fail(await answer.text())
  const parts = await partsOf(answer)
  const report = reportSchema.parse(JSON.parse(parts.get('report') ?? ''))
  return { parts, report }
}
const outcomes = ({ nodes }: Report) => nodes.map(({ outcome }) => outcome)
const putObject = (path: string, body: string) =>
  fetch(`${server.url}/v1/objects/${path}`, { method: 'PUT', body })
const getObject = async (path: string) => {
  const answer = await fetch(`${server.url}/v1/objects/${path}`)
  return answer.status === 200 ? await answer.text() : answer.status
}

/** The child that has used most processor time. */
async function busiestWorker(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  const times = await Promise.all(
    children
      .trim()
      .split(' ')
      .map(async (pid) => {
        const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')
        return { pid: Number(pid), ticks: Number(fields?.[11]) }
      }),
  )
  return times.reduce((most, each) => (each.ticks > most.ticks ? each : most)).pid
}

const megabytes = Array.from({ length: 400_000 }, (_, index) => index).join(' ')

describe('links', () => {
  it('carry bytes through a chain, with the same digest at both ends', async () => {
    const tagged = { etag: true }
    const { parts, report } = await run(
      [
        relay('a', { channels: [from('part:text'), into('node:b/stdin', tagged)] }),
        relay('b', { channels: [into('node:c/stdin')] }),
        relay('c', { channels: [into('response:out', tagged)] }),
      ],
      { text: megabytes },
    )
    assert.ok(parts.get('out') === megabytes)
    assert.deepEqual(outcomes(report), ['exited', 'exited', 'exited'])
    const etagOf = (node: number, alias: string) =>
      report.nodes[node]?.channels.find((channel) => channel.alias === alias)?.etag
    assert.ok(etagOf(0, '/dev/stdout') !== undefined)
    assert.equal(etagOf(0, '/dev/stdout'), etagOf(1, '/dev/stdin'))
    assert.equal(etagOf(0, '/dev/stdout'), etagOf(2, '/dev/stdout'))
    const moved = { links: 1, writtenBytes: megabytes.length, readBytes: megabytes.length }
    assert.deepEqual(report.links, [
      { from: 'a', to: 'b', ...moved },
      { from: 'b', to: 'c', ...moved },
    ])
  })

  for (const width of [1, 2, 3, 9]) {
    it(`fan out to ${width}`, async () => {
      const { parts } = await run(
        [
          relay('src', { channels: [from('part:text'), into('node:dst/stdin')] }),
          relay('dst', { count: width, channels: [into('response:out.*')] }),
        ],
        { text: megabytes },
      )
      const outs = [...parts].filter(([name]) => name.startsWith('out.'))
      assert.equal(outs.length, width)
      for (const [, bytes] of outs) assert.ok(bytes === megabytes)
    })
  }

  it('a reader that has heard enough does not make its writer fail', async () => {
    const wait = await put('wait_input')
    const { report } = await run(
      [
        relay('src', { channels: [from('part:text'), into('node:one/stdin')] }),
        { name: 'one', program: wait },
      ],
      { text: megabytes },
    )
    assert.deepEqual(outcomes(report), ['exited', 'exited'])
    assert.equal(report.exitCode, '0'.charCodeAt(0))
  })

  it('are the same for many small graphs at once', async () => {
    const texts = Array.from({ length: 30 }, (_, index) => `graph ${index}`)
    const runs = texts.map((text) =>
      run(
        [
          relay('a', { channels: [from('part:text'), into('node:b/stdin')] }),
          relay('b', { channels: [into('response:out')] }),
        ],
        { text },
      ),
    )
    const all = await Promise.all(runs)
    assert.deepEqual(
      all.map(({ parts }) => parts.get('out')),
      texts,
    )
  })
})

describe('one node ends the graph', () => {
  it('that passes its time limit', async () => {
    const spin = await put('spin')
    const began = performance.now()
    const { report } = await run([
      { name: 'busy', program: spin, timeoutMs: 300, channels: [into('node:last/stdin')] },
      relay('last', { channels: [into('response:out')] }),
    ])
    assert.equal(report.outcome, 'limited')
    assert.equal(report.failedNode, 'busy')
    assert.equal(report.reason, 'limit-wall-time')
    assert.ok(performance.now() - began < 3000)
  })

  it('whose worker is killed: at once, and nothing is committed', async () => {
    const spin = await put('spin')
    const answer = post([
      { name: 'busy', program: spin, channels: [into('node:last/stdin')] },
      relay('last', { channels: [into('file:killed/out')] }),
    ])
    await sleep(300)
    const began = performance.now()
    process.kill(await busiestWorker(), 'SIGKILL')
    const parts = await partsOf(await answer)
    const tookMs = performance.now() - began
    const report = reportSchema.parse(JSON.parse(parts.get('report') ?? ''))
    assert.equal(report.outcome, 'failed')
    assert.equal(report.reason, 'worker-died')
    assert.ok(tookMs < 1000, `${tookMs} ms`)
    assert.equal(await getObject('killed/out'), 404)
  })

  it('whose client goes away', async () => {
    const spin = await put('spin')
    const gone = new AbortController()
    const form = new FormData()
    const nodes = [relay('a', { channels: [into('node:b/stdin')] }), { name: 'b', program: spin }]
    form.append('manifest', new Blob([JSON.stringify({ nodes })], { type: 'application/json' }))
    const init = { method: 'POST', body: form, signal: gone.signal }
    setTimeout(() => gone.abort(), 200)
    await assert.rejects(fetch(`${server.url}/v1/jobs`, init))
  })
})

describe('objects', () => {
  it('are read where they are, one node each, and written together', async () => {
    for (const name of ['a', 'b', 'c']) await putObject(`in/${name}.txt`, `text of ${name}`)
    const { report } = await run([
      relay('copy', { channels: [from('file:in/*.txt'), into('file:out/*.copy')] }),
    ])
    assert.deepEqual(
      report.objects.map(({ key }) => key),
      ['a.copy', 'b.copy', 'c.copy'],
    )
    assert.equal(await getObject('out/b.copy'), 'text of b')
  })

  it('are not written when a node exits with another code than 0', async () => {
    const exit = await put('exit_code')
    const { report } = await run([
      relay('good', { channels: [into('file:none/good')] }),
      { name: 'bad', program: exit },
    ])
    assert.equal(report.outcome, 'exited')
    assert.notEqual(report.exitCode, 0)
    assert.deepEqual(report.objects, [])
    assert.equal(await getObject('none/good'), 404)
  })

  it('that are missing are a problem before anything starts', async () => {
    const missing = await post([relay('a', { channels: [from('file:in/none')] })])
    assert.equal(missing.status, 404)
    const none = await post([relay('a', { channels: [from('file:in/*.none')] })])
    assert.equal(none.status, 422)
    const unstored = await post([{ name: 'a', program: `sha256:${'0'.repeat(64)}` }])
    assert.equal(unstored.status, 404)
  })

  it('are for a manifest of one node as well', async () => {
    await putObject('in/lone.txt', 'one node')
    const send = async (manifest: Node) => {
      const form = new FormData()
      const text = JSON.stringify({ program: programs.get('relay'), ...manifest })
      form.append('manifest', new Blob([text], { type: 'application/json' }))
      return fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
    }
    const read = await partsOf(await send({ channels: [from('file:in/lone.txt')] }))
    assert.equal(read.get('stdout'), 'one node')
    const written = await send({ channels: [from('file:in/lone.txt'), into('file:out/lone')] })
    assert.equal((await partsOf(written)).get('stderr'), '')
    assert.equal(await getObject('out/lone'), 'one node')
    const codeOf = async (manifest: Node) => {
      const { code, pointer } = (await (await send(manifest)).json()) as Record<string, unknown>
      return [code, pointer]
    }
    const missing = await codeOf({ channels: [from('file:in/none')] })
    assert.deepEqual(missing, ['object-not-found', undefined])
    const wild = await codeOf({ channels: [from('file:in/*.none')] })
    assert.deepEqual(wild, ['wildcard-empty', '/channels/0/source'])
    const host = await codeOf({ channels: [from('file:///etc/passwd')] })
    assert.deepEqual(host, ['source-host-path', '/channels/0/source'])
    const bad = await codeOf({ channels: [from('file:in/lone.txt'), into('http://x')] })
    assert.deepEqual(bad, ['source-scheme', '/channels/1/sink'])
  })

  it('written at random arrive whole', async () => {
    const hello = await put('hello')
    const { report } = await run([
      { name: 'a', program: hello, channels: [into('file:out/random', { access: 'random' })] },
    ])
    assert.equal(report.objects[0]?.sizeBytes, 12)
    assert.equal(await getObject('out/random'), 'hello world\n')
  })
})

it('a graph that needs more nodes than may run is refused', async () => {
  const answer = await post([relay('a', { count: 41 })])
  assert.equal(answer.status, 422)
  assert.equal(z.object({ code: z.string() }).parse(await answer.json()).code, 'nodes-above-limit')
})
