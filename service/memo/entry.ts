// A result that is kept, when two results are the same, and whether one is still what it was.
import { createHash } from 'node:crypto'
import { read } from 'node:fs'
import { promisify } from 'node:util'
import { type Digest, digestOfHex } from '../job/digest.ts'
import type { Report } from '../job/report.ts'
import type { Recorded } from './recorder.ts'

const readAsync = promisify(read)
const blockBytes = 256 * 1024

/** One response of a kept result. */
export type KeptOutput = { readonly sizeBytes: number; readonly digest: Digest }

/** A result that was kept, as it is given. */
export type Kept = {
  readonly report: Report
  readonly outputs: readonly KeptOutput[]
  /** All outputs, one behind the other; the caller closes `fd`. */
  readonly from: { readonly bytes: Buffer } | { readonly fd: number }
}

export type Result = {
  readonly report: Report
  readonly outputs: readonly KeptOutput[]
  /** All outputs, one behind the other. */
  readonly chunks: readonly Buffer[]
  readonly sizeBytes: number
}

export function makeResult(report: Report, recorded: Recorded): Result {
  const outputs = recorded.map((chunks) => {
    const hash = createHash('sha256')
    let sizeBytes = 0
    for (const chunk of chunks) {
      hash.update(chunk)
      sizeBytes += chunk.length
    }
    return { sizeBytes, digest: digestOfHex(hash.digest('hex')) }
  })
  const sizeBytes = outputs.reduce((sum, output) => sum + output.sizeBytes, 0)
  return { report, outputs, chunks: recorded.flat(), sizeBytes }
}

/** Whether the guests did the same: times and memory do not count, every byte and counter does. */
export function isSame(
  a: Pick<Result, 'report' | 'outputs'>,
  b: Pick<Result, 'report' | 'outputs'>,
): boolean {
  return JSON.stringify(essenceOf(a)) === JSON.stringify(essenceOf(b))
}

function essenceOf({ report, outputs }: Pick<Result, 'report' | 'outputs'>) {
  const ends = [report, ...(report.nodes ?? [])].map(
    ({ outcome, exitCode, memoryEtag, program, channels }) => {
      return [outcome, exitCode, memoryEtag, program, channels]
    },
  )
  return [ends, outputs.map(({ sizeBytes, digest }) => [sizeBytes, digest])]
}

/** Whether every output has the bytes that it had when it was kept. */
export async function isIntact({ outputs, from }: Kept): Promise<boolean> {
  const block = Buffer.allocUnsafe(blockBytes)
  let position = 0
  for (const { sizeBytes, digest } of outputs) {
    const hash = createHash('sha256')
    const end = position + sizeBytes
    while (position < end) {
      const size = Math.min(blockBytes, end - position)
      const piece = 'bytes' in from ? from.bytes.subarray(position, position + size) : block
      const got = 'fd' in from ? await readAsync(from.fd, block, 0, size, position) : undefined
      const sizeGot = got?.bytesRead ?? piece.length
      if (sizeGot === 0) return false
      hash.update(piece.subarray(0, sizeGot))
      position += sizeGot
    }
    if (digestOfHex(hash.digest('hex')) !== digest) return false
  }
  return true
}
