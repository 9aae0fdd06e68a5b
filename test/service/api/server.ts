// A real service on a free port with a private folder, for tests over real HTTP. Small limits, so
// that they can be met; `settle` asserts that nothing was left behind.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp } from '../../../service/app.ts'
import { readConfig } from '../../../service/config.ts'

export const nativeDir = join(import.meta.dirname, '../../../native/build')

export function readGuest(name: string): Promise<Buffer> {
  return readFile(join(nativeDir, 'guest/asm', `${name}.nexe`))
}

export type Server = {
  readonly url: string
  readonly port: number
  /** Waits until the service is as empty as when it started, then closes it. */
  settle(): Promise<void>
}

export async function startServer(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-test-'))
  const config = readConfig({
    ZVM_DATA_DIR: dataDir,
    ZVM_LOG_LEVEL: 'silent',
    ZVM_PORT: '0',
    ZVM_NATIVE_DIR: nativeDir,
    ZVM_UPLOAD_IDLE_MS: '300',
    ...env,
  })
  const app = await buildApp(config)
  await app.http.listen({ host: config.host, port: 0 })
  const { port } = app.http.server.address() as AddressInfo
  const settle = async () => {
    app.http.server.closeAllConnections()
    const until = Date.now() + 5000
    for (;;) {
      const left = { ...(await leftovers(dataDir)), running: app.scheduler.running }
      if (Object.values(left).every((count) => count === 0)) break
      assert.ok(Date.now() < until, `left behind: ${JSON.stringify(left)}`)
      await sleep(20)
    }
    await app.http.close()
    await rm(dataDir, { recursive: true })
  }
  return { url: `http://127.0.0.1:${port}`, port, settle }
}

async function leftovers(dataDir: string) {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  return {
    scratchFds: links.filter((link) => link.includes('.scratch-')).length,
    scratchFiles: (await readdir(join(dataDir, 'scratch'))).length,
    processes: children.trim().split(' ').filter(Boolean).length,
  }
}

/**
 * Sends bytes as they are; the answer is everything until the server closes or is silent for
 * `quietMs`.
 */
export function sendRaw(port: number, bytes: string | Buffer, quietMs = 2000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setTimeout(quietMs, () => socket.destroy())
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
