// Integers of the classic manifest: C notation, 64 bits (docs/abi.md §5.1). Pure.
import type { ManifestCode } from './errors.ts'

/** `offset`: of the first character that is no number. */
export type NumberFault = {
  readonly code: ManifestCode
  readonly detail: string
  readonly offset: number
}

const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)
const shape = /^([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/

export function integerOf(text: string): bigint | NumberFault {
  const match = shape.exec(text)
  const digits = match?.[2]
  if (match === null || digits === undefined) {
    return { code: 'invalid-number', detail: 'no number', offset: 0 }
  }
  if (match[0].length !== text.length) {
    return { code: 'invalid-number', detail: 'text behind the number', offset: match[0].length }
  }
  const isOctal = /^0[0-7]+$/.test(digits)
  const size = BigInt(isOctal ? `0o${digits.slice(1)}` : digits)
  const value = match[1] === '-' ? -size : size
  if (value > int64Max || value < int64Min) {
    return { code: 'number-out-of-range', detail: 'beyond 64 bits', offset: 0 }
  }
  return value
}

/** Undefined when negative. */
export function limitOf(value: bigint): bigint | undefined {
  return value < 0n ? undefined : value
}
