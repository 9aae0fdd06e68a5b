// The bytes of one output on their way from frames to whoever collects them: a queue that says when
// it is full, so that the worker is not read meanwhile, and when there is room again.
import type { ChunkSource } from './output.ts'

const fullBytes = 64 * 1024

export class FrameSource implements ChunkSource {
  #chunks: Buffer[] = []
  #bytes = 0
  #isOver = false
  #wake: (() => void) | undefined
  readonly #onRoom: (source: FrameSource) => void

  constructor(onRoom: (source: FrameSource) => void) {
    this.#onRoom = onRoom
  }

  /** False: it is full, `onRoom` tells when it is no more. What came after its end is dropped. */
  push(chunk: Buffer): boolean {
    if (this.#isOver) return true
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    this.#wake?.()
    return this.#bytes < fullBytes
  }

  /** What is queued can still be taken. */
  end(): void {
    this.#isOver = true
    this.#wake?.()
  }

  async next(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const chunk = this.#chunks.shift()
    this.#bytes -= chunk?.length ?? 0
    if (this.#chunks.length === 0) this.#onRoom(this)
    return chunk
  }

  close(): void {
    this.#chunks = []
    this.#bytes = 0
    this.end()
    this.#onRoom(this)
  }
}
