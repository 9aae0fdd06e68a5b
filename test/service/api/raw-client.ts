// A client on the level of bytes, for tests of what a proper client never does.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readGuest } from './server.ts'

export type RawJob = { readonly head: Buffer; readonly body: Buffer; readonly at: RawMarks }
/** Offsets into the body. */
export type RawMarks = {
  readonly manifest: number
  readonly program: number
  readonly input: number
}

/** A whole request for a job whose guest reads an input; `headers` end in CRLF. */
export async function rawJob(
  guest: string | Uint8Array,
  manifest: object,
  headers = '',
  inputBytes = 50_000,
): Promise<RawJob> {
  const fields = { program: 'part:program', ...manifest }
  const channels = [{ alias: '/dev/stdin', source: 'part:input' }]
  const parts: readonly [string, Buffer][] = [
    ['manifest', Buffer.from(JSON.stringify({ channels, ...fields }))],
    ['program', typeof guest === 'string' ? await readGuest(guest) : Buffer.from(guest)],
    ['input', Buffer.alloc(inputBytes, 0x61)],
  ]
  const marks: Record<string, number> = {}
  const chunks: Buffer[] = []
  let size = 0
  const push = (chunk: string | Buffer) => {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    size += bytes.length
  }
  for (const [name, bytes] of parts) {
    const type = name === 'manifest' ? 'Content-Type: application/json\r\n' : ''
    push(`--B\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n${type}\r\n`)
    marks[name] = size + Math.floor(bytes.length / 2)
    push(bytes)
    push('\r\n')
  }
  push('--B--\r\n')
  const body = Buffer.concat(chunks)
  const head = Buffer.from(
    'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n' +
      `${headers}Content-Length: ${body.length}\r\n\r\n`,
  )
  const { manifest: first = 0, program = 0, input = 0 } = marks
  return { head, body, at: { manifest: first, program, input } }
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Sends the bytes, waits a moment, and goes without a word. */
export async function sendAndGo(port: number, bytes: Buffer, waitMs: number): Promise<void> {
  const socket = await openSocket(port)
  socket.resume()
  socket.write(bytes)
  await sleep(waitMs)
  socket.resetAndDestroy()
}

/** What came until the server closed or `quietMs` went by. */
export async function readAll(socket: Socket, quietMs = 5000): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  const quiet = sleep(quietMs, undefined, { ref: false })
  await Promise.race([once(socket, 'close'), quiet])
  socket.destroy()
  return text
}
