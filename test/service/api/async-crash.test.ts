// kill -9 of a real service at every stage of asynchronous jobs, then a restart on the same
// folder: what was done is still there, what was not is `interrupted`, nothing half-written is
// served, and no file is left that no job has.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getJob, type JobView, readEvents, submit, waitFor } from './async-calls.ts'
import { readGuest } from './server.ts'
import { spawnService } from './spawned.ts'

const env = { ZVM_CONCURRENCY_MAX: '2', ZVM_WORKERS_SPARE: '1' }

/** All jobs of the service, however many pages they take: a fast machine accepts hundreds. */
async function listOf(url: string): Promise<JobView[]> {
  const jobs: JobView[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page = await fetch(`${url}/v1/jobs?limit=100${after && `&after=${after}`}`)
    const body = (await page.json()) as { jobs: JobView[]; next: string | null }
    jobs.push(...body.jobs)
    after = body.next
  }
  return jobs
}

test('kill -9: done stays, running and waiting are interrupted, orphans go', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-crash-'))
  const first = await spawnService(dataDir, env)
  const done = await submit(first.url, 'hello')
  await waitFor(first.url, done.id, 'done')
  const running = await submit(first.url, 'spin', { timeoutMs: 60_000 })
  const other = await submit(first.url, 'spin', { timeoutMs: 60_000 })
  await waitFor(first.url, running.id, 'running')
  await waitFor(first.url, other.id, 'running')
  const waiting = await submit(first.url, 'hello')
  const outputs = join(dataDir, 'jobs/outputs/files')
  // A job runs a moment before its outputs are there.
  const until = Date.now() + 10_000
  while ((await readdir(outputs)).length < 6 && Date.now() < until) await sleep(5)
  assert.equal(await first.end('SIGKILL'), null)
  assert.equal((await readdir(outputs)).length, 6, 'two whole outputs, four half-written')
  await writeFile(join(outputs, 'torn'), 'half')
  await writeFile(join(dataDir, 'scratch/.scratch-of-the-killed'), 'half')

  const second = await spawnService(dataDir, env)
  const { url } = second
  assert.equal((await readdir(outputs)).length, 2)
  assert.deepEqual(await readdir(join(dataDir, 'scratch')), [])
  const kept = await getJob(url, done.id)
  assert.equal(kept.state, 'done')
  assert.equal(await (await fetch(`${url}${kept.outputs[0]?.url}`)).text(), 'hello world\n')
  for (const { id } of [running, other, waiting]) {
    const job = await getJob(url, id)
    assert.deepEqual([job.state, job.report, job.outputs], ['interrupted', null, []])
    assert.equal((await fetch(`${url}/v1/jobs/${id}/outputs/stdout`)).status, 404)
    assert.equal((await readEvents(url, id, '1')).at(-1)?.state, 'interrupted')
  }
  assert.equal((await listOf(url)).length, 4)
  for (const { id } of await listOf(url)) {
    assert.equal((await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' })).status, 204)
  }
  assert.deepEqual(await readdir(outputs), [])
  assert.equal((await submit(url, 'hello')).state, 'queued')
  assert.equal(await second.end('SIGTERM'), 0)
  await rm(dataDir, { recursive: true })
})

test('kill -9 at random moments: no job is lost, none is half done', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-crash-'))
  const accepted = new Set<string>()
  const nexe = new Uint8Array(await readGuest('hello'))
  for (let round = 0; round < 3; round++) {
    const service = await spawnService(dataDir, env)
    const client = async () => {
      for (;;) {
        const job = await submit(service.url, nexe).catch(() => undefined)
        if (job === undefined) return
        accepted.add(job.id)
      }
    }
    const clients = [client(), client(), client()]
    await sleep(100 + round * 70)
    await service.end('SIGKILL')
    await Promise.all(clients)
  }
  const last = await spawnService(dataDir, env)
  const jobs = (await listOf(last.url)).map(({ id }) => id)
  for (const id of accepted) assert.ok(jobs.includes(id), 'what was accepted is known')
  let outputCount = 0
  for (const id of jobs) {
    const job = await getJob(last.url, id)
    assert.ok(job.state === 'done' || job.state === 'interrupted', job.state)
    outputCount += job.outputs.length
    for (const { name, url } of job.outputs) {
      const text = await (await fetch(last.url + url)).text()
      assert.equal(text, name === 'stdout' ? 'hello world\n' : '')
    }
  }
  assert.equal((await readdir(join(dataDir, 'jobs/outputs/files'))).length, outputCount)
  assert.deepEqual(await readdir(join(dataDir, 'scratch')), [])
  await last.end('SIGTERM')
  await rm(dataDir, { recursive: true })
})

test('SIGTERM: the running job is done, the waiting one is interrupted', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-crash-'))
  const first = await spawnService(dataDir, { ...env, ZVM_CONCURRENCY_MAX: '1' })
  // Long enough for the other one to be accepted meanwhile, however busy the machine is.
  const running = await submit(first.url, 'spin', { timeoutMs: 2500 })
  await waitFor(first.url, running.id, 'running')
  const waiting = await submit(first.url, 'hello')
  assert.equal(await first.end('SIGTERM'), 0)
  const second = await spawnService(dataDir, env)
  assert.equal((await getJob(second.url, running.id)).report?.reason, 'limit-wall-time')
  assert.equal((await getJob(second.url, waiting.id)).state, 'interrupted')
  await second.end('SIGKILL')
  await rm(dataDir, { recursive: true })
})
