// What a manifest asks of the memo, which keeps results of deterministic jobs: whether it may be
// read, written, and how often what it gives is checked. Pure.
import { z } from 'zod'
import type { Report } from './node-json.ts'

export const memoModes = ['off', 'read', 'write', 'read-write'] as const
export type MemoMode = (typeof memoModes)[number]

export type MemoWish = {
  readonly mode: MemoMode
  /** Every so many hits of a result the job runs nevertheless and is compared; 0 = never. */
  readonly verifyEvery: number
}

export const noMemo: MemoWish = { mode: 'off', verifyEvery: 0 }

/** At the top of a manifest, of one node or of many. */
export const memoFields = {
  cache: z.enum(memoModes).optional(),
  verify: z.int().min(1).max(1_000_000).optional(),
}

type MemoJson = { readonly cache?: MemoMode | undefined; readonly verify?: number | undefined }

export function readMemoWish({ cache = 'off', verify = 0 }: MemoJson, report: Report): MemoWish {
  const wish = { mode: cache, verifyEvery: verify }
  if (verify > 0 && !mayReadMemo(wish)) {
    report('json-field', 'verify is for a cache that is read', '/verify')
  }
  return wish
}

export function mayReadMemo({ mode }: MemoWish): boolean {
  return mode === 'read' || mode === 'read-write'
}

export function mayWriteMemo({ mode }: MemoWish): boolean {
  return mode === 'write' || mode === 'read-write'
}
