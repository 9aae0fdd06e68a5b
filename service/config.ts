// Environment → one frozen Config. Every limit of the service is named here, with its unit;
// nobody else reads the environment. GET /v1/limits shows what is in force.
import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { type TraceExporter, traceExporters } from './trace.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3

/** name → default, unit, what it bounds. The variable is ZVM_ and the name in capitals. */
export const limitTable = {
  manifestBytesMax: [524_288, 'bytes', 'manifest part'],
  programBytesMax: [256 * mib, 'bytes', 'program part or stored program'],
  partBytesMax: [8 * gib, 'bytes', 'one input part'],
  requestBytesMax: [16 * gib, 'bytes', 'whole request body'],
  partsMax: [250, 'parts', 'one request'],
  partHeaderBytesMax: [16_384, 'bytes', 'headers of one part'],
  imageEntriesMax: [100_000, 'entries', 'tar image'],
  imageContentBytesMax: [4 * gib, 'bytes', 'files of a tar image'],
  memoryBytesDefault: [64 * mib, 'bytes', 'guest memory of a job that does not say'],
  memoryBytesMax: [2 * gib, 'bytes', 'guest memory of one job'],
  timeoutMsDefault: [10_000, 'ms', 'wall-clock time of a guest that does not say'],
  timeoutMsMax: [600_000, 'ms', 'wall-clock time of one guest'],
  killGraceMs: [2_000, 'ms', 'after the deadline, before the process is killed'],
  uploadIdleMs: [30_000, 'ms', 'silence of a client within its request'],
  uploadBytesMin: [1_024, 'bytes', 'least that a client sends within uploadIdleMs'],
  headersMsMax: [15_000, 'ms', 'header of a request, from its first byte or the connection'],
  responseIdleMs: [60_000, 'ms', 'a client does not read its answer'],
  connectionsMax: [8_192, 'connections', 'of clients at once'],
  uploadMemoryBytesMax: [256 * 1024, 'bytes', 'one part in memory; larger ones go to disk'],
  liveBytesPerSecondMin: [8 * mib, 'bytes/s', 'of a client whose last input runs into the guest'],
  liveWaitMsMax: [30_000, 'ms', "standstill of a guest's clock while it waits for a live input"],
  pumpsMax: [64, 'streams', 'large ones at once that native threads move'],
  spoolMemoryBytesMax: [1 * mib, 'bytes', 'waiting output in memory, one channel'],
  spoolDiskBytesMax: [16 * gib, 'bytes', 'waiting output on disk, one channel'],
  concurrencyMax: [Math.max(2, availableParallelism()), 'jobs', 'running at once'],
  plansMax: [1_000, 'plans', 'checked small manifests that are remembered'],
  queueMax: [256, 'jobs', 'uploading or waiting for their turn'],
  queueWaitMs: [30_000, 'ms', 'wait for the turn before 503'],
  workersSpare: [2, 'processes', 'fresh workers that wait for a session'],
  workerStartMsMax: [10_000, 'ms', 'from the start of a worker to its hello'],
  imagesMax: [1_000, 'programs', 'prepared and kept in memory'],
  imageBytesMax: [512 * mib, 'bytes', 'prepared programs in memory'],
  snapshotsMax: [256, 'snapshots', 'kept in memory'],
  snapshotBytesMax: [16 * mib, 'bytes', 'one snapshot'],
  snapshotStoreBytesMax: [256 * mib, 'bytes', 'snapshots in memory'],
  prepareMsMax: [30_000, 'ms', 'judging of one program'],
  tenantLabelsMax: [100, 'tenants', 'with a label of their own in the metrics'],
  storedProgramsMax: [10_000, 'programs', 'store of programs'],
  nodesMax: [10_000, 'nodes', 'one graph'],
  nodesLinkedMax: [1_000, 'nodes', 'one graph with links'],
  linksMax: [10_000, 'links', 'one graph'],
  nodesRunningMax: [1_000, 'nodes', 'all graphs that run at once; at least nodesLinkedMax'],
  graphWorkersMax: [Math.max(2, availableParallelism()), 'processes', 'one graph without links'],
  graphMemoryBytesMax: [64 * mib, 'bytes', 'outputs in memory, one graph without links'],
  reportNodesMax: [1_000, 'nodes', 'with a report of their own in that of a graph'],
  linkBytesMax: [33_554_432, 'bytes', 'kernel buffers of all links of one graph'],
  reportLinksMax: [2_000, 'links', 'in the report of a graph; above it those of groups'],
  objectBytesMax: [8 * gib, 'bytes', 'one stored object'],
  objectsMax: [1_000_000, 'objects', 'embedded store'],
  storeBytesMax: [64 * gib, 'bytes', 'embedded store'],
  asyncJobsMax: [10_000, 'jobs', 'asynchronous ones, those that ended included'],
  asyncQueueMax: [1_000, 'jobs', 'asynchronous ones that upload, wait or run'],
  asyncInputBytesMax: [32 * gib, 'bytes', 'uploads of asynchronous jobs that wait or run'],
  asyncPartsMax: [4_096, 'parts', 'uploads of asynchronous jobs that wait or run'],
  asyncOutputBytesMax: [16 * gib, 'bytes', 'outputs of one asynchronous job'],
  asyncStoreBytesMax: [64 * gib, 'bytes', 'outputs of all asynchronous jobs'],
  asyncRetentionMs: [86_400_000, 'ms', 'an asynchronous job is kept after its end'],
  memoBytesMax: [1 * gib, 'bytes', 'kept results of memoised jobs'],
  memoEntriesMax: [10_000, 'results', 'kept'],
  memoEntryBytesMax: [8 * mib, 'bytes', 'one kept result: all outputs and the report'],
  memoMemoryBytesMax: [64 * mib, 'bytes', 'kept results in memory, and those on their way to disk'],
  eventListenersMax: [256, 'listeners', 'streams of events at once'],
  eventHeartbeatMs: [15_000, 'ms', 'silence of a stream of events'],
  drainMs: [30_000, 'ms', 'running jobs after SIGTERM'],
} as const satisfies Record<string, readonly [number, string, string]>

/** session: every worker runs one task. tenant: those of one tenant. shared: those of anybody. */
export const reusePolicies = ['session', 'tenant', 'shared'] as const
export type ReusePolicy = (typeof reusePolicies)[number]

/** tenant: results are kept for each tenant alone. shared: they are given to anybody. */
export const memoScopes = ['tenant', 'shared'] as const
export type MemoScope = (typeof memoScopes)[number]

export type LimitName = keyof typeof limitTable
export type Limits = Readonly<Record<LimitName, number>>

export type Config = {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  /** Private folder (0700): stored programs, spools. */
  readonly dataDir: string
  readonly nativeDir: string
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Who may be served by a worker that has run a session before. */
  readonly workerReuse: ReusePolicy
  /** Who may get the kept result of a job. */
  readonly memoScope: MemoScope
  /** Header with the name of the client's tenant, in lower case; '' = all are one. */
  readonly tenantHeader: string
  /** Where spans go; OTEL_* variables say more. */
  readonly traceExporter: TraceExporter
  readonly limits: Limits
}

const schema = z.object({
  ZVM_HOST: z.string().min(1).default('127.0.0.1'),
  ZVM_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  ZVM_DATA_DIR: z
    .string()
    .min(1)
    .default(join(homedir(), '.local', 'state', 'zvm')),
  ZVM_NATIVE_DIR: z
    .string()
    .min(1)
    .default(join(import.meta.dirname, '..', 'native', 'build')),
  ZVM_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info'),
  ZVM_OTEL: z.enum(traceExporters).default('off'),
  ZVM_WORKER_REUSE: z.enum(reusePolicies).default('tenant'),
  ZVM_MEMO_SCOPE: z.enum(memoScopes).default('tenant'),
  ZVM_TENANT_HEADER: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/)
    .or(z.literal(''))
    .default(''),
})
const limitSchema = z
  .string()
  .regex(/^[0-9]{1,15}$/, 'must be a whole number')
  .transform(Number)

/** Throws an Error whose message names every wrong variable. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const wrong: string[] = []
  const parsed = schema.safeParse(env)
  if (!parsed.success) {
    wrong.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
  }
  const limits = Object.fromEntries(
    Object.entries(limitTable).map(([name, [value]]) => {
      const variable = variableOf(name)
      const text = env[variable]
      if (text === undefined) return [name, value]
      const number = limitSchema.safeParse(text)
      if (!number.success) wrong.push(`${variable}: must be a whole number`)
      return [name, number.data ?? value]
    }),
  ) as Limits
  if (limits.nodesRunningMax < Math.min(limits.nodesMax, limits.nodesLinkedMax)) {
    wrong.push('ZVM_NODES_RUNNING_MAX: at least ZVM_NODES_LINKED_MAX')
  }
  if (limits.graphWorkersMax < 1) wrong.push('ZVM_GRAPH_WORKERS_MAX: at least 1')
  if (limits.concurrencyMax < 1) wrong.push('ZVM_CONCURRENCY_MAX: at least 1')
  if (!parsed.success || wrong.length > 0) {
    throw new Error(`configuration refused: ${wrong.join('; ')}`)
  }
  return Object.freeze({
    host: parsed.data.ZVM_HOST,
    port: parsed.data.ZVM_PORT,
    dataDir: resolve(parsed.data.ZVM_DATA_DIR),
    nativeDir: resolve(parsed.data.ZVM_NATIVE_DIR),
    logLevel: parsed.data.ZVM_LOG_LEVEL,
    traceExporter: parsed.data.ZVM_OTEL,
    workerReuse: parsed.data.ZVM_WORKER_REUSE,
    memoScope: parsed.data.ZVM_MEMO_SCOPE,
    tenantHeader: parsed.data.ZVM_TENANT_HEADER,
    limits: Object.freeze(limits),
  })
}

/** memoryBytesMax → ZVM_MEMORY_BYTES_MAX */
export function variableOf(name: string): string {
  return `ZVM_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
