// Jobs that outlive their request: POST /v1/jobs with `Prefer: respond-async`, and /v1/jobs/{id}.
// How a job is read and run is given by routes/jobs.ts, so that both kinds are the same.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { sendBytes } from '../http/byte-range.ts'
import { jobPageHeaders, renderJobPage } from '../http/job-page.ts'
import { Problem } from '../http/problem.ts'
import { tenantOf } from '../http/tenant.ts'
import { type AsyncJob, asyncStates, hasEnded } from '../job/async-state.ts'
import type { Digest } from '../job/digest.ts'
import type { AsyncWork } from '../run/async-jobs.ts'
import type { JobRun } from '../run/job-run.ts'

/** A job that was read, and that nobody runs yet. */
export type ReadJob = {
  readonly tenant: string
  /** Undefined: a graph, which may have many. */
  readonly program: Digest | undefined
  readonly inputBytes: number
  readonly parts: number
  /** Undefined when it may start; else when to ask again. */
  readonly tryWait: AsyncWork['tryWait']
  /** Waits for a slot. */
  readonly start: (id: string, signal: AbortSignal) => Promise<JobRun>
  /** Frees the uploads. Idempotent. */
  readonly dispose: () => void
}

const listSchema = z.object({
  state: z.enum(asyncStates).optional(),
  after: z.coerce.number().int().min(1).default(Number.MAX_SAFE_INTEGER),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
const idSchema = z.object({ id: z.uuid() })
const outputSchema = z.object({ id: z.uuid(), name: z.string() })

/**
 * `read` is told where to reserve what comes, when the request does not tell how much. It throws
 * when the job is not acceptable, or will never be able to start.
 */
export async function acceptJob(
  request: FastifyRequest,
  reply: FastifyReply,
  deps: Deps,
  read: (reserve?: (bytes: number) => void) => Promise<ReadJob>,
): Promise<FastifyReply> {
  const { requestBytesMax } = deps.config.limits
  const told = request.headers['content-length']
  const place = deps.asyncJobs.places.take(Math.min(Number(told ?? 0), requestBytesMax), 1)
  let work: ReadJob | undefined
  try {
    work = await read(told === undefined ? place.grow : undefined)
    place.settle(work.inputBytes, work.parts)
    const job = deps.asyncJobs.submit(place, work)
    request.log.info({ jobId: job.id }, 'job accepted')
    reply.headers({ location: `/v1/jobs/${job.id}`, 'preference-applied': 'respond-async' })
    return await reply.code(202).send(viewOf(job, deps))
  } catch (error) {
    work?.dispose()
    place.release()
    throw error
  }
}

export function addAsyncJobRoutes(app: FastifyInstance, deps: Deps): void {
  const { asyncJobs } = deps

  app.get('/v1/jobs', async (request) => {
    const query = listSchema.safeParse(request.query)
    if (!query.success) {
      throw new Problem('request-invalid', 'state: a state; after: from `next`; limit: 1 to 1000')
    }
    const { state, after: before, limit: countMax } = query.data
    const tenant = tenantOf(request, deps.config)
    const { jobs, isLast } = asyncJobs.list({ tenant, state, before, countMax })
    const last = jobs.at(-1)
    return {
      jobs: jobs.map((job) => summaryOf(job, deps)),
      next: isLast || last === undefined ? null : String(last.number),
    }
  })

  app.get('/v1/jobs/:id', async (request) => viewOf(findJob(request, deps), deps))

  app.get('/v1/jobs/:id/graph', async (request, reply) =>
    reply.headers(jobPageHeaders).send(renderJobPage(findJob(request, deps))),
  )

  app.delete('/v1/jobs/:id', async (request, reply) => {
    const { id, state } = findJob(request, deps)
    if (hasEnded(state)) {
      asyncJobs.remove(id)
      return reply.code(204).send()
    }
    asyncJobs.cancel(id)
    return viewOf(findJob(request, deps), deps)
  })

  app.get('/v1/jobs/:id/outputs/:name', async (request, reply) => {
    const { id, state } = findJob(request, deps)
    if (!hasEnded(state)) throw new Problem('job-not-ended', `the job is ${state}`, { state })
    const { name } = outputSchema.parse(request.params)
    const output = asyncJobs.tryOpenOutput(id, name)
    if (output === undefined)
      throw new Problem('output-not-found', `the job is ${state}`, { state })
    return sendBytes(output, request, reply)
  })
}

/** Throws Problem; the job of another tenant does not exist. */
export function findJob(request: FastifyRequest, deps: Deps): AsyncJob {
  const tenant = tenantOf(request, deps.config)
  const params = idSchema.safeParse(request.params)
  const job = params.success ? deps.asyncJobs.tryGet(params.data.id) : undefined
  if (job?.tenant !== tenant) throw new Problem('job-not-found', 'it never was, or it was removed')
  return job
}

function summaryOf(job: AsyncJob, deps: Deps) {
  const { id, state, program, createdMs, startedMs, endedMs } = job
  const { asyncRetentionMs } = deps.config.limits
  return {
    id,
    state,
    program: program ?? null,
    createdAt: timeOf(createdMs),
    startedAt: timeOf(startedMs),
    endedAt: timeOf(endedMs),
    expiresAt: timeOf(endedMs === undefined ? undefined : endedMs + asyncRetentionMs),
  }
}

function viewOf(job: AsyncJob, deps: Deps) {
  return {
    ...summaryOf(job, deps),
    report: job.report ?? null,
    problem: job.problem ?? null,
    links: {
      self: `/v1/jobs/${job.id}`,
      events: `/v1/jobs/${job.id}/events`,
      graph: `/v1/jobs/${job.id}/graph`,
    },
    outputs: job.outputs.map((output) => ({
      ...output,
      url: `/v1/jobs/${job.id}/outputs/${output.name}`,
    })),
  }
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
