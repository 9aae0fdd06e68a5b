// POST /v1/jobs: reads the request, waits for a slot, runs the session, streams the answer. The
// answer begins when the guest has written its first byte or has ended, so that a refused program
// is still a clean 422.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { readBodyParts } from '../http/body-parts.ts'
import { Problem } from '../http/problem.ts'
import { refusalOf } from '../http/refusal.ts'
import { closeRequest, type JobRequest, readJobRequest } from '../http/request-parts.ts'
import {
  openMultipart,
  openRaw,
  openTar,
  type ResponseForm,
  tryResponseForm,
  tryWholeMultipart,
} from '../http/response-parts.ts'
import { startGraph } from '../run/graph-run.ts'
import { type JobEnd, type JobRun, startJob } from '../run/job-run.ts'
import type { Place } from '../run/scheduler.ts'
import { listingOf } from '../store/listing.ts'
import { tryTenant } from '../tenant/tenant.ts'
import { openSources } from './job-sources.ts'

export function addJobRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/v1/jobs', async (request, reply) => {
    const form = tryResponseForm(request.headers.accept)
    if (form === undefined) throw new Problem('not-acceptable', 'multipart/mixed, tar or raw')
    const tenant = tenantOf(request, deps)
    const place = deps.scheduler.admit()
    const gone = new AbortController()
    const closed = new Promise<void>((resolve) => reply.raw.once('close', resolve))
    closed.then(() => gone.abort())
    let run: JobRun | undefined
    try {
      run = await startRequest(request, form, tenant, place, deps, gone.signal)
      return await answer(run, form, reply)
    } catch (error) {
      run?.close()
      throw error
    } finally {
      if (run === undefined) place.release()
      else Promise.all([run.left, closed]).then(place.release)
    }
  })
}

/** The tenant of the request. Throws Problem when its name is none. */
export function tenantOf(request: FastifyRequest, deps: Deps): string {
  const { tenantHeader } = deps.config
  const tenant = tryTenant(request.headers, tenantHeader)
  if (tenant !== undefined) return tenant
  throw new Problem('request-invalid', `${tenantHeader}: 1 to 64 letters, digits, dots, _ or -`)
}

async function startRequest(
  request: FastifyRequest,
  form: ResponseForm,
  tenant: string,
  place: Place,
  deps: Deps,
  signal: AbortSignal,
): Promise<JobRun> {
  const { limits } = deps.config
  const listing = listingOf(deps.store)
  const parts = readBodyParts(request, limits)
  const job = await readJobRequest(parts, limits, deps.sessions, listing)
  try {
    if (form === 'raw' && job.plan.responses.length !== 1) {
      throw new Problem('not-acceptable', 'a raw answer needs exactly one response: sink')
    }
    const run = await runJob(job, tenant, place, deps, signal)
    run.ended.then(({ report: { outcome, reason } }) => {
      request.log.info({ tenant, outcome, reason }, 'job ended')
    })
    return run
  } finally {
    // The session has descriptors of its own by now.
    closeRequest(job)
  }
}

/**
 * Waits for a slot and starts the job. The slot is free again when the worker is done with it; the
 * place stays the caller's. Rejects with AdmissionError, Problem, and as startJob does.
 */
export async function runJob(
  job: JobRequest,
  tenant: string,
  place: Place,
  deps: Deps,
  signal: AbortSignal,
): Promise<JobRun> {
  const { metrics } = deps
  const start = starterOf(job, tenant, deps)
  const queuedMs = performance.now()
  await place.acquire(signal)
  const beganMs = performance.now()
  metrics.queueSeconds.observe((beganMs - queuedMs) / 1000)
  let run: JobRun
  try {
    run = await start(signal)
  } catch (error) {
    place.releaseSlot()
    throw error
  }
  const labels = { tenant: metrics.tenants.labelOf(tenant) }
  run.left.then(place.releaseSlot)
  run.ended.then(({ report: { outcome } }) => {
    metrics.jobs.inc({ outcome, ...labels })
    metrics.runSeconds.observe((performance.now() - beganMs) / 1000)
  })
  if (signal.aborted) run.close()
  else signal.addEventListener('abort', () => run.close(), { once: true })
  return run
}

/** What starts the job. Throws Problem when something that it names is not stored. */
function starterOf(
  job: JobRequest,
  tenant: string,
  deps: Deps,
): (signal: AbortSignal) => Promise<JobRun> {
  const { plan } = job
  const { sessions, nodeSlots, store, config } = deps
  if (!('nodes' in plan)) {
    const { inputs, programOf } = openSources(job, [plan], deps)
    const program = programOf(plan.program)
    return (signal) => {
      return startJob(plan, program, inputs, sessions, tenant, config.limits, signal)
    }
  }
  const { inputs, programOf } = openSources(job, plan.nodes, deps)
  return async (signal) => {
    const release = await nodeSlots.acquire(plan.nodes.length, signal)
    try {
      const start = { plan, programOf, inputs, tenant }
      const run = await startGraph(start, sessions, store, config.limits, signal)
      run.left.then(release)
      return run
    } catch (error) {
      release()
      throw error
    }
  }
}

async function answer(run: JobRun, form: ResponseForm, reply: FastifyReply): Promise<FastifyReply> {
  let end: JobEnd | undefined
  const ended = run.ended.then((how) => {
    end = how
  })
  while (end === undefined && run.outputs.every((output) => output.sizeBytes === 0)) {
    await Promise.race([ended, run.changed()])
  }
  if (end !== undefined) {
    const refusal = refusalOf(end.native)
    if (refusal !== undefined) throw refusal
    const whole = form === 'multipart' ? tryWholeMultipart(run, end.report) : undefined
    if (whole !== undefined) return reply.type(whole.contentType).send(whole.body)
  }
  const [only] = run.outputs
  if (form === 'raw' && only !== undefined) {
    const line = Promise.withResolvers<string>()
    reply.trailer('zvm-report', async () => line.promise)
    return reply.type(only.contentType).send(openRaw(run, only, line.resolve))
  }
  const { contentType, body } = form === 'tar' ? openTar(run) : openMultipart(run)
  return reply.type(contentType).send(body)
}
