// What routes are given: made once by buildApp, passed down, never looked up.
import type { Config } from './config.ts'
import type { Memo } from './memo/memo.ts'
import type { Metrics } from './metrics.ts'
import type { AsyncJobs } from './run/async-jobs.ts'
import type { NodeSlots } from './run/node-slots.ts'
import type { ProgramStore } from './run/program-store.ts'
import type { Scheduler } from './run/scheduler.ts'
import type { Sessions } from './run/sessions.ts'
import type { ObjectStore } from './store/object.ts'
import type { Tracing } from './trace.ts'

export type Deps = {
  readonly config: Config
  readonly scheduler: Scheduler
  readonly programs: ProgramStore
  readonly sessions: Sessions
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly asyncJobs: AsyncJobs
  readonly store: ObjectStore
  readonly nodeSlots: NodeSlots
  readonly memo: Memo
}
