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
  const first = postSpin(server.url, 5000)
  await sleep(300)
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  const victim = Number(children.trim().split(' ')[0])
  const second = postSpin(server.url, 800)
  await sleep(200)
  process.kill(victim, 'SIGKILL')
  assert.match(await first, /"outcome":"failed","exitCode":null,"reason":"worker-died"/)
  assert.match(await second, /"reason":"limit-wall-time"/)
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
  const answer = postSpin(`http://127.0.0.1:${port}`, 800)
  await sleep(300)
  service.stdout.resume()
  service.kill('SIGTERM')
  const [status] = await once(service, 'exit')
  assert.match(await answer, /"reason":"limit-wall-time"/)
  assert.equal(status, 0)
  await rm(dataDir, { recursive: true })
})
