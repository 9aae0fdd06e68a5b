// Which worker a task gets: real processes, whose programs are only said to be mapped.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadNative } from '../../../service/native.ts'
import type { Worker } from '../../../service/run/worker.ts'
import { WorkerPool } from '../../../service/run/worker-pool.ts'

const nativeDir = join(import.meta.dirname, '../../../native/build')
const tenant = 'a'

async function withPool(idleMax: number, use: (pool: WorkerPool) => Promise<void>) {
  const options = {
    path: join(nativeDir, 'zvm-worker'),
    role: 'session',
    startMsMax: 10_000,
    tasksMax: 0,
    reuse: 'tenant',
    spare: 1,
    idleMax,
    workersMax: idleMax + 4,
  } as const
  const pool = new WorkerPool(loadNative(nativeDir), options, (error) => assert.fail(error))
  try {
    await pool.open()
    await use(pool)
  } finally {
    await pool.close()
  }
}

/** A worker that has run `program`, still lent. */
async function used(pool: WorkerPool, program: string): Promise<Worker> {
  const worker = await pool.take({ tenant, program })
  worker.tasksDone = 1
  worker.mapped = program
  return worker
}

test('a task meets the worker that has its program, the last one used first', async () => {
  await withPool(8, async (pool) => {
    const [p, q, p2] = [await used(pool, 'p'), await used(pool, 'q'), await used(pool, 'p')]
    for (const worker of [p2, q, p]) pool.giveBack(worker)
    const before = pool.affinityHits
    assert.equal(await pool.take({ tenant, program: 'p' }), p)
    assert.equal(await pool.take({ tenant, program: 'q' }), q)
    assert.equal(await pool.take({ tenant, program: 'p' }), p2)
    assert.equal(pool.affinityHits - before, 3)
    for (const worker of [p, q, p2]) pool.giveBack(worker)
  })
})

test('a program that no worker has takes the one that has waited longest', async () => {
  await withPool(8, async (pool) => {
    const [p, q] = [await used(pool, 'p'), await used(pool, 'q')]
    pool.giveBack(q)
    pool.giveBack(p)
    const misses = pool.affinityMisses
    assert.equal(await pool.take({ tenant, program: 'r' }), q)
    assert.equal(pool.affinityMisses, misses + 1)
    pool.giveBack(q)
  })
})

test('above the bound the one that has waited longest ends', async () => {
  await withPool(3, async (pool) => {
    const workers: Worker[] = []
    for (const program of ['p', 'q', 'r', 's']) workers.push(await used(pool, program))
    for (const worker of workers) pool.giveBack(worker)
    const [oldest, ...others] = workers
    for (let i = 0; i < 500 && oldest?.state !== 'ended'; i++) await sleep(10)
    assert.equal(oldest?.state, 'ended')
    assert.equal(others.at(-1)?.state, 'idle')
    assert.equal(await pool.take({ tenant, program: 's' }), others.at(-1))
  })
})

test('another tenant never gets a used one', async () => {
  await withPool(8, async (pool) => {
    const worker = await used(pool, 'p')
    pool.giveBack(worker)
    const other = await pool.take({ tenant: 'b', program: 'p' })
    assert.notEqual(other, worker)
    assert.ok(other.isFresh)
    pool.giveBack(other)
  })
})
