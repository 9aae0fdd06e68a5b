// POST /v1/jobs: reads the request, waits for a slot, runs the session, streams the answer. The
// answer begins when the guest has written its first byte or has ended, so that a refused program
// is still a clean 422.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { readBodyParts } from '../http/body-parts.ts'
import { Problem } from '../http/problem.ts'
import { refusalOf } from '../http/refusal.ts'
import { type JobRequest, readJobRequest } from '../http/request-parts.ts'
import {
  openMultipart,
  openRaw,
  openTar,
  type ResponseForm,
  tryResponseForm,
  tryWholeMultipart,
} from '../http/response-parts.ts'
import type { Digest } from '../job/digest.ts'
import { type JobEnd, type JobRun, startJob } from '../run/job-run.ts'
import type { Place } from '../run/scheduler.ts'
import type { JobInputs } from '../run/sessions.ts'
import { tryTenant } from '../tenant/tenant.ts'

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
  const job = await readJobRequest(readBodyParts(request, limits), limits, deps.sessions)
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
    job.program?.upload.close()
    for (const input of job.inputs.values()) input.close()
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
  const { sessions, metrics, config } = deps
  const { program, inputs } = openSources(job, deps)
  const queuedMs = performance.now()
  await place.acquire(signal)
  const beganMs = performance.now()
  metrics.queueSeconds.observe((beganMs - queuedMs) / 1000)
  let run: JobRun
  try {
    run = await startJob(job.plan, program, inputs, sessions, tenant, config.limits, signal)
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

function openSources(job: JobRequest, deps: Deps): { program: Digest; inputs: JobInputs } {
  const { native } = deps.sessions
  const { plan, program } = job
  const blobPath = (digest: Digest): string => {
    const path = deps.programs.tryPath(digest)
    if (path === undefined) throw new Problem('blob-not-found', digest, { digest })
    return path
  }
  for (const source of plan.channels.flatMap((channel) => channel.sources)) {
    if (source.kind === 'sha256') blobPath(source.digest)
  }
  const url = plan.program
  if (url.kind === 'sha256' && deps.programs.tryPath(url.digest) === undefined) {
    throw new Problem('program-not-found', 'PUT /v1/programs stores it', { digest: url.digest })
  }
  const openPart = (name: string) => {
    const isProgram = url.kind === 'part' && url.name === name
    const upload = isProgram ? program?.upload : job.inputs.get(name)
    if (upload === undefined) throw new Error(`a request without its part ${name} got through`)
    return upload.open()
  }
  const openBlob = (digest: Digest) => native.openFile(blobPath(digest))
  if (url.kind === 'sha256') {
    const openProgram = () => openBlob(url.digest)
    return { program: url.digest, inputs: { openProgram, openPart, openBlob } }
  }
  if (program === undefined) throw new Error('a request without its program got through')
  const openProgram = () => openPart(url.name)
  return { program: program.digest, inputs: { openProgram, openPart, openBlob } }
}
