// What a session ended with, as its process tells it (docs/abi.md §6.2), and the report that
// clients get.
import { z } from 'zod'
import { type Digest, tryDigest } from './digest.ts'
import type { GroupReport } from './graph-report.ts'
import type { LinkReport } from './link-report.ts'

export const outcomes = ['exited', 'trapped', 'limited', 'cancelled', 'failed'] as const
export type Outcome = (typeof outcomes)[number]

const count = z.number().min(0)
const nativeSchema = z.object({
  outcome: z.enum(outcomes),
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
  validator: z.enum(['ok', 'failed', 'not-run']),
  profile: z.string().nullable(),
  wallMs: count,
  cpuMs: count,
  peakMemoryBytes: count,
  memoryEtag: z.string().nullable(),
  program: z.string().nullable(),
  fault: z.object({ signal: z.int(), address: z.string() }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  violationCount: count,
  violations: z.array(z.object({ offset: count, rule: z.string(), reason: z.string() })),
  channels: z.array(
    z.object({
      alias: z.string(),
      reads: count,
      readBytes: count,
      writes: count,
      writeBytes: count,
      etag: z.string().nullable(),
    }),
  ),
})
export type NativeReport = z.infer<typeof nativeSchema> & { readonly snapshot?: SnapshotMark }

/** The session has started from a snapshot: one made for it, or one that was kept. */
export type SnapshotMark = 'made' | 'used'

/** Last part of every answer. Keys and meaning: the HTTP contract, `Report` in openapi.yaml. */
export type Report = {
  readonly outcome: Outcome
  readonly exitCode: number | null
  readonly reason: string | null
  readonly validator: 'ok' | 'failed' | 'not-run'
  readonly profile: string | null
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakMemoryBytes: number
  readonly memoryEtag: string | null
  readonly fault: { readonly signal: number; readonly address: string } | null
  readonly error: { readonly code: string; readonly message: string } | null
  readonly channels: NativeReport['channels']
  readonly program: Digest | null
  /** Of a graph: the node that ended it for all. */
  readonly failedNode?: string | null
  /** Of a graph: its groups, in the order of the plan. */
  readonly groups?: readonly GroupReport[]
  /** Of a graph, in the order of the plan: every node, or those that failed when there are many. */
  readonly nodes?: readonly NodeReport[]
  /** Of a graph: what went through its links. */
  readonly links?: readonly LinkReport[]
  /** Of a graph: the objects that have become visible. */
  readonly objects?: readonly WrittenObject[]
  /** Of a job that asked for the memo. */
  readonly cache?: MemoMark
  /** Of a job that asked for snapshots and has started from one. */
  readonly snapshot?: SnapshotMark
}

/**
 * hit: a kept result, nothing has run. miss: it has run. verified, mismatch: it has run and was
 * compared with a kept result. bypass: it has run, and no result of it is ever kept.
 */
export type MemoMark = 'hit' | 'miss' | 'verified' | 'mismatch' | 'bypass'

export type NodeReport = Omit<
  Report,
  'failedNode' | 'groups' | 'nodes' | 'links' | 'objects' | 'cache' | 'snapshot'
> & {
  readonly node: string
}

export type WrittenObject = {
  readonly bucket: string
  readonly key: string
  readonly sizeBytes: number
  readonly etag: Digest
}

/** Undefined when the text is no report: the process died while it wrote it. */
export function tryNativeReport(text: string): NativeReport | undefined {
  try {
    return nativeSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export function makeReport(native: NativeReport, program: Digest): Report {
  const { violationCount: _count, violations: _violations, program: told, ...common } = native
  return { ...common, program: (told === null ? undefined : tryDigest(told)) ?? program }
}

/** Of a session that gave no report. `reason`: worker-died, deadline-exceeded, cancelled, … */
export function makeLostReport(
  outcome: Outcome,
  reason: string | null,
  program: Digest | null,
): Report {
  return {
    outcome,
    exitCode: null,
    reason,
    validator: 'not-run',
    profile: null,
    wallMs: 0,
    cpuMs: 0,
    peakMemoryBytes: 0,
    memoryEtag: null,
    fault: null,
    error: null,
    channels: [],
    program,
  }
}
