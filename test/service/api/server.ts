// A real service on a free port with a private folder, for tests over real HTTP. Small limits, so
// that they can be met; `settle` asserts that nothing was left behind.
import assert from 'node:assert/strict'
import { readlinkSync } from 'node:fs'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, buildApp } from '../../../service/app.ts'
import { readConfig } from '../../../service/config.ts'

export const nativeDir = join(import.meta.dirname, '../../../native/build')

export function readGuest(name: string): Promise<Buffer> {
  return readFile(join(nativeDir, 'guest/asm', `${name}.nexe`))
}

const running = new Set<App>()
// A test that failed half-way leaves its service, which would keep the file alive. Other hooks of
// this kind, which settle, come after this one. Benches import this file without being tests.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  const closeAll = () => {
    for (const { http } of running) {
      http.server.closeAllConnections()
      http.close()
    }
  }
  after(() => {
    setTimeout(closeAll, 15_000).unref()
  })
}
const pipesAtStart = (await readdir('/proc/self/fd')).filter(isPipe).length

function isPipe(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:')
  } catch {
    return false
  }
}

export type Server = {
  readonly url: string
  readonly port: number
  readonly app: App
  readonly dataDir: string
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
    ZVM_UPLOAD_IDLE_MS: '2000',
    ...env,
  })
  const app = await buildApp(config)
  await app.http.listen({ host: config.host, port: 0 })
  running.add(app)
  const { port } = app.http.server.address() as AddressInfo
  const settle = async () => {
    try {
      app.http.server.closeAllConnections()
      const until = Date.now() + 5000
      for (;;) {
        const left = { ...(await leftovers(dataDir)), ...inUse(app), ...leftoversOf(app, running) }
        if (Object.values(left).every((count) => count === 0)) break
        assert.ok(Date.now() < until, `left behind: ${JSON.stringify(left)}`)
        await sleep(20)
      }
    } finally {
      await app.http.close()
      running.delete(app)
      await rm(dataDir, { recursive: true })
    }
    assert.deepEqual(leftoversOf(app, running), noLeftovers)
    if (running.size === 0) assert.equal(await countChildren(), 0)
  }
  return { url: `http://127.0.0.1:${port}`, port, app, dataDir, settle }
}

function inUse({ scheduler, asyncJobs, memo }: App) {
  return {
    flights: memo.flights,
    running: scheduler.running,
    waiting: scheduler.waiting,
    asyncJobs: asyncJobs.active + asyncJobs.waiting,
    asyncInputBytes: asyncJobs.places.inputBytes,
    listeners: asyncJobs.listeners,
  }
}

async function leftovers(dataDir: string) {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return {
    scratchFds: links.filter((link) => link.includes('.scratch-')).length,
    scratchFiles: (await readdir(join(dataDir, 'scratch'))).length,
    pipes: links.filter((link) => link.startsWith('pipe:')).length - pipesAtStart,
    uploads: links.filter((link) => link.includes('memfd:upload')).length,
  }
}

// The addon counts for the whole process. What may stay: /dev/null and one handle an image for each
// server that runs, and its workers that wait.
function leftoversOf({ scheduler, sessions }: App, servers: ReadonlySet<App>) {
  const { workers, prepareWorkers, native } = sessions
  const { openHandles, leakedHandles, workers: processes } = native.stats()
  const expected = { handles: 0, processes: 0 }
  for (const { sessions } of servers) {
    expected.handles += 1 + sessions.programs.count + sessions.snapshots.count
    expected.processes += sessions.workers.size + sessions.prepareWorkers.size
  }
  return {
    admitted: scheduler.admitted,
    running: scheduler.running,
    busy: workers.busy + prepareWorkers.busy,
    handles: openHandles - expected.handles,
    leakedHandles,
    processes: processes - expected.processes,
  }
}
const noLeftovers = { admitted: 0, running: 0, busy: 0, handles: 0, leakedHandles: 0, processes: 0 }

async function countChildren(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  return children.trim().split(' ').filter(Boolean).length
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
