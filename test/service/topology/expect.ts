// What a run of a topology must have done, however it was run: right bytes and right digests at
// both ends of every connection.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

export type Side = { readonly bytes: number; readonly etag: string | null }

/** Odd, so that the last block is not full. */
export const data = Buffer.from(
  Array.from({ length: 150_000 }, (_, index) => `${index * 7919}\n`).join(''),
)
export const dataEtag = `sha256:${createHash('sha256').update(data).digest('hex')}`

const zeros = Buffer.alloc(1024 ** 2)
const etagsOfZeros = new Map<number, string>()

/** SHA-256 of so many zeros. */
export function etagOfZeros(bytes: number): string {
  const known = etagsOfZeros.get(bytes)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for (let left = bytes; left > 0; left -= zeros.length) {
    hash.update(left < zeros.length ? zeros.subarray(0, left) : zeros)
  }
  const etag = `sha256:${hash.digest('hex')}`
  etagsOfZeros.set(bytes, etag)
  return etag
}

/** `sides`: of all connections, by a name that tells which. */
export function checkWhole(sides: ReadonlyMap<string, Side>): void {
  for (const [name, side] of sides) {
    assert.deepEqual(side, { bytes: data.length, etag: dataEtag }, name)
  }
}

/** Of an endless source that was stopped: what has passed is right as far as it came. */
export function checkPrefix(sides: ReadonlyMap<string, Side>): void {
  for (const [name, { bytes, etag }] of sides) {
    if (etag !== null) assert.equal(etag, etagOfZeros(bytes), name)
  }
}
