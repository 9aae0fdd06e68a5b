// A private file without a name: bytes that wait for a session or for a client. Closing it frees
// the space; a crash of the service does too. Never executable, never visible in a folder.
import { randomUUID } from 'node:crypto'
import { close, closeSync, openSync, read, unlinkSync, write } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const writeAsync = promisify(write)
const readAsync = promisify(read)
const chunkBytes = 256 * 1024

export class Scratch {
  /** Its offset stays 0: reads and writes are positioned. -1 once closed. */
  fd: number
  sizeBytes = 0
  #busy = 0
  #closing = false

  constructor(fd: number) {
    this.fd = fd
  }

  /** One writer at a time. */
  async append(chunk: Uint8Array): Promise<void> {
    await this.#use(async () => {
      let done = 0
      while (done < chunk.length) {
        const { bytesWritten } = await writeAsync(
          this.fd,
          chunk,
          done,
          chunk.length - done,
          this.sizeBytes,
        )
        done += bytesWritten
        this.sizeBytes += bytesWritten
      }
    })
  }

  /** Bytes from `from` up to `to`, absent = to the end of the file as it is then. */
  async *chunks(from = 0, to = Number.MAX_SAFE_INTEGER): AsyncGenerator<Buffer> {
    let position = from
    while (position < to) {
      const size = Math.min(chunkBytes, to - position)
      const piece = await this.#use(async () => {
        const { bytesRead, buffer } = await readAsync(
          this.fd,
          Buffer.allocUnsafe(size),
          0,
          size,
          position,
        )
        return buffer.subarray(0, bytesRead)
      })
      if (piece.length === 0) return
      position += piece.length
      yield piece
    }
  }

  /** Idempotent. Waits, without blocking, for an operation that is under way. */
  close(): void {
    this.#closing = true
    if (this.#busy > 0 || this.fd < 0) return
    const fd = this.fd
    this.fd = -1
    close(fd)
  }

  async #use<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new Error('the scratch file is closed')
    this.#busy += 1
    try {
      return await operation()
    } finally {
      this.#busy -= 1
      if (this.#closing) this.close()
    }
  }
}

export function openScratch(folder: string): Scratch {
  const path = join(folder, `.scratch-${randomUUID()}`)
  const fd = openSync(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return new Scratch(fd)
}
