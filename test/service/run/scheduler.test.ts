// Slots are given in turn to both kinds of jobs when both wait, and to whoever waits otherwise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scheduler } from '../../../service/run/scheduler.ts'

const limits = { concurrencyMax: 1, queueMax: 10, queueWaitMs: 60_000 }
const { signal } = new AbortController()

test('jobs of both kinds get slots in turn, however many wait', async () => {
  const scheduler = new Scheduler(limits)
  const blocking = scheduler.admit()
  await blocking.acquire(signal)
  const order: string[] = []
  const runSync = async (name: string) => {
    const place = scheduler.admit()
    await place.acquire(signal)
    order.push(name)
    place.release()
  }
  const runAsync = async (count: number) => {
    for (let at = 1; at <= count; at++) {
      const place = scheduler.admitAsync()
      await place.acquire(signal)
      order.push(`async${at}`)
      place.release()
    }
  }
  const all = [runAsync(3), ...[1, 2, 3, 4, 5].map((at) => runSync(`sync${at}`))]
  assert.equal(scheduler.waiting, 6)
  blocking.release()
  await Promise.all(all)
  assert.ok(order.indexOf('async1') <= 1 && order.indexOf('sync1') <= 1, order.join())
  assert.ok(order.indexOf('sync5') < 8 && order.indexOf('sync2') <= 4, order.join())
  assert.deepEqual([scheduler.running, scheduler.admitted, scheduler.waiting], [0, 0, 0])
})

test('the wait of an asynchronous job has no limit of time, that of a request has', async () => {
  const scheduler = new Scheduler({ ...limits, queueWaitMs: 20 })
  const blocking = scheduler.admit()
  await blocking.acquire(signal)
  const patient = scheduler.admitAsync()
  const turn = patient.acquire(signal)
  const place = scheduler.admit()
  await assert.rejects(place.acquire(signal), { code: 'queue-timeout' })
  place.release()
  blocking.release()
  await turn
  patient.release()
  assert.deepEqual([scheduler.running, scheduler.admitted], [0, 0])
})

test('draining: who waits is refused, who runs goes on', async () => {
  const scheduler = new Scheduler(limits)
  const running = scheduler.admitAsync()
  await running.acquire(signal)
  const waiting = [scheduler.admit(), scheduler.admitAsync()]
  const turns = waiting.map((place) => place.acquire(signal))
  scheduler.drain()
  for (const turn of turns) await assert.rejects(turn, { code: 'draining' })
  for (const place of waiting) place.release()
  assert.throws(() => scheduler.admitAsync(), { code: 'draining' })
  assert.equal(scheduler.running, 1)
  running.release()
  assert.equal(scheduler.admitted, 0)
})
