// What makes two jobs the same: everything that their guests can see, and nothing else. Names of
// parts and of responses, media types, the limit of time (a job that met it has no result), the
// order of a manifest's keys and its form do not count; the bytes behind every input do, wherever
// they come from. Pure.
import { createHash } from 'node:crypto'
import type { ChannelOf } from './channel.ts'
import type { Digest } from './digest.ts'
import type { GraphPlan } from './graph-plan.ts'
import type { ProgramUrl } from './manifest.ts'
import type { ObjectUrl } from './node-url.ts'
import type { Plan, SessionPlan, SessionSource } from './plan.ts'
import type { SourceUrl } from './source-url.ts'

/** Bytes that a job reads. */
export type InputUrl = Extract<SourceUrl, { kind: 'part' | 'sha256' }> | ObjectUrl

/** What a key is made of besides the job: changes with everything that may change results. */
export type MemoScope = {
  /** Of the runtime: its bytes, the processor. */
  readonly runtime: string
  /** Whose results these are. */
  readonly tenant: string
}

type Skeleton = { readonly text: string; readonly inputs: readonly InputUrl[] }
type Node = SessionPlan & { readonly program: ProgramUrl }

const skeletons = new WeakMap<object, Skeleton>()

/** 64 hex digits. `digestOf`: of the very bytes that the job will read. */
export function makeMemoKey(
  plan: Plan | GraphPlan,
  digestOf: (url: InputUrl) => Digest,
  { runtime, tenant }: MemoScope,
): string {
  const { text, inputs } = skeletonOf(plan)
  const digests = inputs.map(digestOf).join()
  return createHash('sha256').update(`${runtime}\n${tenant}\n${digests}\n${text}`).digest('hex')
}

/** Everything that the job reads, once for each channel that reads it. */
export function inputsOf(plan: Plan | GraphPlan): readonly InputUrl[] {
  return skeletonOf(plan).inputs
}

function skeletonOf(plan: Plan | GraphPlan): Skeleton {
  const known = skeletons.get(plan)
  if (known !== undefined) return known
  const inputs: InputUrl[] = []
  const nodes = 'nodes' in plan ? plan.nodes.map(nodeOf) : [nodeOf(plan)]
  const links = 'nodes' in plan ? plan.links : []
  // What is read before a checkpoint is not counted in sessions that start there.
  const isStarted = !('nodes' in plan) && plan.snapshot !== undefined
  const skeleton = { text: JSON.stringify({ nodes, links, isStarted }), inputs }
  skeletons.set(plan, skeleton)
  return skeleton

  function nodeOf({ program, memoryBytes, memoryEtag, nvram, channels }: Node) {
    inputs.push(program)
    return { memoryBytes, memoryEtag, nvram, channels: channels.map(channelOf) }
  }

  // Arrays: the order of channels is visible to a guest, and no name can be mistaken for another.
  function channelOf({ alias, type, etag, limits, sources }: ChannelOf<SessionSource>) {
    const { reads, readBytes, writes, writeBytes } = limits
    const told = [reads, readBytes, writes, writeBytes].map(String)
    return [alias, type, etag, told, sources.map((source) => sourceOf(source, writes > 0n))]
  }

  function sourceOf(source: SessionSource, isWritten: boolean): string | number {
    if (source.kind === 'link') return source.link
    if (source.kind === 'null' || source.kind === 'response') return source.kind
    if (isWritten) return 'object'
    inputs.push(source)
    return 'input'
  }
}
