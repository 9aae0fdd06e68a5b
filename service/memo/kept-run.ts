// A job that need not run: its outputs are there already. Looks like any other run to those who
// answer requests or keep outputs.
import { closeSync, openSync } from 'node:fs'
import type { PlannedResponse } from '../job/plan.ts'
import type { Report } from '../job/report.ts'
import { Changes } from '../run/changes.ts'
import type { JobRun } from '../run/job-run.ts'
import { Output } from '../run/output.ts'
import { Scratch } from '../run/scratch.ts'
import type { Kept } from './entry.ts'

/** Its end is known from the start. */
export type KeptRun = JobRun & { readonly report: Report }

/** `responses`: names and types that this job gives them. Takes over the descriptor. */
export function makeKeptRun(
  { report, outputs: kept, from }: Kept,
  responses: readonly PlannedResponse[],
): KeptRun {
  const changes = new Changes()
  const end = { report: { ...report, cache: 'hit' as const }, native: undefined }
  let position = 0
  const outputs = responses.map(({ name, contentType }, at) => {
    const sizeBytes = kept[at]?.sizeBytes ?? 0
    const output = new Output(name, contentType, changes.ring)
    if ('bytes' in from) {
      if (sizeBytes > 0) output.put(from.bytes.subarray(position, position + sizeBytes))
      output.end()
    } else if (sizeBytes === 0) output.end()
    else output.adopt(reopen(from.fd), sizeBytes, position)
    position += sizeBytes
    return output
  })
  if ('fd' in from) closeSync(from.fd)
  return {
    report: end.report,
    sessionIds: [],
    outputs,
    left: Promise.resolve(),
    ended: Promise.resolve(end),
    changed: () => changes.next(),
    failure: undefined,
    cache: 'hit',
    cancel: () => undefined,
    fail: () => undefined,
    close: () => {
      for (const output of outputs) output.close()
    },
  }
}

function reopen(fd: number): Scratch {
  return new Scratch(openSync(`/proc/self/fd/${fd}`, 'r'))
}
