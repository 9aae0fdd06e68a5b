// The service as a process of its own, for tests that end it the hard way.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after } from 'node:test'
import { nativeDir } from './server.ts'

export type Spawned = {
  readonly url: string
  readonly child: ChildProcess
  /** Lines of the log so far. */
  readonly log: Record<string, unknown>[]
  /** Sends the signal and waits for the end; the status, or null after SIGKILL. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

const spawned = new Set<ChildProcess>()
// A test that failed half-way must not leave its service, which would keep the test alive.
after(() => {
  for (const child of spawned) child.kill('SIGKILL')
})

/** Listens when it resolves. */
export async function spawnService(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Spawned> {
  const port = await freePort()
  const main = join(import.meta.dirname, '../../../service/main.ts')
  const child = spawn(process.execPath, [main], {
    env: {
      ZVM_PORT: String(port),
      ZVM_DATA_DIR: dataDir,
      ZVM_NATIVE_DIR: nativeDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  spawned.add(child)
  const log: Record<string, unknown>[] = []
  let rest = ''
  const listening = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      log.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>))
      if (log.some(({ msg }) => /listening/i.test(String(msg)))) resolve()
    })
    child.once('exit', (status) => reject(new Error(`the service ended with ${status}`)))
  })
  await listening
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const exited = once(child, 'exit')
    assert.ok(child.kill(signal))
    const [status] = await exited
    spawned.delete(child)
    return status as number | null
  }
  return { url: `http://127.0.0.1:${port}`, child, log, end }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}
