// What a client sent, waiting for its session: a sealed memory file while small, an unlinked file
// on disk above that. A session gets descriptors of its own, for reading only.
import { type FdHandle, type Native, reopen } from '../native.ts'
import { openScratch, type Scratch } from './scratch.ts'

const chunkBytes = 256 * 1024

export type Upload = {
  readonly sizeBytes: number
  /** Position 0, the caller closes it. */
  open(): FdHandle
  chunks(): AsyncIterable<Buffer> | Iterable<Buffer>
  /** Descriptors that were opened stay good. Idempotent. */
  close(): void
}

/** Collects one upload. Either `finish` or `close` must be called. */
export class UploadWriter {
  sizeBytes = 0
  #chunks: Buffer[] = []
  #scratch: Scratch | undefined
  readonly #native: Native
  readonly #folder: string
  readonly #memoryBytesMax: number

  /** `memoryBytesMax`: what is larger goes to a file in `folder`. */
  constructor(native: Native, folder: string, memoryBytesMax: number) {
    this.#native = native
    this.#folder = folder
    this.#memoryBytesMax = memoryBytesMax
  }

  /** Nothing to wait for while the bytes stay in memory. */
  append(chunk: Buffer): Promise<void> | undefined {
    this.sizeBytes += chunk.length
    if (this.#scratch !== undefined) return this.#scratch.append(chunk)
    this.#chunks.push(chunk)
    return this.sizeBytes > this.#memoryBytesMax ? this.#spill() : undefined
  }

  /** True when this chunk would be the first that goes to disk. */
  isFull(chunk: Buffer): boolean {
    return this.#scratch === undefined && chunk.length > this.#memoryBytesMax - this.sizeBytes
  }

  /** All that is in memory, which is then the caller's. */
  takeMemory(): Buffer[] {
    this.sizeBytes = 0
    return this.#chunks.splice(0)
  }

  finish(): Upload {
    if (this.#scratch !== undefined) return new FileUpload(this.#native, this.#scratch)
    return new MemoryUpload(this.#native, this.#chunks.splice(0))
  }

  close(): void {
    this.#chunks = []
    this.#scratch?.close()
  }

  async #spill(): Promise<void> {
    this.#scratch = openScratch(this.#folder)
    for (const chunk of this.#chunks.splice(0)) await this.#scratch.append(chunk)
  }
}

/** A file only for those who open it: a job whose result is kept reads nothing. */
class MemoryUpload implements Upload {
  readonly sizeBytes: number
  readonly #native: Native
  #chunks: readonly Buffer[]
  #handle: FdHandle | undefined
  #isLent = false
  #isClosed = false

  constructor(native: Native, chunks: readonly Buffer[]) {
    this.#native = native
    this.#chunks = chunks
    this.sizeBytes = chunks.reduce((sum, { length }) => sum + length, 0)
  }

  // Sequential readers share a position with whoever has the same open file: only the first may.
  open(): FdHandle {
    const handle = this.#file()
    if (this.#isLent) return reopen(this.#native, handle.fd)
    this.#isLent = true
    return handle.duplicate()
  }

  *chunks(): Iterable<Buffer> {
    if (this.#handle === undefined) yield* this.#chunks
    else
      for (let at = 0; at < this.sizeBytes; at += chunkBytes) {
        yield this.#handle.read(at, chunkBytes)
      }
  }

  close(): void {
    this.#isClosed = true
    this.#chunks = []
    this.#handle?.close()
  }

  #file(): FdHandle {
    if (this.#isClosed) throw new Error('the upload is closed')
    if (this.#handle === undefined) {
      const [first, ...more] = this.#chunks
      const bytes = first === undefined || more.length > 0 ? Buffer.concat(this.#chunks) : first
      this.#handle = this.#native.makeMemfd('upload', bytes, { seal: true })
      this.#chunks = []
    }
    return this.#handle
  }
}

class FileUpload implements Upload {
  readonly sizeBytes: number
  readonly #native: Native
  readonly #scratch: Scratch

  constructor(native: Native, scratch: Scratch) {
    this.#native = native
    this.#scratch = scratch
    this.sizeBytes = scratch.sizeBytes
  }

  open(): FdHandle {
    return reopen(this.#native, this.#scratch.fd)
  }

  chunks(): AsyncIterable<Buffer> {
    return this.#scratch.chunks()
  }

  close(): void {
    this.#scratch.close()
  }
}
