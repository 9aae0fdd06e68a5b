// Prometheus metrics of one service instance. Names end in their unit; labels are bounded.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Memo } from './memo/memo.ts'
import type { AsyncJobs } from './run/async-jobs.ts'
import type { Scheduler } from './run/scheduler.ts'
import type { Sessions } from './run/sessions.ts'
import { TenantLabels } from './tenant/tenant.ts'

const secondsBuckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

export type Metrics = {
  readonly registry: Registry
  readonly jobs: Counter<'outcome' | 'tenant'>
  readonly problems: Counter<'code'>
  readonly bytes: Counter<'direction' | 'tenant'>
  readonly queueSeconds: Histogram
  readonly startSeconds: Histogram
  readonly runSeconds: Histogram
  readonly tenants: TenantLabels
}

export function makeMetrics(
  scheduler: Scheduler,
  sessions: Sessions,
  tenantLabelsMax: number,
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  addReadings(registry, readings(scheduler, sessions))
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets: secondsBuckets, registers })
  return {
    registry,
    jobs: new Counter({
      name: 'zvm_jobs_total',
      help: 'Jobs that ended, by outcome and tenant',
      labelNames: ['outcome', 'tenant'],
      registers,
    }),
    problems: new Counter({
      name: 'zvm_problems_total',
      help: 'Requests that were refused, by code',
      labelNames: ['code'],
      registers,
    }),
    bytes: new Counter({
      name: 'zvm_http_bytes_total',
      help: 'Bytes of requests and answers, by direction and tenant',
      labelNames: ['direction', 'tenant'],
      registers,
    }),
    startSeconds: histogram('zvm_job_start_seconds', 'From slot to session'),
    queueSeconds: histogram('zvm_job_queue_seconds', 'Wait for a slot'),
    runSeconds: histogram('zvm_job_run_seconds', 'From slot to report'),
    tenants: new TenantLabels(tenantLabelsMax),
  }
}

/** Asynchronous jobs come later than the metrics, which they count in. */
export function addAsyncMetrics(
  metrics: Pick<Metrics, 'registry'>,
  jobs: Pick<AsyncJobs, 'waiting' | 'active' | 'kept' | 'listeners' | 'inputBytes'>,
): void {
  addReadings(metrics.registry, [
    ['zvm_async_jobs_waiting', 'Asynchronous jobs that wait', () => jobs.waiting],
    ['zvm_async_jobs_active', 'Asynchronous jobs that start or run', () => jobs.active],
    ['zvm_async_jobs_kept', 'Asynchronous jobs, ended ones included', () => jobs.kept],
    ['zvm_async_input_bytes', 'Uploads of asynchronous jobs', () => jobs.inputBytes],
    ['zvm_event_listeners', 'Streams of events', () => jobs.listeners],
  ])
}

export function addMemoMetrics(metrics: Pick<Metrics, 'registry'>, memo: Memo): void {
  const { store } = memo
  addReadings(metrics.registry, [
    ['zvm_memo_hits_total', 'Jobs that got a kept result', () => memo.hits],
    ['zvm_memo_misses_total', 'Jobs that asked for a result and ran', () => memo.misses],
    ['zvm_memo_joined_total', 'Jobs that waited for one that ran the same', () => memo.joined],
    ['zvm_memo_stores_total', 'Results that were kept', () => memo.stores],
    ['zvm_memo_evictions_total', 'Results that made room for others', () => store.evictions],
    ['zvm_memo_failures_total', 'Results that could not be kept', () => store.failures],
    ['zvm_memo_verified_total', 'Results that a run has confirmed', () => memo.verified],
    ['zvm_memo_mismatches_total', 'Results that a run has refuted', () => memo.mismatches],
    ['zvm_memo_entries', 'Kept results', () => store.count],
    ['zvm_memo_bytes', 'Kept results on disk', () => store.sizeBytes],
    ['zvm_memo_memory_bytes', 'Kept results in memory', () => store.memoryBytes],
  ])
}

/** Counted where it happens; here it is only read. */
function addReadings(registry: Registry, readings: readonly Reading[]): void {
  const registers = [registry]
  for (const [name, help, read] of readings) {
    if (name.endsWith('_total')) {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    } else {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
  }
}

type Reading = readonly [name: string, help: string, read: () => number]

function readings(scheduler: Scheduler, sessions: Sessions): readonly Reading[] {
  const { workers, prepareWorkers, programs, snapshots, native } = sessions
  return [
    ['zvm_jobs_admitted', 'Jobs that upload, wait or run', () => scheduler.admitted],
    ['zvm_jobs_running', 'Jobs that have a slot', () => scheduler.running],
    ['zvm_jobs_waiting', 'Jobs that wait for a slot', () => scheduler.waiting],
    ['zvm_workers', 'Processes for sessions', () => workers.size],
    ['zvm_workers_busy', 'Processes that run a session', () => workers.busy],
    ['zvm_workers_started_total', 'Processes for sessions, ever started', () => workers.started],
    ['zvm_workers_died_total', 'Processes that ended by themselves', () => workers.died],
    [
      'zvm_worker_affinity_hits_total',
      'Sessions whose worker had their program mapped',
      () => workers.affinityHits,
    ],
    [
      'zvm_worker_affinity_misses_total',
      'Sessions whose worker had to map their program',
      () => workers.affinityMisses,
    ],
    [
      'zvm_workers_reused_total',
      'Sessions in a process that had run another',
      () => workers.reused,
    ],
    [
      'zvm_prepare_workers_started_total',
      'Processes that judge programs',
      () => prepareWorkers.started,
    ],
    ['zvm_images', 'Prepared programs', () => programs.count],
    ['zvm_image_bytes', 'Memory of prepared programs', () => programs.sizeBytes],
    ['zvm_image_hits_total', 'Jobs whose program was prepared already', () => programs.hits],
    ['zvm_image_misses_total', 'Programs that had to be prepared', () => programs.misses],
    ['zvm_snapshots', 'Snapshots that are kept', () => snapshots.count],
    ['zvm_snapshot_bytes', 'Memory of snapshots', () => snapshots.sizeBytes],
    ['zvm_snapshots_made_total', 'Snapshots that were made', () => snapshots.made],
    ['zvm_snapshots_refused_total', 'Attempts that left none', () => snapshots.refused],
    ['zvm_snapshot_uses_total', 'Sessions from a kept snapshot', () => snapshots.used],
    ['zvm_native_handles', 'Descriptors that the addon holds', () => native.stats().openHandles],
    [
      'zvm_native_leaks_total',
      'Descriptors that were forgotten',
      () => native.stats().leakedHandles,
    ],
  ]
}
