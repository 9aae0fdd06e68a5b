// The read end of a guest's pipe, chunk by chunk. Between two chunks it can be held: then nothing
// is read here, what had been read is given away, and the pipe may be read by somebody else until
// it is given back. Who has it never overlap, so that no byte is lost or overtaken.
import { Socket } from 'node:net'
import type { FdHandle } from '../native.ts'

export class PipeSource {
  #socket: Socket
  #isHoldWanted = false
  #isHeld = false
  #isOver = false
  #wake: (() => void) | undefined
  readonly #pipe: FdHandle
  readonly #onHeld: () => void

  /** Takes over `pipe`. */
  constructor(pipe: FdHandle, onHeld: () => void) {
    this.#pipe = pipe
    this.#onHeld = onHeld
    this.#socket = this.#open()
  }

  /** The next chunk, undefined at the end. Waits while it is held. Rejects when reading fails. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#isOver) return undefined
      if (this.#isHoldWanted) this.#beHeld()
      if (!this.#isHeld) {
        const chunk: Buffer | null = this.#socket.read()
        if (chunk !== null) return chunk
        if (this.#socket.errored !== null) throw this.#socket.errored
        if (this.#socket.readableEnded) return undefined
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  /** From the next wait on: whoever calls `next` gets no more until `giveBack`. */
  hold(): void {
    this.#isHoldWanted = true
    if (this.#wake !== undefined) this.#beHeld()
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** What had been read, in order; from then on the pipe may be read through `pipe`. */
  release(): { readonly early: readonly Buffer[]; readonly pipe: FdHandle } {
    if (!this.#isHeld) throw new Error('a source that is not held')
    const early: Buffer[] = []
    for (let chunk = this.#socket.read(); chunk !== null; chunk = this.#socket.read()) {
      early.push(chunk)
    }
    this.#shut()
    return { early, pipe: this.#pipe }
  }

  /** `isOver`: the pipe has ended. */
  giveBack(isOver: boolean): void {
    this.#isHoldWanted = false
    this.#isHeld = false
    if (isOver) this.#isOver = true
    else if (this.#socket.destroyed && !this.#pipe.closed) this.#socket = this.#open()
    this.#wake?.()
  }

  /** Idempotent. Whoever waits gets the end. */
  close(): void {
    this.#isOver = true
    this.#shut()
    this.#pipe.close()
    this.#wake?.()
  }

  #beHeld(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#onHeld()
  }

  #open(): Socket {
    const fd = this.#pipe.duplicate().release()
    const socket = new Socket({ fd, readable: true, writable: false })
    const wake = () => this.#wake?.()
    return socket.on('readable', wake).on('end', wake).on('error', wake).on('close', wake)
  }

  #shut(): void {
    this.#socket.removeAllListeners().on('error', () => undefined)
    this.#socket.destroy()
  }
}
