// Graphs without links over real HTTP: few workers take many nodes, small ones many in a frame, and
// nobody can tell from the answer.
import assert from 'node:assert/strict'
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
  validator: z.string(),
  profile: z.string().nullable(),
  groups: z.array(z.object({ group: z.string(), nodes: z.number(), succeeded: z.number() })),
  nodes: z.array(
    z.object({ node: z.string(), outcome: z.string(), reason: z.string().nullable() }),
  ),
  objects: z.array(z.object({ bucket: z.string(), key: z.string(), sizeBytes: z.number() })),
})

class Client {
  readonly server: Server
  readonly #programs = new Map<string, string>()

  constructor(server: Server) {
    this.server = server
  }

  async put(guest: string): Promise<string> {
    const known = this.#programs.get(guest)
    if (known !== undefined) return known
    const body = new Uint8Array(await readGuest(guest))
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = await fetch(`${this.server.url}/v1/programs`, { method: 'PUT', body, headers })
    const { program } = z.object({ program: z.string() }).parse(await answer.json())
    this.#programs.set(guest, program)
    return program
  }

  post(nodes: readonly Node[], inputs: Readonly<Record<string, string>> = {}, init = {}) {
    const form = new FormData()
    form.append('manifest', new Blob([JSON.stringify({ nodes })], { type: 'application/json' }))
    for (const [name, text] of Object.entries(inputs)) form.append(name, new Blob([text]))
    return fetch(`${this.server.url}/v1/jobs`, { method: 'POST', body: form, ...init })
  }

  async run(nodes: readonly Node[], inputs: Readonly<Record<string, string>> = {}) {
    const answer = await this.post(nodes, inputs)
    if (answer.status !== 200) assert.fail(await answer.text())
    const parts = await partsOf(answer)
    const text = parts.get('report') ?? ''
    return { parts, text, report: reportSchema.parse(JSON.parse(text)) }
  }
}

const stdin = (source: string) => ({ alias: '/dev/stdin', source })
const stdout = (sink: string) => ({ alias: '/dev/stdout', sink })

let client: Client
before(async () => {
  client = new Client(await startServer({ ZVM_GRAPH_MEMORY_BYTES_MAX: '200000' }))
})
after(() => client.server.settle())

describe('many small nodes', () => {
  it('ten thousand of them in one request; the report stays small', async () => {
    const program = await client.put('hello')
    const { parts, text, report } = await client.run([{ name: 'h', program, count: 10_000 }])
    assert.equal(report.outcome, 'exited')
    assert.equal(report.exitCode, 0)
    assert.equal(report.validator, 'ok')
    assert.deepEqual(report.groups, [{ group: 'h', nodes: 10_000, succeeded: 10_000 }])
    assert.deepEqual(report.nodes, [])
    assert.ok(text.length < 10_000, `${text.length} bytes`)
    for (const at of [1, 77, 9_999, 10_000]) {
      assert.equal(parts.get(`h-${at}.stdout`), 'hello world\n')
      assert.equal(parts.get(`h-${at}.stderr`), '')
    }
  })

  it('a few have a report each, in order', async () => {
    const program = await client.put('hello')
    const { report } = await client.run([{ name: 'h', program, count: 200 }])
    const names = report.nodes.map(({ node }) => node)
    assert.deepEqual(
      names,
      Array.from({ length: 200 }, (_, at) => `h-${at + 1}`),
    )
    assert.ok(report.nodes.every(({ outcome }) => outcome === 'exited'))
  })

  it('inputs: a small part for all, a large one, objects; outputs beyond the memory', async () => {
    const program = await client.put('relay')
    const large = 'large '.repeat(20_000)
    const small = 'small '.repeat(1_000)
    const keys = Array.from({ length: 40 }, (_, at) => `k${100 + at}`)
    for (const key of keys) {
      const url = `${client.server.url}/v1/objects/loose/${key}`
      await fetch(url, { method: 'PUT', body: key.repeat(500) })
    }
    const { parts, report } = await client.run(
      [
        { name: 'small', program, count: 60, channels: [stdin('part:small')] },
        { name: 'large', program, count: 3, channels: [stdin('part:large')] },
        {
          name: 'object',
          program,
          channels: [stdin('file:loose/k*'), stdout('file:copied/*.txt')],
        },
      ],
      { small, large },
    )
    assert.equal(report.outcome, 'exited')
    for (let at = 1; at <= 60; at++) assert.equal(parts.get(`small-${at}.stdout`), small)
    for (let at = 1; at <= 3; at++) assert.equal(parts.get(`large-${at}.stdout`), large)
    assert.equal(report.objects.length, 40)
    const copy = await fetch(`${client.server.url}/v1/objects/copied/117.txt`)
    assert.equal(await copy.text(), 'k117'.repeat(500))
  })

  it('of two programs take turns', async () => {
    const [hello, relay] = [await client.put('hello'), await client.put('relay')]
    const groups = Array.from({ length: 20 }, (_, at) => ({
      name: `g${at}`,
      program: at % 2 === 0 ? hello : relay,
      count: 5,
      channels: at % 2 === 0 ? [] : [stdin('part:in')],
    }))
    const { parts, report } = await client.run(groups, { in: 'told' })
    assert.equal(report.outcome, 'exited')
    assert.equal(parts.get('g2-5.stdout'), 'hello world\n')
    assert.equal(parts.get('g19-1.stdout'), 'told')
  })
})

describe('the end of one', () => {
  it('is the end of all: a time limit among thousands', async () => {
    const [hello, spin] = [await client.put('hello'), await client.put('spin')]
    const { report, text } = await client.run([
      { name: 'a', program: hello, count: 2_000 },
      { name: 'slow', program: spin, timeoutMs: 200 },
      { name: 'b', program: hello, count: 3_000, channels: [stdout('file:never/*')] },
    ])
    assert.equal(report.outcome, 'limited')
    assert.equal(report.failedNode, 'slow')
    assert.equal(report.exitCode, null)
    assert.deepEqual(report.objects, [])
    assert.ok(report.nodes.length <= 1_000 && report.nodes.length > 0)
    assert.ok(report.nodes.every(({ outcome }) => outcome !== 'exited'))
    assert.ok(text.length <= 2 ** 20, `${text.length} bytes`)
    const never = await fetch(`${client.server.url}/v1/objects/never/b-1`)
    assert.equal(never.status, 404)
  })

  it('another exit code than 0: all run, nothing becomes visible', async () => {
    const [hello, code] = [await client.put('hello'), await client.put('exit_code')]
    const { report } = await client.run([
      { name: 'a', program: hello, count: 20, channels: [stdout('file:never/*')] },
      { name: 'bad', program: code },
    ])
    assert.equal(report.outcome, 'exited')
    assert.notEqual(report.exitCode, 0)
    assert.deepEqual(report.objects, [])
  })

  it('a worker that is killed', async () => {
    const spin = await client.put('spin')
    const running = client.run([{ name: 's', program: spin, count: 4, timeoutMs: 9_000 }])
    const { sessions } = client.server.app
    while (sessions.workers.busy < 2) await sleep(10)
    const [pid] = sessions.workers.busyPids
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
    const { report } = await running
    assert.equal(report.outcome, 'failed')
    assert.equal(report.reason, 'worker-died')
    assert.match(report.failedNode ?? '', /^s-[12]$/)
  })

  it('a client that goes away', async () => {
    const spin = await client.put('spin')
    const abort = new AbortController()
    const node = { name: 's', program: spin, count: 100, timeoutMs: 9_000 }
    const answer = client.post([node], {}, { signal: abort.signal })
    const { sessions } = client.server.app
    while (sessions.workers.busy < 2) await sleep(10)
    abort.abort()
    await assert.rejects(answer)
    while (sessions.workers.busy > 0) await sleep(10)
  })
})

describe('when every session has a process of its own', () => {
  it('the answer is the same', async () => {
    const other = new Client(await startServer({ ZVM_WORKER_REUSE: 'session' }))
    const program = await other.put('hello')
    const { parts, report } = await other.run([{ name: 'h', program, count: 30 }])
    assert.equal(report.groups[0]?.succeeded, 30)
    assert.equal(parts.get('h-30.stdout'), 'hello world\n')
    await other.server.settle()
  })
})
