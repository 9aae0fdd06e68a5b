// Snapshots of programs at their checkpoint, kept in memory. Made once for each key, by a session
// of its own that is told nothing of the job behind it; bounded in number and bytes, those that
// nobody has used for longest go first. What makes sessions equal is in the key: its maker sees to
// that, and to tenants. A snapshot is a worker's word: it is copied and sealed here, and never
// looked into.
import { randomBytes } from 'node:crypto'
import type { FdHandle, Native } from '../native.ts'

export type SnapshotLimits = {
  readonly snapshotsMax: number
  readonly snapshotBytesMax: number
  readonly snapshotStoreBytesMax: number
}

export type Snapshot = {
  /** Its name in the workers: 16 hexadecimal digits that no other snapshot has. */
  readonly nameHex: string
  readonly handle: FdHandle
}

export type SnapshotLease = {
  readonly from: Snapshot
  readonly mark: 'made' | 'used'
  /** Once the session has ended. Idempotent. */
  readonly release: () => void
}

/** `handle` undefined: the program has no checkpoint, or one whose state cannot be kept. */
type Entry = {
  readonly key: string
  readonly nameHex: string
  readonly handle: FdHandle | undefined
  readonly sizeBytes: number
  users: number
  isEvicted: boolean
}

/** Runs a session that writes a snapshot to `file`. False: it left none. Rejects when none ran. */
export type MakeSnapshot = (file: FdHandle) => Promise<boolean>

export class Snapshots {
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>()
  readonly #making = new Map<string, Promise<Entry | undefined>>()
  readonly #native: Native
  readonly #limits: SnapshotLimits
  #isClosed = false
  sizeBytes = 0
  made = 0
  refused = 0
  used = 0

  constructor(native: Native, limits: SnapshotLimits) {
    this.#native = native
    this.#limits = limits
  }

  get count(): number {
    let count = 0
    for (const { handle } of this.#entries.values()) if (handle !== undefined) count += 1
    return count
  }

  /** The snapshot of `key`, made now if need be. Undefined: there is none. Never rejects. */
  async tryLease(key: string, make: MakeSnapshot): Promise<SnapshotLease | undefined> {
    const known = this.#entries.get(key)
    const entry = known ?? (await this.#makeOnce(key, make))
    if (entry?.handle === undefined || entry.handle.closed) return undefined
    this.#entries.delete(key)
    if (!entry.isEvicted) this.#entries.set(key, entry)
    if (known !== undefined) this.used += 1
    entry.users += 1
    let isReleased = false
    return {
      from: { nameHex: entry.nameHex, handle: entry.handle },
      mark: known === undefined ? 'made' : 'used',
      release: () => {
        if (isReleased) return
        isReleased = true
        entry.users -= 1
        closeUnused(entry)
      },
    }
  }

  close(): void {
    this.#isClosed = true
    for (const entry of this.#entries.values()) this.#evict(entry)
  }

  #makeOnce(key: string, make: MakeSnapshot): Promise<Entry | undefined> {
    const underWay = this.#making.get(key)
    if (underWay !== undefined) return underWay
    const entry = this.#make(key, make).finally(() => this.#making.delete(key))
    this.#making.set(key, entry)
    return entry
  }

  /** Undefined when no session could say: the next one tries again. */
  async #make(key: string, make: MakeSnapshot): Promise<Entry | undefined> {
    const file = this.#native.makeImageFile()
    try {
      const isMade = await make(file)
      if (this.#isClosed) return undefined
      return this.#keep(key, isMade ? this.#trySeal(file) : undefined)
    } catch {
      return undefined
    } finally {
      file.close()
    }
  }

  // A copy: whoever wrote the file may still have it.
  #trySeal(file: FdHandle): FdHandle | undefined {
    const { sizeBytes } = file.stat()
    if (sizeBytes > this.#limits.snapshotBytesMax) return undefined
    return this.#native.makeMemfd('snapshot', file.read(0, sizeBytes), { seal: true })
  }

  #keep(key: string, handle: FdHandle | undefined): Entry {
    if (handle === undefined) this.refused += 1
    else this.made += 1
    const sizeBytes = handle?.stat().sizeBytes ?? 0
    const nameHex = randomBytes(8).toString('hex')
    const entry = { key, nameHex, handle, sizeBytes, users: 0, isEvicted: false }
    this.#entries.set(key, entry)
    this.sizeBytes += sizeBytes
    const { snapshotsMax, snapshotStoreBytesMax } = this.#limits
    for (const oldest of this.#entries.values()) {
      if (this.sizeBytes <= snapshotStoreBytesMax && this.#entries.size <= snapshotsMax) break
      if (oldest === entry) break
      this.#evict(oldest)
    }
    return entry
  }

  #evict(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.sizeBytes -= entry.sizeBytes
    entry.isEvicted = true
    closeUnused(entry)
  }
}

function closeUnused({ isEvicted, users, handle }: Entry): void {
  if (isEvicted && users === 0) handle?.close()
}
