// A node's worker dies at any moment: the graph ends at once with the right cause, commits nothing
// and leaves nothing behind. KILLS=1000 by hand; a few in every run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { partsOf } from './multipart.ts'
import { readGuest, startServer } from './server.ts'

const kills = Number(process.env.KILLS ?? 20)
/** From the death of a worker to the end of the answer; generous, because tests run beside. */
const endMsMax = Number(process.env.KILL_MS_MAX ?? 1000)
const nodeSchema = z.object({
  node: z.string(),
  outcome: z.string(),
  reason: z.string().nullable(),
})
const reportSchema = z.object({
  outcome: z.string(),
  reason: z.string().nullable(),
  failedNode: z.string().nullable(),
  nodes: z.array(nodeSchema),
  objects: z.array(z.unknown()),
})

test(`${kills} workers of graphs are killed at random moments`, async (context) => {
  const server = await startServer()
  const headers = { 'content-type': 'application/octet-stream' }
  const program = async (guest: string) => {
    const body = new Uint8Array(await readGuest(guest))
    const init = { method: 'PUT', body, headers }
    const answer = await fetch(`${server.url}/v1/programs`, init)
    return z.object({ program: z.string() }).parse(await answer.json()).program
  }
  const relay = await program('relay')
  const spin = await program('spin')
  const nodes = [
    { name: 'spin', program: spin, channels: [{ alias: '/dev/stdout', sink: 'node:a/stdin' }] },
    { name: 'a', program: relay, channels: [{ alias: '/dev/stdout', sink: 'node:b/stdin' }] },
    { name: 'b', program: relay, channels: [{ alias: '/dev/stdout', sink: 'file:out/kill' }] },
  ]
  let seed = 1
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const tookMs: number[] = []
  for (let kill = 0; kill < kills; kill += 1) {
    const form = new FormData()
    form.append('manifest', new Blob([JSON.stringify({ nodes })], { type: 'application/json' }))
    const answering = fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
    let pids: number[] = []
    while (pids.length < nodes.length) {
      await sleep(1)
      pids = server.app.sessions.workers.busyPids
    }
    await sleep(random(30))
    const began = performance.now()
    process.kill(pids[random(pids.length)] ?? 0, 'SIGKILL')
    const parts = await partsOf(await answering)
    tookMs.push(performance.now() - began)
    const report = reportSchema.parse(JSON.parse(parts.get('report') ?? ''))
    assert.equal(report.outcome, 'failed')
    assert.equal(report.reason, 'worker-died')
    assert.deepEqual(report.objects, [])
    const lost = report.nodes.filter(({ reason }) => reason === 'worker-died')
    assert.deepEqual(
      lost.map(({ node }) => node),
      [report.failedNode],
    )
  }
  tookMs.sort((a, b) => a - b)
  const most = tookMs.at(-1) ?? 0
  const median = tookMs[tookMs.length >> 1] ?? 0
  context.diagnostic(
    `from death to the end: median ${median.toFixed(1)}, most ${most.toFixed(1)} ms`,
  )
  assert.ok(most < endMsMax)
  const object = await fetch(`${server.url}/v1/objects/out/kill`)
  assert.equal(object.status, 404)
  await server.settle()
})
