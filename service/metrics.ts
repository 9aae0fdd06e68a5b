// Prometheus metrics of one service instance. Names end in their unit.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Scheduler } from './run/scheduler.ts'

const secondsBuckets = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

export type Metrics = {
  readonly registry: Registry
  readonly jobs: Counter<'outcome'>
  readonly problems: Counter<'code'>
  readonly queueSeconds: Histogram
  readonly runSeconds: Histogram
}

export function makeMetrics(scheduler: Scheduler): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'zvm_jobs_running',
    help: 'Jobs that have a slot',
    registers,
    collect() {
      this.set(scheduler.running)
    },
  })
  new Gauge({
    name: 'zvm_jobs_waiting',
    help: 'Jobs that wait for a slot',
    registers,
    collect() {
      this.set(scheduler.waiting)
    },
  })
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets: secondsBuckets, registers })
  return {
    registry,
    jobs: new Counter({
      name: 'zvm_jobs_total',
      help: 'Jobs that ended, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    problems: new Counter({
      name: 'zvm_problems_total',
      help: 'Requests that were refused, by code',
      labelNames: ['code'],
      registers,
    }),
    queueSeconds: histogram('zvm_job_queue_seconds', 'Wait for a slot'),
    runSeconds: histogram('zvm_job_run_seconds', 'From slot to report'),
  }
}
