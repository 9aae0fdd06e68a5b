// Servers under measurement, as processes of their own, and how they are ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '../../..')
export const nativeDir = join(root, 'native/build')

export type BenchServer = {
  readonly url: string
  readonly process: ChildProcess
  stop(): Promise<void>
}

export async function startPeers(): Promise<BenchServer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'peers.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  const stop = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { url: `http://127.0.0.1:${Number(line)}`, process: child, stop }
}

/** The service as it is started in production; its log goes nowhere. */
export async function startService(
  env: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-bench-'))
  const port = await freePort()
  const child = spawn(process.execPath, [join(root, 'service/main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ZVM_PORT: String(port),
      ZVM_DATA_DIR: dataDir,
      ZVM_NATIVE_DIR: nativeDir,
      ...env,
    },
  })
  const url = `http://127.0.0.1:${port}`
  for (let i = 0; !(await isUp(url)); ++i) {
    if (i > 100 || child.exitCode !== null) throw new Error('the service did not start')
    await sleep(100)
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
    await rm(dataDir, { recursive: true })
  }
  return { url, process: child, stop }
}

export function readGuest(path: string): Promise<Buffer> {
  return readFile(join(nativeDir, 'guest', `${path}.nexe`))
}

/** Stores a program; its digest. */
export async function putProgram(url: string, bytes: Uint8Array): Promise<string> {
  const headers = { 'content-type': 'application/octet-stream' }
  const body = new Uint8Array(bytes)
  const answer = await fetch(`${url}/v1/programs`, { method: 'PUT', headers, body })
  const stored = (await answer.json()) as { program?: string }
  if (stored.program === undefined) throw new Error(`not stored: ${JSON.stringify(stored)}`)
  return stored.program
}

export type Part = { readonly name: string; readonly type: string; readonly bytes: Uint8Array }

/** One multipart body with the boundary `bench`. */
export function makeBody(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ name, type, bytes }) => [
    Buffer.from(
      `--bench\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n` +
        `Content-Type: ${type}\r\n\r\n`,
    ),
    bytes,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...pieces, Buffer.from('--bench--\r\n')])
}
export const bodyType = 'multipart/form-data; boundary=bench'

async function isUp(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (answer) => answer.ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
