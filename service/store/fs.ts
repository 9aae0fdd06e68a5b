// The embedded store: bytes in files that never change, names in a SQLite table beside them. A
// commit is one transaction, so any number of objects appears together or not at all, and a crash
// leaves at most files that no name points to; those are removed at the next opening.
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  createWriteStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Digest, digestOfHex } from '../job/digest.ts'
import { StoreError } from './errors.ts'
import type {
  ListOptions,
  ObjectInfo,
  ObjectName,
  ObjectStore,
  OpenObject,
  Page,
  PutOptions,
  Staging,
} from './object.ts'

export type FsStoreLimits = {
  readonly objectBytesMax: number
  readonly objectsMax: number
  readonly storeBytesMax: number
}

/**
 * synced: what was committed survives a power failure; everybody waits for the disk meanwhile.
 * lazy: it survives the death of the process, and after a power failure it is there or not, as a
 * whole.
 */
export type Commits = 'synced' | 'lazy'

const schemaVersion = 1
const schema = `
  CREATE TABLE object (
    bucket TEXT NOT NULL, key TEXT NOT NULL, file TEXT NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL, etag TEXT NOT NULL, content_type TEXT NOT NULL,
    metadata TEXT NOT NULL, modified_at TEXT NOT NULL, PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`

type Staged = { readonly info: ObjectInfo; readonly file: string; readonly options: PutOptions }

/** `folder` is private to this store (0700). Opening it twice at once is refused by SQLite. */
export class FsStore implements ObjectStore {
  readonly #filesDir: string
  readonly #limits: FsStoreLimits
  readonly #commits: Commits
  readonly #db: DatabaseSync
  readonly #find: StatementSync
  readonly #page: StatementSync
  readonly #write: StatementSync
  readonly #delete: StatementSync
  readonly #usage: StatementSync
  /** Bytes of all named objects. */
  #usedBytes: number
  /** Bytes of stagings that are under way: they count as used. */
  #stagedBytes = 0

  constructor(folder: string, limits: FsStoreLimits, commits: Commits = 'synced') {
    this.#filesDir = join(folder, 'files')
    this.#limits = limits
    this.#commits = commits
    mkdirSync(this.#filesDir, { recursive: true, mode: 0o700 })
    this.#db = openDatabase(join(folder, 'names.sqlite'), commits)
    const prepare = (sql: string) => this.#db.prepare(sql)
    this.#find = prepare('SELECT * FROM object WHERE bucket = ? AND key = ?')
    // No key holds U+10FFFF, so prefix + U+10FFFF is above all keys with that prefix.
    this.#page = prepare(`SELECT * FROM object WHERE bucket = ? AND key > ? AND key >= ?
      AND key < ? || char(1114111) ORDER BY key LIMIT ?`)
    this.#write = prepare('INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#delete = prepare('DELETE FROM object WHERE bucket = ? AND key = ?')
    this.#usage = prepare('SELECT count(*) AS n, total(size_bytes) AS bytes FROM object')
    this.#usedBytes = Number(this.#usage.get()?.bytes)
    this.#removeOrphans()
  }

  tryInfo(name: ObjectName): ObjectInfo | undefined {
    const row = this.#find.get(name.bucket, name.key)
    return row === undefined ? undefined : infoOf(row)
  }

  tryOpen(name: ObjectName): OpenObject | undefined {
    const row = this.#find.get(name.bucket, name.key)
    if (row === undefined) return undefined
    return { info: infoOf(row), fd: openSync(this.#path(String(row.file)), 'r') }
  }

  list(bucket: string, { prefix, after, countMax }: ListOptions): Page {
    const rows = this.#page.all(bucket, after, prefix, prefix, countMax + 1)
    return { objects: rows.slice(0, countMax).map(infoOf), isLast: rows.length <= countMax }
  }

  buckets(): readonly { bucket: string; objectCount: number }[] {
    const rows = this.#db
      .prepare('SELECT bucket, count(*) AS n FROM object GROUP BY bucket ORDER BY bucket')
      .all()
    return rows.map(({ bucket, n }) => ({ bucket: String(bucket), objectCount: Number(n) }))
  }

  stage(): Staging {
    const staged: Staged[] = []
    let isOver = false
    const end = (): Staged[] => {
      isOver = true
      for (const { info } of staged) this.#stagedBytes -= info.sizeBytes
      return staged.splice(0)
    }
    return {
      add: async (name, bytes, options) => {
        if (isOver) throw new Error('the staging is over')
        const entry = await this.#receive(name, bytes, options)
        if (isOver) this.#drop(entry)
        else staged.push(entry)
      },
      commit: () => {
        if (isOver) throw new Error('the staging is over')
        const entries = end()
        try {
          this.#commit(entries)
        } catch (error) {
          for (const { file } of entries) unlinkSync(this.#path(file))
          throw error
        }
        return entries.map(({ info }) => info)
      },
      discard: () => {
        for (const { file } of end()) unlinkSync(this.#path(file))
      },
    }
  }

  remove(name: ObjectName, expect?: Digest): boolean {
    const row = this.#find.get(name.bucket, name.key)
    if (row === undefined) return false
    const info = infoOf(row)
    checkExpected(info, expect)
    this.#delete.run(name.bucket, name.key)
    this.#usedBytes -= info.sizeBytes
    unlinkSync(this.#path(String(row.file)))
    return true
  }

  close(): void {
    this.#db.close()
  }

  async #receive(name: ObjectName, bytes: Readable, options: PutOptions): Promise<Staged> {
    checkExpected(this.tryInfo(name), options.expect)
    const file = randomUUID()
    const hash = createHash('sha256')
    let sizeBytes = 0
    const meter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        sizeBytes += chunk.length
        this.#stagedBytes += chunk.length
        hash.update(chunk)
        const error = this.#fault(sizeBytes)
        if (error === undefined) done(null, chunk)
        else done(error)
      },
    })
    try {
      // `flush`: the bytes are on the disk before any name points to them.
      const sink = createWriteStream(this.#path(file), { flags: 'wx', mode: 0o600, flush: true })
      await pipeline(bytes, meter, sink)
    } catch (error) {
      this.#stagedBytes -= sizeBytes
      rmSync(this.#path(file), { force: true })
      throw error
    }
    const { contentType, metadata } = options
    const modifiedAt = new Date().toISOString()
    const etag = digestOfHex(hash.digest('hex'))
    return { info: { ...name, sizeBytes, etag, contentType, metadata, modifiedAt }, file, options }
  }

  #drop({ info, file }: Staged): void {
    this.#stagedBytes -= info.sizeBytes
    unlinkSync(this.#path(file))
  }

  #fault(sizeBytes: number): StoreError | undefined {
    const { objectBytesMax, storeBytesMax } = this.#limits
    if (sizeBytes > objectBytesMax) {
      const limit = { name: 'objectBytesMax', value: objectBytesMax }
      return new StoreError('object-too-large', `an object has at most ${limit.value} bytes`, limit)
    }
    if (this.#usedBytes + this.#stagedBytes > storeBytesMax) {
      const limit = { name: 'storeBytesMax', value: storeBytesMax }
      return new StoreError('store-full', `the store holds at most ${limit.value} bytes`, limit)
    }
    return undefined
  }

  #commit(entries: readonly Staged[]): void {
    const replaced: string[] = []
    if (this.#commits === 'synced') this.#syncFolder()
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const { info, file, options } of entries) {
        const old = this.#find.get(info.bucket, info.key)
        checkExpected(old === undefined ? undefined : infoOf(old), options.expect)
        if (old !== undefined) replaced.push(String(old.file))
        const { bucket, key, sizeBytes, etag, contentType, metadata, modifiedAt } = info
        const facts = [sizeBytes, etag, contentType, JSON.stringify(metadata), modifiedAt]
        this.#write.run(bucket, key, file, ...facts)
      }
      const usage = this.#usage.get()
      const value = this.#limits.objectsMax
      if (Number(usage?.n) > value) {
        const limit = { name: 'objectsMax', value }
        throw new StoreError('store-full', `the store holds at most ${value} objects`, limit)
      }
      this.#db.exec('COMMIT')
      this.#usedBytes = Number(usage?.bytes)
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
    for (const file of replaced) rmSync(this.#path(file), { force: true })
  }

  /** The entries of new files survive a power failure, as their bytes do. */
  #syncFolder(): void {
    const fd = openSync(this.#filesDir, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  #removeOrphans(): void {
    const named = new Set(
      this.#db
        .prepare('SELECT file FROM object')
        .all()
        .map(({ file }) => file),
    )
    for (const file of readdirSync(this.#filesDir)) {
      if (!named.has(file)) rmSync(this.#path(file), { force: true })
    }
  }

  #path(file: string): string {
    return join(this.#filesDir, file)
  }
}

function openDatabase(path: string, commits: Commits): DatabaseSync {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;')
  db.exec(`PRAGMA synchronous = ${commits === 'synced' ? 'FULL' : 'NORMAL'}`)
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version === 0) db.exec(schema)
  else if (version !== schemaVersion) throw new Error(`${path} has version ${version}`)
  return db
}

function infoOf(row: Record<string, SQLOutputValue>): ObjectInfo {
  return {
    bucket: String(row.bucket),
    key: String(row.key),
    sizeBytes: Number(row.size_bytes),
    etag: String(row.etag) as Digest,
    contentType: String(row.content_type),
    metadata: JSON.parse(String(row.metadata)) as Record<string, string>,
    modifiedAt: String(row.modified_at),
  }
}

function checkExpected(present: ObjectInfo | undefined, expect: PutOptions['expect']): void {
  if (expect === undefined) return
  const actual = present?.etag ?? 'absent'
  if (actual !== expect) {
    throw new StoreError('precondition-failed', `the object is ${actual}, not ${expect}`)
  }
}
