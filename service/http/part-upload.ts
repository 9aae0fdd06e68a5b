// One part of a request to where it waits for its session: counted against its limits while it
// streams, digested where the digest is its name.
import { createHash } from 'node:crypto'
import type { Limits } from '../config.ts'
import { type Digest, digestOfHex } from '../job/digest.ts'
import type { Native } from '../native.ts'
import { type Upload, UploadWriter } from '../run/upload.ts'
import type { BodyPart } from './body-parts.ts'
import { limitProblem } from './problem.ts'

export type UploadPlace = {
  readonly native: Native
  /** Where unlinked files are made. */
  readonly scratchDir: string
  /** Told of every chunk before it is kept; throws when there is no room for it. */
  readonly reserve?: ((bytes: number) => void) | undefined
}

export type ProgramUpload = { readonly upload: Upload; readonly digest: Digest }

/** `digest`: when it was asked for. */
export type InputUpload = { readonly upload: Upload; readonly digest: Digest | undefined }

/** Throws Problem with the chunk that is one too many. */
export class PartCounter {
  readonly #part: string
  readonly #name: 'programBytesMax' | 'partBytesMax'
  readonly #limits: Limits
  readonly #roomBytes: number
  #sizeBytes = 0

  /** `roomBytes`: what earlier parts have left of the request's limit. */
  constructor(
    part: string,
    name: 'programBytesMax' | 'partBytesMax',
    limits: Limits,
    roomBytes: number,
  ) {
    this.#part = part
    this.#name = name
    this.#limits = limits
    this.#roomBytes = roomBytes
  }

  count(sizeBytes: number): void {
    const limits = this.#limits
    if (sizeBytes > limits[this.#name] - this.#sizeBytes) this.#refuse(this.#name)
    if (sizeBytes > this.#roomBytes - this.#sizeBytes) this.#refuse('requestBytesMax')
    this.#sizeBytes += sizeBytes
  }

  /** How many more it takes. */
  get leftBytes(): number {
    return Math.min(this.#limits[this.#name], this.#roomBytes) - this.#sizeBytes
  }

  #refuse(name: 'programBytesMax' | 'partBytesMax' | 'requestBytesMax'): never {
    throw limitProblem(name, this.#limits[name], 'bytes', { part: this.#part })
  }
}

/** A whole program. Throws Problem above a limit. */
export async function readProgram(
  part: Pick<BodyPart, 'name' | 'bytes'>,
  limits: Limits,
  { native, scratchDir, reserve }: UploadPlace,
  roomBytes = limits.requestBytesMax,
): Promise<ProgramUpload> {
  const counter = new PartCounter(part.name, 'programBytesMax', limits, roomBytes)
  const writer = new UploadWriter(native, scratchDir, limits.uploadMemoryBytesMax)
  const hash = createHash('sha256')
  try {
    for await (const chunk of part.bytes as AsyncIterable<Buffer>) {
      counter.count(chunk.length)
      reserve?.(chunk.length)
      hash.update(chunk)
      await writer.append(chunk)
    }
    return { upload: writer.finish(), digest: digestOfHex(hash.digest('hex')) }
  } catch (error) {
    writer.close()
    throw error
  }
}

/** What has come of an input that goes live, and where the rest comes from. */
export type EarlyPart = {
  readonly early: readonly Buffer[]
  readonly chunks: AsyncIterator<Buffer>
  readonly counter: PartCounter
}

export type InputOptions = {
  /** Whether a large one that comes quickly may be left unread. */
  readonly mayLive: boolean
  readonly isDigested: boolean
}

/**
 * An input: the whole of it, or its beginning as soon as it is too large for memory and came
 * quickly, when it `mayLive`. Throws Problem above a limit.
 */
export async function readInput(
  part: BodyPart,
  limits: Limits,
  { native, scratchDir, reserve }: UploadPlace,
  roomBytes: number,
  options: InputOptions,
): Promise<InputUpload | EarlyPart> {
  let { mayLive } = options
  const hash = options.isDigested ? createHash('sha256') : undefined
  const counter = new PartCounter(part.name, 'partBytesMax', limits, roomBytes)
  const writer = new UploadWriter(native, scratchDir, limits.uploadMemoryBytesMax)
  const chunks: AsyncIterator<Buffer> = part.bytes[Symbol.asyncIterator]()
  const startMs = performance.now()
  try {
    for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) {
      const chunk = step.value
      counter.count(chunk.length)
      reserve?.(chunk.length)
      hash?.update(chunk)
      if (mayLive && writer.isFull(chunk)) {
        const neededBytes = ((performance.now() - startMs) / 1000) * limits.liveBytesPerSecondMin
        const isFast = writer.sizeBytes + chunk.length >= neededBytes
        const early = [...writer.takeMemory(), chunk]
        if (isFast) return { early, chunks, counter }
        // Too slow to hold a slot: it waits on disk like any other.
        mayLive = false
        for (const piece of early) await writer.append(piece)
        continue
      }
      await writer.append(chunk)
    }
    const digest = hash === undefined ? undefined : digestOfHex(hash.digest('hex'))
    return { upload: writer.finish(), digest }
  } catch (error) {
    writer.close()
    throw error
  }
}
