// One response channel between the session and the client. Until somebody reads, bytes are kept
// (memory, then an unlinked file, both bounded), so that no channel blocks another; from then on
// it streams with back-pressure. A client that still sends may not read before it has sent all:
// while that is so, what it does not take is kept as well.
import type { FdHandle } from '../native.ts'
import { PipeSource } from './pipe-source.ts'
import { openScratch, type Scratch } from './scratch.ts'

export type OutputLimits = {
  readonly spoolMemoryBytesMax: number
  readonly spoolDiskBytesMax: number
}

/** Bytes that are kept elsewhere until they are read, once. */
export type StoredPiece = { readonly sizeBytes: number; readonly read: () => Buffer }

/** Sees everything that an output gets, and must not keep it waiting. */
export type OutputTap = {
  readonly onChunk: (chunk: Buffer) => void
  /** Instead: a finished file, whose descriptor is the output's. */
  readonly onFile: (fd: number, sizeBytes: number) => void
}

/** Where an output comes from; `close` may be called at any time and ends `next`. */
export type ChunkSource = {
  /** Undefined: it has ended. */
  next(): Promise<Buffer | undefined>
  close(): void
}

/** Moves bytes from a pipe to the client past JavaScript. */
export type DirectSink = {
  /**
   * All that the pipe gives, until it ends or the client has not read for `patienceMs()`. `open` is
   * called when it can begin; `onStart` gets what stops it. Undefined: not now.
   */
  tryPump(
    open: () => FdHandle | undefined,
    patienceMs: () => number | undefined,
    onStart: (stop: () => void) => void,
  ): Promise<{ readonly sizeBytes: number; readonly isOver: boolean } | undefined>
  /** Takes the bytes that a stopped pump owes; gives those that go the usual way. */
  settle(piece: Buffer): Promise<Buffer>
  readonly owesBytes: boolean
}

/** What is smaller is not worth a thread. */
const directBytesMin = 256 * 1024
/** From a pump that could not begin to the next attempt. */
const pumpAgainMs = 200
/** Queued for a reader that is there: enough to keep both sides busy. */
const liveBytesMax = 256 * 1024
/**
 * A client that takes nothing for so long while it sends is taken for one that does not read
 * yet.
 */
const patienceMs = 500

export class Output {
  readonly name: string
  readonly contentType: string
  sizeBytes = 0
  ended = false
  tap: OutputTap | undefined
  #queue: (Buffer | StoredPiece)[] = []
  #queueBytes = 0
  #scratch: Scratch | undefined
  #startBytes = 0
  #from: ChunkSource | undefined
  #source: PipeSource | undefined
  #stopPump: (() => void) | undefined
  #pumpAfterMs = 0
  #mayWait = () => true
  #isLive = false
  #isStuck = false
  #isClosed = false
  #waiting: (() => void)[] = []
  readonly #onChange: () => void

  constructor(name: string, contentType: string, onChange: () => void) {
    this.name = name
    this.contentType = contentType
    this.#onChange = onChange
  }

  /**
   * Takes over `pipe` and all that it gives. `mayWait`: whether the client has sent all, so that it
   * is its turn to read. False: the spool was full and the rest was not read.
   */
  async collect(
    pipe: FdHandle,
    limits: OutputLimits,
    folder: string,
    mayWait = () => true,
  ): Promise<boolean> {
    const source = new PipeSource(pipe, () => this.#wake())
    this.#source = source
    this.#mayWait = mayWait
    return this.collectFrom(source, limits, folder, mayWait)
  }

  /** The same from what is no pipe. */
  async collectFrom(
    source: ChunkSource,
    limits: OutputLimits,
    folder: string,
    mayWait = () => true,
  ): Promise<boolean> {
    this.#from = source
    if (this.#isClosed) source.close()
    try {
      for (;;) {
        const chunk = await source.next()
        if (chunk === undefined) return true
        if (this.#isClosed) return true
        this.sizeBytes += chunk.length
        this.tap?.onChunk(chunk)
        if (this.#isStuck && mayWait()) this.#isStuck = false
        if (this.#isLive && !this.#isStuck) await this.#offer(chunk, mayWait)
        else if (!(await this.#keep(chunk, limits, folder))) return false
        this.#changed()
      }
    } finally {
      source.close()
      this.end()
    }
  }

  /** What the caller has bounded: of a session that has ended, or kept elsewhere. */
  put(piece: Buffer | StoredPiece): void {
    this.#queue.push(piece)
    if (Buffer.isBuffer(piece)) {
      this.sizeBytes += piece.length
      this.#queueBytes += piece.length
    } else this.sizeBytes += piece.sizeBytes
    this.tap?.onChunk(Buffer.isBuffer(piece) ? piece : piece.read())
    this.#wake()
  }

  /** Nothing more will come. */
  end(): void {
    this.ended = true
    this.#changed()
  }

  /**
   * `sizeBytes` bytes of a finished file, from `startBytes` on: what the guest has written where it
   * liked, or what was kept. Takes over `file`.
   */
  adopt(file: Scratch, sizeBytes: number, startBytes = 0): void {
    this.#scratch = file
    this.#startBytes = startBytes
    file.sizeBytes = startBytes + sizeBytes
    this.sizeBytes = sizeBytes
    this.tap?.onFile(file.fd, sizeBytes)
    this.end()
  }

  /** Everything at once, when the guest's side has ended and it is all in memory. */
  tryWhole(): readonly Buffer[] | undefined {
    if (!this.ended || this.#scratch !== undefined || this.#isLive) return undefined
    return this.#queue.every((piece) => Buffer.isBuffer(piece)) ? this.#queue : undefined
  }

  /** Once. Ends when the guest's side has ended and everything was taken, or went to `direct`. */
  async *chunks(direct?: DirectSink): AsyncGenerator<Buffer> {
    for await (const piece of this.#pieces(direct)) {
      const bytes = direct === undefined ? piece : await direct.settle(piece)
      if (bytes.length > 0) yield bytes
    }
    if (direct?.owesBytes === true) throw new Error(`${this.name} ended within a chunk`)
  }

  async *#pieces(direct: DirectSink | undefined): AsyncGenerator<Buffer> {
    this.#isLive = true
    let position = this.#startBytes
    while (!this.#isClosed) {
      const kept = this.#scratch
      if (kept !== undefined && position < kept.sizeBytes) {
        for await (const piece of kept.chunks(position, kept.sizeBytes)) {
          position += piece.length
          yield piece
        }
        continue
      }
      const next = this.#queue.shift()
      if (next !== undefined) {
        const bytes = Buffer.isBuffer(next) ? next : next.read()
        if (bytes === next) this.#queueBytes -= bytes.length
        this.#wake()
        yield bytes
      } else if (this.ended) return
      else if (direct !== undefined && this.#source?.isHeld === true) {
        yield* this.#pump(direct, this.#source)
      } else await this.#change()
      if (direct !== undefined && this.#isWorthPumping()) this.#source?.hold()
    }
  }

  #isWorthPumping(): boolean {
    const isLarge = this.sizeBytes >= directBytesMin
    return (
      isLarge && this.tap === undefined && !this.#isStuck && performance.now() >= this.#pumpAfterMs
    )
  }

  async *#pump(direct: DirectSink, source: PipeSource): AsyncGenerator<Buffer> {
    const { early, pipe } = source.release()
    for (const chunk of early) {
      this.sizeBytes += chunk.length
      yield chunk
    }
    const patience = () => (this.#mayWait() ? undefined : patienceMs)
    const open = () => (pipe.closed ? undefined : pipe)
    try {
      const moved = await direct.tryPump(open, patience, (stop) => {
        this.#stopPump = stop
      })
      this.sizeBytes += moved?.sizeBytes ?? 0
      this.#isStuck = moved?.isOver === false
      if (moved === undefined) this.#pumpAfterMs = performance.now() + pumpAgainMs
      source.giveBack(moved?.isOver === true)
    } finally {
      this.#stopPump = undefined
    }
  }

  /** Idempotent; whoever waits goes on and finds nothing. */
  close(): void {
    this.#isClosed = true
    this.#queue = []
    this.#scratch?.close()
    this.#stopPump?.()
    this.#from?.close()
    this.#wake()
  }

  async #offer(chunk: Buffer, mayWait: () => boolean): Promise<void> {
    this.#queue.push(chunk)
    this.#queueBytes += chunk.length
    this.#changed()
    while (this.#queueBytes > liveBytesMax && !this.#isClosed) {
      const isTaken = await this.#changeWithin(mayWait() ? undefined : patienceMs)
      if (!isTaken && !mayWait()) {
        this.#isStuck = true
        return
      }
    }
  }

  async #keep(chunk: Buffer, limits: OutputLimits, folder: string): Promise<boolean> {
    if (this.#scratch === undefined || this.#queue.length > 0) {
      if (
        this.#scratch === undefined &&
        chunk.length <= limits.spoolMemoryBytesMax - this.#queueBytes
      ) {
        this.#queue.push(chunk)
        this.#queueBytes += chunk.length
        return true
      }
      // What waits in memory is older than what comes now, and younger than what is on disk.
      const early = this.#queue.splice(0)
      this.#queueBytes = 0
      this.#scratch ??= openScratch(folder)
      for (const piece of early) {
        await this.#scratch.append(Buffer.isBuffer(piece) ? piece : piece.read())
      }
    }
    if (chunk.length > limits.spoolDiskBytesMax - this.#scratch.sizeBytes) return false
    await this.#scratch.append(chunk)
    return true
  }

  #changed(): void {
    this.#wake()
    this.#onChange()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** False when nothing changed in time; undefined = wait for ever. */
  async #changeWithin(limitMs: number | undefined): Promise<boolean> {
    if (limitMs === undefined) {
      await this.#change()
      return true
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), limitMs)
    })
    const isTaken = await Promise.race([this.#change().then(() => true), late])
    clearTimeout(timer)
    return isTaken
  }
}
