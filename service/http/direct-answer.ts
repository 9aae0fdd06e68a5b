// The way of a large output past JavaScript: between two writes of Node, a native pump moves bytes
// from the guest's pipe to the client's socket, as whole chunks of HTTP/1.1. A pump that is stopped
// within a chunk leaves a debt, which is paid before Node writes again.
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FdHandle, Native } from '../native.ts'
import type { DirectSink } from '../run/output.ts'
import { runPump, tryFd } from './socket-pumps.ts'

/** What Node still had to write must have gone within this time, else it goes on itself. */
const flushMs = 20
/** How often a client that does not read is looked at. */
const lookMs = 100

export class DirectAnswer implements DirectSink {
  /** Through which Node writes; set by whoever sends it. */
  body: Readable | undefined
  #prefix: Buffer = Buffer.alloc(0)
  #owedBytes = 0
  #owesEnd = false
  readonly #native: Native
  readonly #response: ServerResponse
  readonly #pumpsMax: number

  constructor(native: Native, response: ServerResponse, pumpsMax: number) {
    this.#native = native
    this.#response = response
    this.#pumpsMax = pumpsMax
  }

  /** Undefined: not now. Else how many bytes went, and whether the pipe has ended. */
  async tryPump(
    open: () => FdHandle | undefined,
    patienceMs: () => number | undefined,
    onStart: (stop: () => void) => void,
  ): Promise<{ readonly sizeBytes: number; readonly isOver: boolean } | undefined> {
    if (this.#native.stats().pumps >= this.#pumpsMax) return undefined
    if (this.#owesEnd || this.#prefix.length > 0 || !(await this.#flushed())) return undefined
    const { socket } = this.#response
    const socketFd = socket === null ? undefined : tryFd(socket)
    if (socket === null || socketFd === undefined) return undefined
    const pipe = open()
    if (pipe === undefined) return undefined
    let timer: NodeJS.Timeout | undefined
    const isChunked = this.#response.chunkedEncoding
    const order = { kind: 'send', pipe, socketFd, isChunked } as const
    const end = await runPump(this.#native, socket, order, (pump) => {
      onStart(() => pump.stop())
      let seen = { bytes: 0, sinceMs: performance.now() }
      const look = () => {
        const bytes = pump.socketBytes
        const nowMs = performance.now()
        if (bytes !== seen.bytes || pump.waitsFor !== 'sink') seen = { bytes, sinceMs: nowMs }
        else if (nowMs - seen.sinceMs >= (patienceMs() ?? Number.POSITIVE_INFINITY)) pump.stop()
      }
      timer = setInterval(look, lookMs)
    })
    clearInterval(timer)
    if (end.end === 'sink-gone' || end.end === 'failed') {
      socket.destroy()
      throw new Error(`the client is gone: ${end.end} ${end.code ?? ''}`)
    }
    this.#prefix = end.rest
    this.#owedBytes = end.chunkLeftBytes
    this.#owesEnd = end.chunkLeftBytes > 0
    if (!this.#owesEnd) await this.settle(Buffer.alloc(0))
    return { sizeBytes: end.contentBytes, isOver: end.end === 'done' }
  }

  /** Sends what belongs into the chunk that was left open; the rest of `piece` is for Node. */
  async settle(piece: Buffer): Promise<Buffer> {
    if (!this.#owesEnd && this.#prefix.length === 0) return piece
    const taken = piece.subarray(0, this.#owedBytes)
    this.#owedBytes -= taken.length
    const pieces = [this.#prefix, taken]
    this.#prefix = Buffer.alloc(0)
    if (this.#owesEnd && this.#owedBytes === 0) {
      this.#owesEnd = false
      pieces.push(Buffer.from('\r\n'))
    }
    await this.#write(Buffer.concat(pieces))
    return piece.subarray(taken.length)
  }

  get owesBytes(): boolean {
    return this.#owesEnd
  }

  #write(bytes: Buffer): Promise<void> {
    const { socket } = this.#response
    if (socket === null) return Promise.reject(new Error('the client is gone'))
    return new Promise((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  async #flushed(): Promise<boolean> {
    const untilMs = performance.now() + flushMs
    for (;;) {
      const { headersSent, writableLength, socket, destroyed } = this.#response
      if (destroyed || socket === null || this.body === undefined) return false
      const waiting = this.body.readableLength + writableLength + socket.writableLength
      if (headersSent && waiting === 0) return true
      if (performance.now() > untilMs) return false
      await sleep(1)
    }
  }
}
