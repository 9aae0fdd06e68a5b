// Where results are kept: one object each in an embedded store of its own, so that they are there
// as a whole or not at all, also after a crash. The smallest that are used are in memory too. What
// nobody has used for longest goes first when there are too many. Knows nothing of jobs.
import { closeSync, fstatSync, mkdirSync, readSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Digest } from '../job/digest.ts'
import type { Report } from '../job/report.ts'
import { FsStore } from '../store/fs.ts'
import type { ObjectInfo } from '../store/object.ts'
import type { Kept, Result } from './entry.ts'

export type MemoLimits = {
  readonly memoBytesMax: number
  readonly memoEntriesMax: number
  readonly memoEntryBytesMax: number
  readonly memoMemoryBytesMax: number
}

type Layout = Pick<Kept, 'report' | 'outputs'>

/** The file of a result: its outputs, then its layout. */
type Entry = {
  readonly key: string
  readonly outputBytes: number
  readonly layoutBytes: number
  hits: number
  memory: (Layout & { readonly bytes: Buffer }) | undefined
}

const bucket = 'results'
/** A larger one is read from its file each time. */
const memoryEntryBytesMax = 256 * 1024
/** Of names and counters, on disk and in memory. */
const entryCostBytes = 1024

const metadataSchema = z.object({
  runtime: z.string(),
  layoutBytes: z.coerce.number().int().min(1),
})
const layoutSchema = z.object({
  outputs: z.array(z.object({ sizeBytes: z.int().min(0), digest: z.string() })),
  report: z.looseObject({ outcome: z.literal('exited'), channels: z.array(z.unknown()) }),
})

export class MemoStore {
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>()
  /** Jobs that have given different results: bounded like the others, forgotten at a restart. */
  readonly #unstable = new Set<string>()
  readonly #store: FsStore
  readonly #limits: MemoLimits
  readonly #runtime: string
  #writing: Promise<unknown> = Promise.resolve()
  #waitingBytes = 0
  sizeBytes = 0
  memoryBytes = 0
  evictions = 0
  /** Results that could not be kept: no space, too many at once. */
  failures = 0

  /** `folder` is private to this store. What another `runtime` has left is removed. */
  constructor(folder: string, limits: MemoLimits, runtime: string) {
    this.#limits = limits
    this.#runtime = runtime
    this.#store = openStore(folder, limits)
    for (const info of allOf(this.#store)) {
      const entry = tryEntry(info, runtime)
      if (entry === undefined) this.#store.remove(info)
      else {
        this.#entries.set(entry.key, entry)
        this.sizeBytes += costOf(entry)
      }
    }
    this.#makeRoom(0, 0)
  }

  get count(): number {
    return this.#entries.size
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** How often it was counted before. Of an entry that is there. */
  countHit(key: string): number {
    const entry = this.#entries.get(key)
    return entry === undefined ? 0 : ++entry.hits
  }

  /** Undefined when there is none, or its bytes are gone; then the entry is too. */
  tryOpen(key: string): Kept | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    const { memory } = entry
    if (memory !== undefined) return { ...memory, from: memory }
    const file = this.#tryFile(entry)
    if (file === undefined) {
      this.remove(key)
      return undefined
    }
    const { fd, layout, bytes } = file
    if (bytes === undefined) return { ...layout, from: { fd } }
    closeSync(fd)
    this.#remember(entry, { ...layout, bytes })
    return { ...layout, from: { bytes } }
  }

  isUnstable(key: string): boolean {
    return this.#unstable.has(key)
  }

  /** The job gives different results: none of them is kept again. */
  setUnstable(key: string): void {
    this.remove(key)
    this.#unstable.delete(key)
    this.#unstable.add(key)
    const [oldest] = this.#unstable
    if (oldest !== undefined && this.#unstable.size > this.#limits.memoEntriesMax) {
      this.#unstable.delete(oldest)
    }
  }

  /** Resolves when it is kept, or has been given up. Replaces what the key has. Never rejects. */
  put(key: string, result: Result): Promise<void> {
    const { report, outputs, sizeBytes } = result
    const layout = Buffer.from(JSON.stringify({ report, outputs }))
    const entry = {
      key,
      outputBytes: sizeBytes,
      layoutBytes: layout.length,
      hits: 0,
      memory: undefined,
    }
    const costBytes = costOf(entry)
    const { memoEntryBytesMax, memoMemoryBytesMax, memoBytesMax, memoEntriesMax } = this.#limits
    const isTooLarge = costBytes > memoEntryBytesMax || costBytes > memoBytesMax
    if (isTooLarge || memoEntriesMax === 0) return Promise.resolve()
    // What waits for the disk is in memory.
    if (costBytes > memoMemoryBytesMax - this.#waitingBytes) {
      this.failures += 1
      return Promise.resolve()
    }
    this.#waitingBytes += costBytes
    const written = this.#writing
      .then(() => this.#write(entry, result, layout))
      .catch(() => {
        this.failures += 1
      })
      .finally(() => {
        this.#waitingBytes -= costBytes
      })
    this.#writing = written
    return written
  }

  remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.sizeBytes -= costOf(entry)
    this.#forget(entry)
    try {
      this.#store.remove({ bucket, key })
    } catch {
      // No space to write that it is gone, or its file is gone already.
      this.failures += 1
    }
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
    this.#store.close()
  }

  async #write(entry: Entry, { chunks, report, outputs }: Result, layout: Buffer): Promise<void> {
    const { key } = entry
    if (this.#unstable.has(key)) return
    this.remove(key)
    this.#makeRoom(costOf(entry), 1)
    const staging = this.#store.stage()
    const metadata = { runtime: this.#runtime, layoutBytes: String(layout.length) }
    const options = { contentType: 'application/octet-stream', metadata }
    try {
      await staging.add({ bucket, key }, Readable.from([...chunks, layout]), options)
      staging.commit()
    } finally {
      staging.discard()
    }
    this.#entries.set(key, entry)
    this.sizeBytes += costOf(entry)
    if (costOf(entry) <= memoryEntryBytesMax) {
      this.#remember(entry, { report, outputs, bytes: Buffer.concat(chunks) })
    }
    // It was found out while this was on its way.
    if (this.#unstable.has(key)) this.remove(key)
  }

  #makeRoom(bytes: number, entries: number): void {
    const { memoBytesMax, memoEntriesMax } = this.#limits
    for (const key of this.#entries.keys()) {
      const isFull = this.sizeBytes > memoBytesMax - bytes
      if (!isFull && this.#entries.size <= memoEntriesMax - entries) return
      this.evictions += 1
      this.remove(key)
    }
  }

  #remember(entry: Entry, memory: Entry['memory']): void {
    if (entry.memory !== undefined) return
    entry.memory = memory
    this.memoryBytes += costOf(entry)
    for (const oldest of this.#entries.values()) {
      if (this.memoryBytes <= this.#limits.memoMemoryBytesMax) return
      this.#forget(oldest)
    }
  }

  #forget(entry: Entry): void {
    if (entry.memory === undefined) return
    entry.memory = undefined
    this.memoryBytes -= costOf(entry)
  }

  /** `bytes`: of a small one. */
  #tryFile(entry: Entry): { fd: number; layout: Layout; bytes: Buffer | undefined } | undefined {
    const { key, outputBytes, layoutBytes } = entry
    let fd: number | undefined
    try {
      fd = this.#store.tryOpen({ bucket, key })?.fd
      if (fd === undefined) return undefined
      const isWhole = fstatSync(fd).size === outputBytes + layoutBytes
      const layout = isWhole ? tryLayout(readBytes(fd, outputBytes, layoutBytes)) : undefined
      const isSmall = costOf(entry) <= memoryEntryBytesMax
      const bytes = isSmall ? readBytes(fd, 0, outputBytes) : undefined
      if (layout !== undefined) return { fd, layout, bytes }
    } catch {
      // The file was taken away behind our back.
    }
    if (fd !== undefined) closeSync(fd)
    return undefined
  }
}

function costOf({ outputBytes, layoutBytes }: Entry): number {
  return outputBytes + layoutBytes + entryCostBytes
}

function readBytes(fd: number, position: number, sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes)
  const done = readSync(fd, bytes, 0, sizeBytes, position)
  if (done !== sizeBytes) throw new Error('the file is shorter than its size')
  return bytes
}

/** A memo that cannot be read is no reason not to start: it is begun anew. */
function openStore(folder: string, limits: MemoLimits): FsStore {
  const storeLimits = {
    objectBytesMax: limits.memoEntryBytesMax,
    objectsMax: limits.memoEntriesMax,
    storeBytesMax: limits.memoBytesMax,
  }
  const open = () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return new FsStore(folder, storeLimits, 'lazy')
  }
  try {
    return open()
  } catch {
    rmSync(folder, { recursive: true, force: true })
    return open()
  }
}

/** The one that was kept first, first. */
function allOf(store: FsStore): ObjectInfo[] {
  const all: ObjectInfo[] = []
  for (let isLast = false; !isLast; ) {
    const page = store.list(bucket, { prefix: '', after: all.at(-1)?.key ?? '', countMax: 1000 })
    all.push(...page.objects)
    isLast = page.isLast
  }
  return all.sort((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1))
}

/** Undefined when it was made by another runtime, or is not what we write. */
function tryEntry({ key, sizeBytes, metadata }: ObjectInfo, runtime: string): Entry | undefined {
  const told = metadataSchema.safeParse(metadata).data
  if (told?.runtime !== runtime || told.layoutBytes > sizeBytes) return undefined
  const outputBytes = sizeBytes - told.layoutBytes
  return { key, outputBytes, layoutBytes: told.layoutBytes, hits: 0, memory: undefined }
}

function tryLayout(bytes: Buffer): Layout | undefined {
  const layout = layoutSchema.safeParse(JSON.parse(bytes.toString())).data
  if (layout === undefined) return undefined
  const outputs = layout.outputs.map((output) => {
    return { sizeBytes: output.sizeBytes, digest: output.digest as Digest }
  })
  return { report: layout.report as unknown as Report, outputs }
}
