// A client that costs little: the bytes of one request, sent again and again over plain sockets,
// each when the answer before it has come. Latencies in microseconds; answers are checked.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export type Shot = {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly type?: string
  readonly body?: Uint8Array
  /** What every answer contains. */
  readonly expect: string
}

export type Load = {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
  readonly failures: number
}

const headEnd = Buffer.from('\r\n\r\n')
const lastChunk = Buffer.from('0\r\n\r\n')

/** Rejects when a connection breaks. */
export async function shoot(shot: Shot, connections: number, seconds: number): Promise<Load> {
  const { hostname, port, pathname, host } = new URL(shot.url)
  const head = [`${shot.method} ${pathname} HTTP/1.1`, `Host: ${host}`]
  if (shot.type !== undefined) head.push(`Content-Type: ${shot.type}`)
  if (shot.body !== undefined) head.push(`Content-Length: ${shot.body.length}`)
  const request = Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    shot.body ?? Buffer.of(),
  ])
  const clients: Client[] = []
  try {
    for (let i = 0; i < connections; ++i) {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      clients.push(new Client(socket, request, shot.expect))
      await once(socket, 'connect')
    }
    const startMs = performance.now()
    const endMs = startMs + seconds * 1000
    await Promise.all(clients.map((client) => client.run(endMs)))
    const tookMs = performance.now() - startMs
    const samples = Float64Array.from(clients.flatMap(({ latenciesMs }) => latenciesMs)).sort()
    const at = (share: number) =>
      Math.round(1000 * (samples[Math.floor(samples.length * share)] ?? 0))
    return {
      perSecond: (1000 * samples.length) / tookMs,
      p50Us: at(0.5),
      p99Us: at(0.99),
      failures: clients.reduce((sum, { failures }) => sum + failures, 0),
    }
  } finally {
    for (const client of clients) client.close()
  }
}

class Client {
  readonly latenciesMs: number[] = []
  failures = 0
  #pending: Buffer = Buffer.of()
  #sentMs = 0
  #endMs = 0
  #done = Promise.withResolvers<void>()
  readonly #socket: Socket
  readonly #request: Buffer
  readonly #expect: Buffer

  constructor(socket: Socket, request: Buffer, expect: string) {
    this.#socket = socket
    this.#request = request
    this.#expect = Buffer.from(expect)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#done.reject(error))
    socket.on('close', () => this.#done.reject(new Error('the server closed the connection')))
  }

  run(endMs: number): Promise<void> {
    this.#endMs = endMs
    this.#send()
    return this.#done.promise
  }

  close(): void {
    this.#done.promise.catch(() => undefined)
    this.#socket.destroy()
  }

  #send(): void {
    this.#sentMs = performance.now()
    this.#socket.write(this.#request)
  }

  #take(chunk: Buffer): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    if (!isWhole(bytes)) {
      this.#pending = bytes
      return
    }
    this.#pending = Buffer.of()
    const nowMs = performance.now()
    this.latenciesMs.push(nowMs - this.#sentMs)
    const isGood = bytes.toString('latin1', 9, 12) === '200' && bytes.includes(this.#expect)
    if (!isGood) this.failures += 1
    if (nowMs >= this.#endMs) this.#done.resolve()
    else this.#send()
  }
}

/** Content-Length or chunks: enough to know the end of what our servers send. */
function isWhole(bytes: Buffer): boolean {
  const end = bytes.indexOf(headEnd)
  if (end < 0) return false
  const head = bytes.toString('latin1', 0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length !== undefined) return bytes.length >= end + headEnd.length + Number(length)
  return bytes.subarray(-lastChunk.length).equals(lastChunk)
}
