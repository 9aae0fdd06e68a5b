// Bytes of many small outputs until they are read: in memory up to a limit, then in one file
// without a name that all of them share.
import { readSync, writeSync } from 'node:fs'
import type { StoredPiece } from './output.ts'
import { openScratch, type Scratch } from './scratch.ts'

export type KeptLimits = {
  readonly graphMemoryBytesMax: number
  readonly spoolDiskBytesMax: number
}

export class KeptBytes {
  readonly #folder: string
  readonly #limits: KeptLimits
  #memoryBytes = 0
  #diskBytes = 0
  #scratch: Scratch | undefined

  constructor(folder: string, limits: KeptLimits) {
    this.#folder = folder
    this.#limits = limits
  }

  /** A copy of `bytes`; undefined when there is no room, or the disk is full. */
  tryKeep(bytes: Buffer): Buffer | StoredPiece | undefined {
    if (bytes.length <= this.#limits.graphMemoryBytesMax - this.#memoryBytes) {
      this.#memoryBytes += bytes.length
      return Buffer.from(bytes)
    }
    if (bytes.length > this.#limits.spoolDiskBytesMax - this.#diskBytes) return undefined
    try {
      return this.#store(bytes)
    } catch {
      return undefined
    }
  }

  /** What is in the file cannot be read any more. Idempotent. */
  close(): void {
    this.#scratch?.close()
  }

  #store(bytes: Buffer): StoredPiece {
    this.#scratch ??= openScratch(this.#folder)
    const scratch = this.#scratch
    const position = this.#diskBytes
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(scratch.fd, bytes, done, bytes.length - done, position + done)
    }
    this.#diskBytes += bytes.length
    const sizeBytes = bytes.length
    return { sizeBytes, read: () => readAt(scratch, position, sizeBytes) }
  }
}

function readAt(scratch: Scratch, position: number, sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  for (let done = 0; done < sizeBytes; ) {
    const got = readSync(scratch.fd, bytes, done, sizeBytes - done, position + done)
    if (got === 0) throw new Error('a scratch file has become shorter')
    done += got
  }
  return bytes
}
