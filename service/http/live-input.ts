// The last part of a request on its way into a running guest: bytes go from the socket to a pipe,
// nothing is kept. Only for an input that one channel reads from start to end, and only for a
// client that is fast, because the job holds its slot meanwhile.
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { FdHandle } from '../native.ts'

export type LiveSource = {
  readonly name: string
  /** What had come before it went live. */
  readonly early: readonly Buffer[]
  readonly chunks: AsyncIterator<Buffer>
  /** Throws Problem when the chunk is one too many. */
  readonly count: (chunk: Buffer) => void
  /** Waits for the end of the request; throws Problem when something comes behind the part. */
  readonly finish: () => Promise<void>
  /** Lets go of a body that was not read to its end. */
  readonly abandon: () => void
}

export class LiveInput {
  readonly name: string
  #pipe: FdHandle | undefined
  #isPumping = false
  #waitedMs = 0
  #waitingSinceMs: number | undefined
  readonly #source: LiveSource

  constructor(source: LiveSource) {
    this.name = source.name
    this.#source = source
  }

  /** How long the guest may have waited for the client so far. */
  get waitedMs(): number {
    const since = this.#waitingSinceMs
    return this.#waitedMs + (since === undefined ? 0 : performance.now() - since)
  }

  get isPumping(): boolean {
    return this.#isPumping
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
    if (this.#pipe === undefined) throw new Error('no pipe')
    this.#isPumping = true
    const sink = new Socket({ fd: this.#pipe.release(), readable: false, writable: true })
    sink.on('error', () => undefined)
    try {
      for (const chunk of this.#source.early) await write(sink, chunk)
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        this.#source.count(chunk)
        await write(sink, chunk)
      }
      await this.#source.finish()
      if (!sink.destroyed) await once(sink.end(), 'close')
    } catch (error) {
      sink.destroy()
      this.#source.abandon()
      throw error
    } finally {
      this.#isPumping = false
    }
  }

  /** When it is not to be pumped after all. */
  close(): void {
    this.#pipe?.close()
    this.#source.abandon()
  }

  async #next(): Promise<Buffer | undefined> {
    this.#waitingSinceMs = performance.now()
    const step = await this.#source.chunks.next()
    this.#waitedMs += performance.now() - this.#waitingSinceMs
    this.#waitingSinceMs = undefined
    return step.done === true ? undefined : step.value
  }
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
