// Names and facts of stored objects, and the interface that every store implements. Pure.
import type { Readable } from 'node:stream'
import type { Digest } from '../job/digest.ts'

export const bucketPattern = /^[a-z0-9][a-z0-9._-]{0,62}$/
export const keyBytesMax = 1024
export const metadataBytesMax = 2048

/** A name is a bucket and a key; a key may hold slashes, which mean nothing to the store. */
export type ObjectName = { readonly bucket: string; readonly key: string }

export type ObjectInfo = ObjectName & {
  readonly sizeBytes: number
  /** SHA-256 of the bytes. */
  readonly etag: Digest
  readonly contentType: string
  /** Names in lower case, values of printable ASCII. */
  readonly metadata: Readonly<Record<string, string>>
  readonly modifiedAt: string
}

/** An object as it was when it was opened: later changes of the name do not reach it. */
export type OpenObject = {
  readonly info: ObjectInfo
  /** A descriptor for positioned reads, the caller's to close; may be handed to a worker. */
  readonly fd: number
}

export type Page = { readonly objects: readonly ObjectInfo[]; readonly isLast: boolean }

export type ListOptions = {
  readonly prefix: string
  /** Keys after this one, in byte order; '' = from the start. */
  readonly after: string
  readonly countMax: number
}

export type PutOptions = {
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
  /** Etag that the present object must have, 'absent' = there must be none. */
  readonly expect?: Digest | 'absent' | undefined
}

/** Outputs that become visible together. Ends with exactly one commit or discard. */
export type Staging = {
  /** Reads `bytes` to its end. Throws StoreError above a limit; the staging stays usable. */
  add(name: ObjectName, bytes: Readable, options: PutOptions): Promise<void>
  /** All objects are visible once it returns; none when it throws. */
  commit(): readonly ObjectInfo[]
  /** Idempotent, and does nothing after a commit. */
  discard(): void
}

export type ObjectStore = {
  tryInfo(name: ObjectName): ObjectInfo | undefined
  tryOpen(name: ObjectName): OpenObject | undefined
  list(bucket: string, options: ListOptions): Page
  buckets(): readonly { readonly bucket: string; readonly objectCount: number }[]
  stage(): Staging
  /** False: there was none. */
  remove(name: ObjectName, expect?: Digest): boolean
  close(): void
}

export type NameFault = 'bucket-invalid' | 'key-invalid'

/** Undefined when both parts are acceptable. */
export function findNameFault({ bucket, key }: ObjectName): NameFault | undefined {
  if (!bucketPattern.test(bucket)) return 'bucket-invalid'
  const sizeBytes = Buffer.byteLength(key)
  const isPlain = key.isWellFormed() && !/[\p{Cc}\u{10ffff}]/u.test(key)
  return sizeBytes >= 1 && sizeBytes <= keyBytesMax && isPlain ? undefined : 'key-invalid'
}
