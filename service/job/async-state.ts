// The life of a job that outlives its request, and what clients see of it. Pure.
import type { Digest } from './digest.ts'
import type { Report } from './report.ts'

/**
 * queued → running → done: the guest ended and its outputs are there. failed: refused, or ended
 * not by its own doing. cancelled: by a client. interrupted: the service ended before the job did.
 */
export const asyncStates = [
  'queued',
  'running',
  'done',
  'failed',
  'cancelled',
  'interrupted',
] as const
export type AsyncState = (typeof asyncStates)[number]

export function hasEnded(state: AsyncState): boolean {
  return state !== 'queued' && state !== 'running'
}

/** Complete: no output is known before all of its bytes are stored. */
export type AsyncOutput = {
  readonly name: string
  readonly contentType: string
  readonly sizeBytes: number
  readonly etag: Digest
}

/** Times in milliseconds since 1970, undefined when it has not come so far. */
export type AsyncJob = {
  /** Random and unguessable. */
  readonly id: string
  /** Greater for a later job. */
  readonly number: number
  readonly tenant: string
  readonly state: AsyncState
  /** Undefined: a graph, which may have many. */
  readonly program: Digest | undefined
  readonly createdMs: number
  readonly startedMs: number | undefined
  readonly endedMs: number | undefined
  /** Of a guest that was entered, in the states done and failed. */
  readonly report: Report | undefined
  /** Why there is no report, in the state failed: a problem (RFC 9457). */
  readonly problem: Readonly<Record<string, unknown>> | undefined
  readonly outputs: readonly AsyncOutput[]
}

/** One change of the state; numbers count from 1 within a job. */
export type AsyncEvent = {
  readonly number: number
  readonly state: AsyncState
  readonly atMs: number
}
