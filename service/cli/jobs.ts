// `zvm jobs` and `zvm logs`: jobs that were left with a service.
import { Readable } from 'node:stream'
import Table from 'cli-table3'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { z } from 'zod'
import { Client } from './client.ts'
import { CliError, statusRefused, statusStopped } from './exit-status.ts'
import { renderJob } from './job-view.ts'
import { parsePicturedReport, parseReport, type ReportOptions, showReport } from './report-view.ts'
import { makeSinks, writeTo } from './sinks.ts'

export type JobOptions = { readonly server: string; readonly json?: boolean | undefined }
export type OutputsOptions = JobOptions &
  ReportOptions & { readonly output: readonly string[]; readonly outputDir: string }

const problemSchema = z.looseObject({ code: z.string(), detail: z.string() })
const jobSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  createdAt: z.string(),
  endedAt: z.string().nullable(),
})
const viewSchema = jobSchema.extend({
  report: z.unknown(),
  problem: problemSchema.nullable(),
  outputs: z.array(z.looseObject({ name: z.string() })),
})
const listSchema = z.looseObject({ jobs: z.array(jobSchema), next: z.string().nullable() })

/** All pages; `state` leaves the others out. */
export async function listJobs(options: JobOptions & { readonly state?: string }): Promise<void> {
  const client = new Client(options.server)
  const table = new Table({
    head: ['job', 'state', 'created', 'ended'],
    style: { head: [], border: [] },
  })
  const query = new URLSearchParams(options.state === undefined ? {} : { state: options.state })
  for (let hasMore = true; hasMore; ) {
    const { jobs, next } = await client.get(`/v1/jobs?${query}`, listSchema)
    for (const job of jobs) {
      if (options.json === true) process.stdout.write(`${JSON.stringify(job)}\n`)
      else table.push([job.id, job.state, job.createdAt, job.endedAt ?? ''])
    }
    hasMore = next !== null
    if (next !== null) query.set('after', next)
  }
  if (options.json !== true) process.stdout.write(`${table.toString()}\n`)
}

export async function showJob(
  id: string,
  options: JobOptions & { readonly picture?: boolean },
): Promise<void> {
  const job = await new Client(options.server).get(pathOf(id), viewSchema)
  if (options.picture === true) {
    if (job.report === null) throw new CliError(statusRefused, 'report-missing', job.state)
    process.stdout.write(renderJob(parsePicturedReport(job.report)))
    return
  }
  process.stdout.write(`${JSON.stringify(job, undefined, options.json === true ? 0 : 2)}\n`)
}

export async function cancelJob(id: string, options: JobOptions): Promise<void> {
  await new Client(options.server).send('DELETE', pathOf(id))
}

/** Fetches what an ended job wrote; the exit status is the guest's, as `submit` would have it. */
export async function fetchOutputs(id: string, options: OutputsOptions): Promise<number> {
  const client = new Client(options.server)
  const sinks = makeSinks(options.output, options.outputDir)
  const { state, report, problem, outputs } = await client.get(pathOf(id), viewSchema)
  if (problem !== null) {
    const { code, detail, ...more } = problem
    throw new CliError(statusRefused, code, detail, more)
  }
  if (report === null) {
    const hasEnded = state !== 'queued' && state !== 'running'
    const status = hasEnded ? statusStopped : statusRefused
    throw new CliError(status, hasEnded ? `job-${state}` : 'job-not-ended', `the job is ${state}`)
  }
  for (const { name } of outputs) {
    const answer = await client.send('GET', `${pathOf(id)}/outputs/${encodeURIComponent(name)}`)
    if (answer.body !== null) await writeTo(sinks.sinkOf(name), Readable.fromWeb(answer.body))
  }
  return showReport(parseReport(report), options)
}

/** Prints events until the service has no more of them. */
export async function followJob(id: string, options: JobOptions): Promise<void> {
  const answer = await new Client(options.server).send('GET', `${pathOf(id)}/events`, {
    headers: { accept: 'text/event-stream' },
  })
  const events = answer.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
  for await (const { event = 'message', data } of events ?? []) {
    const line =
      options.json === true ? JSON.stringify({ event, data: jsonOf(data) }) : `${event} ${data}`
    process.stdout.write(`${line}\n`)
  }
}

function pathOf(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
