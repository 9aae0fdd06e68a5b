// The service as a process: the death of a session costs that session only, SIGTERM drains.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { postForm } from './async-calls.ts'
import { nativeDir, readGuest, startServer } from './server.ts'

async function postSpin(url: string, timeoutMs: number): Promise<string> {
  const form = new FormData()
  const manifest = JSON.stringify({ program: 'part:program', timeoutMs })
  form.append('manifest', new Blob([manifest], { type: 'application/json' }))
  form.append('program', new Blob([new Uint8Array(await readGuest('spin'))]))
  return (await fetch(`${url}/v1/jobs`, { method: 'POST', body: form })).text()
}

test('kill -9 of a session is reported; its neighbour runs on', async () => {
  const server = await startServer()
  const { workers } = server.app.sessions
  const first = postSpin(server.url, 60_000)
  await until('the first runs', () => workers.busy === 1)
  const [victim] = workers.busyPids
  const second = postSpin(server.url, 800)
  await until('the second runs', () => workers.busy === 2)
  // Both have begun by now, or the kill would cost nothing.
  await sleep(300)
  process.kill(victim ?? 0, 'SIGKILL')
  assert.match(await first, /"outcome":"failed","exitCode":null,"reason":"worker-died"/)
  assert.match(await second, /"reason":"limit-wall-time"/)
  await server.settle()
})

/** A stopped process takes no frame, so that its task waits in the socket when it is killed. */
function stop(workers: readonly { readonly pid: number }[]): number[] {
  const pids = workers.map(({ pid }) => pid)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  return pids
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 10_000
  while (!isTrue()) {
    assert.ok(Date.now() < end, what)
    await sleep(5)
  }
}

test('workers that die before they have received the start cost nothing', async () => {
  const server = await startServer({ ZVM_WORKERS_SPARE: '4', ZVM_CONCURRENCY_MAX: '1' })
  const { workers } = server.app.sessions
  const copy = new Uint8Array(await readFile(join(nativeDir, 'guest/bench/copy.nexe')))
  const manifest = { channels: [{ alias: '/dev/stdin', source: 'part:input' }] }
  for (const size of [100, 2_000_000]) {
    await until('workers wait', () => workers.idle().length >= 4)
    const stopped = new Set(stop(workers.idle()))
    const input = Buffer.alloc(size, 'zvm ')
    const answer = postForm(server.url, copy, manifest, { input: new Uint8Array(input) }, {})
    for (let death = 1; death <= 3; death++) {
      await until('one has the job', () => workers.busyPids.some((pid) => stopped.has(pid)))
      const [victim = 0] = workers.busyPids
      process.kill(victim, 'SIGKILL')
      stopped.delete(victim)
    }
    for (const pid of stopped) process.kill(pid, 'SIGCONT')
    const body = await (await answer).text()
    assert.match(body, /"outcome":"exited","exitCode":0/)
    assert.ok(body.includes(input.toString()), 'all bytes of the output')
  }
  await server.settle()
})

test('a worker that dies while it judges costs nothing', async () => {
  const server = await startServer()
  const { prepareWorkers } = server.app.sessions
  await until('one waits', () => prepareWorkers.idle().length > 0)
  const pids = stop(prepareWorkers.idle())
  const answer = postForm(server.url, 'hello', {}, {}, {})
  await until('it has the program', () => prepareWorkers.busy > 0)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  assert.match(await (await answer).text(), /"outcome":"exited","exitCode":0/)
  await server.settle()
})

test('a client that goes while its start is given to another worker', async () => {
  const server = await startServer({ ZVM_WORKERS_SPARE: '1', ZVM_CONCURRENCY_MAX: '1' })
  const { workers, prepareWorkers } = server.app.sessions
  await (await postForm(server.url, 'spin', { timeoutMs: 1 }, {}, {})).text()
  await until('all wait', () => workers.busy + prepareWorkers.busy === 0)
  const pids = stop(workers.idle())
  const gone = new AbortController()
  const form = new FormData()
  const manifest = JSON.stringify({ program: 'part:program', timeoutMs: 60_000 })
  form.append('manifest', new Blob([manifest], { type: 'application/json' }))
  form.append('program', new Blob([new Uint8Array(await readGuest('spin'))]))
  const init = { method: 'POST', body: form, signal: gone.signal }
  const answer = fetch(`${server.url}/v1/jobs`, init).catch(() => 'gone')
  await until('one has the job', () => workers.busy > 0)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  gone.abort()
  assert.equal(await answer, 'gone')
  await server.settle()
})

test('SIGTERM: the running job is answered, then the process ends with status 0', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-term-'))
  const main = join(import.meta.dirname, '../../../service/main.ts')
  const service = spawn(process.execPath, [main], {
    env: { ZVM_PORT: String(port), ZVM_DATA_DIR: dataDir, ZVM_NATIVE_DIR: nativeDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(service.stdout, 'data')
  const url = `http://127.0.0.1:${port}`
  const answer = postSpin(url, 1500)
  const metrics = async () => (await fetch(`${url}/metrics`)).text()
  while (!/^zvm_jobs_running 1$/m.test(await metrics())) await sleep(20)
  service.stdout.resume()
  service.kill('SIGTERM')
  const [status] = await once(service, 'exit')
  assert.match(await answer, /"reason":"limit-wall-time"/)
  assert.equal(status, 0)
  await rm(dataDir, { recursive: true })
})
