// The way of a large part past JavaScript. Node's parser has read the beginning of the body, a
// native pump reads the rest of the part, and what follows is read from the socket here and given
// to the same parsers as before, so that one grammar judges every body. The parser of HTTP does not
// see what the pump took, so the connection ends with the answer.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FdHandle, Native, Pump, PumpEnd } from '../native.ts'
import { runPump, tryFd } from './socket-pumps.ts'

/** What is smaller is not worth a thread. */
export const directBytesMin = 1024 * 1024

type Handle = { reading: boolean; readStart(): number; readStop(): number }

/** Where the rest of a part is: a known number of bytes, or up to a delimiter. */
export type RestOfPart =
  | { readonly sizeBytes: number }
  | {
      readonly delimiter: Buffer
      /** What was read of it. */
      readonly begun: Buffer
      readonly contentBytesMax: number
    }

export class DirectBody {
  isAnnounced = false
  /** Of the body, not yet read from the socket. */
  #leftBytes: number
  #isDetached = false
  readonly #request: IncomingMessage
  readonly #socket: Socket
  readonly #reply: FastifyReply
  readonly #native: Native
  readonly #pumpsMax: number

  private constructor(
    request: IncomingMessage,
    reply: FastifyReply,
    native: Native,
    pumpsMax: number,
    sizeBytes: number,
  ) {
    this.#request = request
    this.#socket = request.socket
    this.#reply = reply
    this.#native = native
    this.#pumpsMax = pumpsMax
    // What came with the header.
    this.#leftBytes = sizeBytes - request.readableLength
    const push = request.push.bind(request)
    request.push = (chunk: Buffer | null) => {
      this.#leftBytes -= chunk?.length ?? 0
      return push(chunk)
    }
  }

  /** Before anything has been read. Undefined: this body is small, or of no known length. */
  static tryOpen(
    { raw }: FastifyRequest,
    reply: FastifyReply,
    native: Native,
    pumpsMax: number,
  ): DirectBody | undefined {
    const { 'content-length': length, 'transfer-encoding': coding } = raw.headers
    const sizeBytes = Number(length ?? 0)
    if (coding !== undefined || raw.readableDidRead || !(sizeBytes >= directBytesMin)) return
    return new DirectBody(raw, reply, native, pumpsMax, sizeBytes)
  }

  /** Whether a part of which so much is still to come should take this way. */
  isWorth(leftBytes = this.#leftBytes): boolean {
    const isBusy = this.#native.stats().pumps >= this.#pumpsMax
    return !isBusy && Math.min(leftBytes, this.#leftBytes) >= directBytesMin
  }

  /** Before the answer begins: its connection ends with it. */
  announce(): void {
    this.isAnnounced = true
    this.#reply.header('connection', 'close')
  }

  /**
   * Node reads no more. What it has read ends, for whoever reads the part, with the mark that this
   * returns, which no content has; undefined when it cannot be.
   */
  tryDetach(): Buffer | undefined {
    const handle = handleOf(this.#socket)
    const fd = tryFd(this.#socket)
    if (handle === undefined || fd === undefined || this.#request.complete) return undefined
    this.#socket.pause()
    if (handle.reading) {
      handle.reading = false
      if (handle.readStop() !== 0) return undefined
    }
    if (!this.#isDetached) this.#detach()
    // NUL is in no delimiter: parsers hold nothing back.
    const mark = Buffer.concat([Buffer.alloc(1), randomBytes(30), Buffer.alloc(1)])
    this.#leftBytes += mark.length
    this.#request.push(mark)
    return mark
  }

  /** Moves the rest of the part to the pipe, and lets JavaScript read again whatever happened. */
  async pump(pipe: FdHandle, rest: RestOfPart, onStart: (pump: Pump) => void): Promise<PumpEnd> {
    const socketFd = tryFd(this.#socket)
    if (socketFd === undefined) throw new Error('aborted')
    const readBefore = this.#socket.bytesRead
    const order =
      'delimiter' in rest
        ? ({ kind: 'receive-until', bodyLeftBytes: this.#leftBytes, ...rest } as const)
        : ({ kind: 'receive', ...rest } as const)
    let started: Pump | undefined
    const end = await runPump(this.#native, this.#socket, { ...order, socketFd, pipe }, (pump) => {
      started = pump
      onStart(pump)
    })
    // Somebody else read as well: nothing is where it should be.
    if (this.#socket.bytesRead !== readBefore) this.#socket.destroy()
    this.#leftBytes -= started?.socketBytes ?? 0
    const isCut = end.end === 'source-ended' && this.#leftBytes > 0
    if (isCut || end.end === 'failed') this.#socket.destroy()
    if ('delimiter' in rest) this.#goOnWith(rest.delimiter, end)
    return end
  }

  /** Bytes that stand for those which the pump took: parsers count, nobody reads them. */
  async skip(sizeBytes: number, take: (sizeBytes: number) => Promise<void>): Promise<void> {
    for (let left = sizeBytes; left > 0; ) {
      const size = Math.min(left, nothing.length)
      this.#leftBytes += size
      this.#request.push(nothing.subarray(0, size))
      await take(size)
      left -= size
    }
  }

  /** JavaScript reads again. */
  resume(): void {
    if (this.#socket.destroyed) return
    this.#request._read = () => this.#start()
    if (this.#leftBytes === 0) this.#finish()
    this.#start()
  }

  #goOnWith(delimiter: Buffer, end: PumpEnd): void {
    const bytes = end.end === 'delimiter' ? Buffer.concat([delimiter, end.rest]) : end.rest
    if (bytes.length === 0) return
    this.#leftBytes += bytes.length
    this.#request.push(bytes)
  }

  #detach(): void {
    this.#isDetached = true
    const socket = this.#socket
    const before = socket.listeners('data')
    // The first listener of ours takes the socket from the parser of HTTP (node:http).
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    for (const listener of before) socket.off('data', listener as () => void)
    // Nobody reads until `resume`, whatever asks for it.
    this.#request._read = () => undefined
  }

  #start(): void {
    const handle = handleOf(this.#socket)
    if (handle === undefined) return
    this.#socket.resume()
    if (handle.reading) return
    handle.reading = true
    handle.readStart()
  }

  #take(chunk: Buffer): void {
    // A request behind one that ends its connection is none.
    const bytes = chunk.subarray(0, this.#leftBytes)
    if (bytes.length === 0) return
    const isRoom = this.#request.push(bytes)
    if (this.#leftBytes === 0) this.#finish()
    else if (!isRoom) {
      this.#socket.pause()
      const handle = handleOf(this.#socket)
      if (handle?.reading !== true) return
      handle.reading = false
      handle.readStop()
    }
  }

  #finish(): void {
    if (this.#request.complete) return
    this.#request.complete = true
    this.#request.push(null)
  }
}

/** Never written, so it never takes memory. */
const nothing = Buffer.alloc(16 * 1024 * 1024)

function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined
}
