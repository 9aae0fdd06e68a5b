// A thousand mixed jobs, and workers that are killed at random: a slice of `npm run soak`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runMix } from './mix.ts'
import { startServer } from './server.ts'

for (const reuse of ['tenant', 'session']) {
  test(`mixed jobs, reuse ${reuse}: all accounted for, nothing left`, async (context) => {
    const server = await startServer({ ZVM_WORKER_REUSE: reuse, ZVM_UPLOAD_IDLE_MS: '30000' })
    context.after(() => server.settle())
    const jobs = reuse === 'tenant' ? 1000 : 200
    const seed = Date.now() % 1_000_000
    const mix = { url: server.url, pid: process.pid, jobs, jobsPerKill: 10, concurrency: 32, seed }
    const { counts, kills } = await runMix(mix)
    const told = [...counts.values()].reduce((sum, count) => sum + count, 0)
    assert.equal(told, jobs, `seed ${seed}`)
    assert.ok((counts.get('killed') ?? 0) <= kills, `seed ${seed}`)
    assert.ok((counts.get('hello') ?? 0) > jobs / 2)
    const pool = server.app.sessions.workers
    assert.ok(pool.reused === 0 || reuse === 'tenant')
  })
}

test('a worker that is killed while it waits costs nobody anything', async () => {
  const server = await startServer({ ZVM_CONCURRENCY_MAX: '1' })
  for (let round = 0; round < 5; ++round) {
    for (const { pid } of server.app.sessions.workers.idle()) process.kill(pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 150))
    const mix = { url: server.url, pid: undefined, jobs: 1, concurrency: 1, seed: 0 }
    const { counts } = await runMix(mix)
    assert.equal(counts.get('killed'), undefined)
  }
  assert.ok(server.app.sessions.workers.died >= 5)
  await server.settle()
})
