// A job as the memo sees it: its key, made of what it reads as it is now, and whether it has read
// that in the end.
import type { Deps } from '../deps.ts'
import type { JobRequest } from '../http/request-parts.ts'
import type { Digest } from '../job/digest.ts'
import { type InputUrl, type MemoScope, makeMemoKey } from '../job/memo-key.ts'
import type { MemoJob } from '../memo/memo.ts'
import type { JobSources } from './job-sources.ts'

/** Undefined when the job does not ask for it. Throws Problem when something is not stored. */
export function tryMemoJob(
  { plan }: JobRequest,
  { digestOf, opened }: JobSources,
  tenant: string,
  deps: Deps,
): MemoJob | undefined {
  if (plan.memo.mode === 'off') return undefined
  const { config } = deps
  const keyed = new Map<string, Digest>()
  const digestNow = (url: InputUrl): Digest => {
    const digest = digestOf(url)
    if (url.kind === 'object') keyed.set(`${url.bucket}/${url.key}`, digest)
    return digest
  }
  const nodes = 'nodes' in plan ? plan.nodes : [plan]
  const longestMs = nodes.reduce((most, { timeoutMs }) => Math.max(most, timeoutMs), 0)
  return {
    key: makeMemoKey(plan, digestNow, memoScopeOf(tenant, deps)),
    plan,
    waitMs: config.limits.queueWaitMs + longestMs,
    isKeepable: !('nodes' in plan) || plan.objectsWritten.length === 0,
    isAsKeyed: () =>
      opened.every(({ bucket, key, etag }) => keyed.get(`${bucket}/${key}`) === etag),
  }
}

/** Whose results a job may be given. */
export function memoScopeOf(tenant: string, { config, memo }: Deps): MemoScope {
  return { runtime: memo.runtime, tenant: config.memoScope === 'shared' ? '' : tenant }
}
