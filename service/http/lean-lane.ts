// The lean lane: connections whose requests are plain small jobs are served without an HTTP stream
// for each request. A connection begins here; the first thing that is not plainly one of those
// gives it, with all bytes that have not been answered, to the HTTP server for the rest of its
// life. So nothing is refused, waited for or guessed here: slow clients, broken framing and every
// other resource are the HTTP server's business.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { LeanHead } from './lean-head.ts'

export type LeanHandler = {
  /** Undefined: not for this lane. */
  tryHead(text: string): LeanHead | undefined
  /** False: not for this lane, and nothing has happened. Otherwise it is answered once. */
  take(head: LeanHead, body: Buffer, requestBytes: number, connection: LeanConnection): boolean
  /** No further request is taken from a connection that has been answered. */
  readonly isClosing: boolean
  /** `unreadBytes`: of what the socket has read, the HTTP server will see these. */
  handedOver(socket: Socket, unreadBytes: number): void
}

export type LeanOptions = { readonly keepAliveMs: number; readonly bodyBytesMax: number }

const headBytesMax = 4096
const headEnd = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)
/** A connection that has said nothing, or not all of its request, for so long is handed over. */
const patienceMs = 100
/** Heads are the same in every request of a client. */
const headsMax = 1000

/** Takes the place of the server's own listeners for connections. */
export class LeanLane {
  readonly connections = new Set<LeanConnection>()
  readonly #heads = new Map<string, LeanHead | null>()
  readonly #handler: LeanHandler
  readonly #options: LeanOptions
  readonly #server: Server
  readonly #listeners: readonly ((socket: Socket) => void)[]

  constructor(server: Server, handler: LeanHandler, options: LeanOptions) {
    this.#server = server
    this.#handler = handler
    this.#options = options
    this.#listeners = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      this.connections.add(new LeanConnection(socket, this, handler))
    })
    const timer = setInterval(() => this.#sweep(), patienceMs).unref()
    server.once('close', () => clearInterval(timer))
    const closeAll = server.closeAllConnections.bind(server)
    server.closeAllConnections = () => {
      for (const connection of this.connections) connection.destroy()
      closeAll()
    }
    const closeIdle = server.closeIdleConnections.bind(server)
    server.closeIdleConnections = () => {
      for (const connection of this.connections) if (!connection.isBusy) connection.destroy()
      closeIdle()
    }
  }

  /** False once the server closes: what has been answered then ends. */
  get isOpen(): boolean {
    return this.#server.listening
  }

  get bodyBytesMax(): number {
    return this.#options.bodyBytesMax
  }

  headOf(text: string): LeanHead | undefined {
    const known = this.#heads.get(text)
    if (known !== undefined) return known ?? undefined
    const head = this.#handler.tryHead(text)
    if (this.#heads.size >= headsMax) this.#heads.clear()
    this.#heads.set(text, head ?? null)
    return head
  }

  /** The socket has no listeners of ours any more. */
  handOver(connection: LeanConnection, socket: Socket, unread: Buffer, hasEnded: boolean): void {
    this.connections.delete(connection)
    this.#handler.handedOver(socket, unread.length)
    for (const listener of this.#listeners) listener.call(this.#server, socket)
    if (unread.length > 0) socket.emit('data', unread)
    if (hasEnded) socket.emit('end')
  }

  #sweep(): void {
    const nowMs = performance.now()
    for (const connection of this.connections) {
      if (connection.isBusy) continue
      const ms = nowMs - connection.quietSinceMs
      if (connection.isWaiting && ms >= patienceMs) connection.handOver()
      else if (ms >= this.#options.keepAliveMs) connection.destroy()
    }
  }
}

export class LeanConnection {
  isBusy = false
  quietSinceMs = performance.now()
  /** Called when the client has gone before its answer. */
  onGone: (() => void) | undefined
  #pending: Buffer = nothing
  #hasSpoken = false
  #hasEnded = false
  #isPaused = false
  readonly #socket: Socket
  readonly #lane: LeanLane
  readonly #handler: LeanHandler
  readonly #onData = (chunk: Buffer) => this.#take(chunk)
  readonly #onEnd = () => this.#end()
  readonly #onClose = () => this.#close()

  constructor(socket: Socket, lane: LeanLane, handler: LeanHandler) {
    this.#socket = socket
    this.#lane = lane
    this.#handler = handler
    socket.on('data', this.#onData).on('end', this.#onEnd)
    socket.on('close', this.#onClose).on('error', ignore)
  }

  /** It has said nothing yet, or not all. */
  get isWaiting(): boolean {
    return !this.#hasSpoken || this.#pending.length > 0
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The whole answer. */
  send(answer: Buffer): void {
    if (this.#socket.writable) this.#socket.write(answer)
    this.#finish()
  }

  /**
   * An answer of unknown length: `head` says that it is chunked. Cut off when `body` fails. Gives
   * the bytes that were sent.
   */
  async sendStream(head: string, body: Readable): Promise<number> {
    const socket = this.#socket
    const before = socket.bytesWritten
    socket.write(head)
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        if (socket.destroyed) break
        if (chunk.length === 0) continue
        socket.cork()
        socket.write(`${chunk.length.toString(16)}\r\n`)
        socket.write(chunk)
        const hasRoom = socket.write('\r\n')
        socket.uncork()
        if (!hasRoom) await drained(socket)
      }
      const sentBytes = socket.bytesWritten - before
      if (socket.destroyed) return sentBytes
      socket.write('0\r\n\r\n')
      this.#finish()
      return sentBytes
    } catch {
      socket.destroy()
      return socket.bytesWritten - before
    }
  }

  handOver(): void {
    const socket = this.#socket
    socket.off('data', this.#onData).off('end', this.#onEnd)
    socket.off('close', this.#onClose).off('error', ignore)
    const unread = this.#pending
    this.#pending = nothing
    this.#lane.handOver(this, socket, unread, this.#hasEnded)
  }

  #take(chunk: Buffer): void {
    // From the first byte of a request on: a trickle is no sign of life.
    if (this.#pending.length === 0) this.quietSinceMs = performance.now()
    this.#hasSpoken = true
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    if (!this.isBusy) this.#serve()
    else if (this.#pending.length > this.#lane.bodyBytesMax) {
      // It sends ahead: what it sends next may wait in the kernel.
      this.#isPaused = true
      this.#socket.pause()
    }
  }

  #serve(): void {
    const bytes = this.#pending
    const headBytes = bytes.indexOf(headEnd)
    if (headBytes < 0 || headBytes > headBytesMax) {
      if (bytes.length > headBytesMax || this.#hasEnded) this.handOver()
      return
    }
    const head = this.#lane.headOf(bytes.toString('latin1', 0, headBytes))
    if (head === undefined) {
      this.handOver()
      return
    }
    const bodyAt = headBytes + headEnd.length
    const end = bodyAt + head.bodyBytes
    if (bytes.length < end) {
      if (this.#hasEnded) this.handOver()
      return
    }
    this.isBusy = true
    this.#pending = bytes.length === end ? nothing : bytes.subarray(end)
    if (this.#handler.take(head, bytes.subarray(bodyAt, end), end, this)) return
    this.isBusy = false
    this.#pending = bytes
    this.handOver()
  }

  #finish(): void {
    this.isBusy = false
    this.onGone = undefined
    this.quietSinceMs = performance.now()
    if (this.#isPaused) {
      this.#isPaused = false
      this.#socket.resume()
    }
    if (this.#handler.isClosing || !this.#lane.isOpen) this.#socket.end()
    else if (this.#pending.length > 0 && !this.#hasEnded) this.#serve()
  }

  #end(): void {
    this.#hasEnded = true
    if (!this.isBusy && this.#pending.length > 0) this.handOver()
    // A client that has closed its side has gone, as it has for the HTTP server.
    else this.#socket.end()
  }

  #close(): void {
    this.#lane.connections.delete(this)
    this.onGone?.()
  }
}

/** Whoever waits for the socket hears of its end. */
function ignore(): void {}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle)
      resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
}
