// The last part of a request on its way into a running guest: bytes go from the socket to a pipe,
// nothing is kept. Only for an input that one channel reads from start to end, and only for a
// client that is fast, because the job holds its slot meanwhile. The rest of a large one goes past
// JavaScript (direct-body.ts).
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { FdHandle, Pump, PumpEnd } from '../native.ts'
import type { PartDirect } from './body-parts.ts'
import type { PartCounter } from './part-upload.ts'

export type LiveSource = {
  readonly name: string
  /** What had come before it went live. */
  readonly early: readonly Buffer[]
  readonly chunks: AsyncIterator<Buffer>
  readonly direct: PartDirect | undefined
  /** Throws Problem when bytes are too many. */
  readonly counter: PartCounter
  /** Waits for the end of the request; throws Problem when something comes behind the part. */
  readonly finish: () => Promise<void>
  /** Lets go of a body that was not read to its end. */
  readonly abandon: () => void
}

export class LiveInput {
  readonly name: string
  /** Resolves when the client has sent all, or `pump` has failed. Never rejects. */
  readonly done: Promise<void>
  #pipe: FdHandle | undefined
  #isPumping = false
  #waitedMs = 0
  #waitingSinceMs: number | undefined
  #pump: Pump | undefined
  readonly #end: () => void
  readonly #source: LiveSource

  constructor(source: LiveSource) {
    this.name = source.name
    this.#source = source
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#end = resolve
  }

  /** How long the guest may have waited for the client so far. */
  get waitedMs(): number {
    const since = this.#waitingSinceMs
    const nowMs = since === undefined ? 0 : performance.now() - since
    return this.#waitedMs + nowMs + (this.#pump?.sourceWaitMs ?? 0)
  }

  get isPumping(): boolean {
    return this.#isPumping
  }

  /** Whether the connection ends with the answer, which then has to wait for the client. */
  get endsConnection(): boolean {
    return this.#source.direct?.body.isAnnounced === true
  }

  /** The end of the pipe that `pump` writes to. Takes it over. */
  attach(pipe: FdHandle): void {
    this.#pipe = pipe
  }

  /**
   * Once. Resolves when the request has been read to its end. A guest that does not want the bytes
   * any more is no error: the rest is discarded.
   */
  async pump(): Promise<void> {
    const pipe = this.#pipe
    if (pipe === undefined) throw new Error('no pipe')
    this.#isPumping = true
    const fd = pipe.duplicate().release()
    const sink = new Socket({ fd, readable: false, writable: true })
    sink.on('error', () => undefined)
    try {
      const { early, counter, direct } = this.#source
      for (const chunk of early) await write(sink, chunk)
      if (direct !== undefined) await this.#goDirect(direct, sink, pipe)
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        counter.count(chunk.length)
        await write(sink, chunk)
      }
      await this.#source.finish()
      pipe.close()
      if (!sink.destroyed) await once(sink.end(), 'close')
    } catch (error) {
      sink.destroy()
      this.#source.abandon()
      throw error
    } finally {
      pipe.close()
      this.#isPumping = false
      this.#end()
    }
  }

  /** When it is not to be pumped after all. */
  close(): void {
    this.#pipe?.close()
    this.#source.abandon()
    this.#end()
  }

  /** The rest of the part, when it is large; what follows it is for JavaScript again. */
  async #goDirect({ body, bytes, until }: PartDirect, sink: Socket, pipe: FdHandle): Promise<void> {
    if (!body.isAnnounced) return
    const { early, counter } = this.#source
    let takenBytes = early.reduce((sum, { length }) => sum + length, 0)
    if ('sizeBytes' in until) {
      counter.count(until.sizeBytes - takenBytes)
      if (!body.isWorth(until.sizeBytes - takenBytes)) return
    } else if (!body.isWorth()) return
    const mark = body.tryDetach()
    if (mark === undefined) return
    try {
      let held: Buffer = Buffer.alloc(0)
      for (;;) {
        const chunk = await this.#next()
        // The delimiter was in what Node had read: all is as if nothing had happened.
        if (chunk === undefined) return
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        if (held.subarray(-mark.length).equals(mark)) break
        const some = held.subarray(0, Math.max(0, held.length - mark.length))
        held = held.subarray(some.length)
        takenBytes += some.length
        if (!('sizeBytes' in until)) counter.count(some.length)
        await write(sink, some)
      }
      held = held.subarray(0, held.length - mark.length)
      takenBytes += held.length
      if ('sizeBytes' in until) {
        await flush(sink, held)
        const sizeBytes = until.sizeBytes - takenBytes
        await this.#pumpRest(bytes, () => body.pump(pipe, { sizeBytes }, this.#onStart))
        await body.skip(sizeBytes - mark.length, (size) => this.#throwAway(size))
        return
      }
      const { delimiter } = until
      const begun = held.subarray(held.length - begunBytes(held, delimiter))
      counter.count(held.length)
      await flush(sink, held.subarray(0, held.length - begun.length))
      const contentBytesMax = counter.leftBytes + begun.length
      const rest = { delimiter, begun, contentBytesMax }
      const end = await this.#pumpRest(bytes, () => body.pump(pipe, rest, this.#onStart))
      counter.count(end.end === 'too-large' ? contentBytesMax + 1 : end.contentBytes - begun.length)
    } finally {
      body.resume()
    }
  }

  #onStart = (pump: Pump): void => {
    this.#pump = pump
  }

  async #pumpRest(bytes: PartDirect['bytes'], run: () => Promise<PumpEnd>): Promise<PumpEnd> {
    if (bytes.destroyed) throw new Error('aborted')
    const stop = () => this.#pump?.stop()
    bytes.once('close', stop)
    try {
      return await run()
    } finally {
      bytes.off('close', stop)
      this.#waitedMs += this.#pump?.sourceWaitMs ?? 0
      this.#pump = undefined
    }
  }

  async #throwAway(sizeBytes: number): Promise<void> {
    for (let left = sizeBytes; left > 0; ) {
      const chunk = await this.#next()
      if (chunk === undefined || chunk.length > left) throw new Error('a part of another size')
      left -= chunk.length
    }
  }

  async #next(): Promise<Buffer | undefined> {
    this.#waitingSinceMs = performance.now()
    const step = await this.#source.chunks.next()
    this.#waitedMs += performance.now() - this.#waitingSinceMs
    this.#waitingSinceMs = undefined
    return step.done === true ? undefined : step.value
  }
}

/** How many bytes at the end of `bytes` may be the beginning of the delimiter. */
function begunBytes(bytes: Buffer, delimiter: Buffer): number {
  let size = Math.min(bytes.length, delimiter.length - 1)
  while (size > 0 && !bytes.subarray(-size).equals(delimiter.subarray(0, size))) size -= 1
  return size
}

function write(sink: Socket, chunk: Buffer): Promise<void> | undefined {
  if (sink.destroyed || sink.write(chunk)) return undefined
  return new Promise((resolve) => {
    const go = () => {
      sink.off('drain', go)
      sink.off('close', go)
      resolve()
    }
    sink.on('drain', go)
    sink.on('close', go)
  })
}

/** Resolves when all is in the pipe, or nobody reads it. */
function flush(sink: Socket, chunk: Buffer): Promise<void> {
  if (sink.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    sink.once('close', resolve)
    sink.write(chunk, () => {
      sink.off('close', resolve)
      resolve()
    })
  })
}
