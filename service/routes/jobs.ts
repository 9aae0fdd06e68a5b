// POST /v1/jobs: reads the request, waits for a slot, runs the session, streams the answer. The
// answer begins when the guest has written its first byte or has ended, so that a refused program
// is still a clean 422.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { readBodyParts, tryIncomplete } from '../http/body-parts.ts'
import { DirectAnswer } from '../http/direct-answer.ts'
import { DirectBody } from '../http/direct-body.ts'
import type { LiveInput } from '../http/live-input.ts'
import { prefersAsync } from '../http/prefer.ts'
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
import { tenantOf } from '../http/tenant.ts'
import type { Digest } from '../job/digest.ts'
import type { Plan } from '../job/plan.ts'
import type { Outcome } from '../job/report.ts'
import { startGraph } from '../run/graph-run.ts'
import { type JobEnd, type JobRun, startJob } from '../run/job-run.ts'
import { looseWorkers, startLoose } from '../run/loose-run.ts'
import type { Place } from '../run/scheduler.ts'
import { listingOf } from '../store/listing.ts'
import type { Span } from '../trace.ts'
import { acceptJob, type ReadJob } from './async-jobs.ts'
import { tryMemoJob } from './job-memo.ts'
import { type JobSources, openSources } from './job-sources.ts'

/** Whose job it is, its place among the others, and the span of all it does. */
type Turn = { readonly tenant: string; readonly place: Place; readonly span: Span }

/** Made once: an AbortError of its own for every request would be told to nobody. */
const clientGone = new Error('the client has gone or has its answer')

export function addJobRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/v1/jobs', async (request, reply) => {
    if (prefersAsync(request.headers.prefer)) {
      return acceptJob(request, reply, deps, (reserve) => readAsyncJob(request, deps, reserve))
    }
    const form = tryResponseForm(request.headers.accept)
    if (form === undefined) throw new Problem('not-acceptable', 'multipart/mixed, tar or raw')
    const tenant = tenantOf(request, deps.config)
    const place = deps.scheduler.admit()
    const gone = new AbortController()
    const closed = new Promise<void>((resolve) => reply.raw.once('close', resolve))
    const span = deps.tracing.start('zvm.job', request.headers)
    closed.then(() => {
      gone.abort(clientGone)
      span.end()
    })
    let run: JobRun | undefined
    try {
      const turn = { tenant, place, span }
      const started = await startRequest(request, reply, form, turn, deps, gone.signal)
      run = started.run
      const response = span.child('response')
      closed.then(() => response.end())
      if (run.cache !== undefined) reply.header('zvm-cache', run.cache)
      return await answer(started, form, reply, deps)
    } catch (error) {
      run?.close()
      span.end(error)
      throw error
    } finally {
      if (run === undefined) place.release()
      else Promise.all([run.left, closed]).then(place.release)
    }
  })
}

type Started = { readonly run: JobRun; readonly live: LiveInput | undefined }

async function startRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  form: ResponseForm,
  turn: Turn,
  deps: Deps,
  signal: AbortSignal,
): Promise<Started> {
  const { limits } = deps.config
  const listing = listingOf(deps.store)
  const direct = DirectBody.tryOpen(request, reply, deps.sessions.native, limits.pumpsMax)
  const parts = readBodyParts(request, limits, direct)
  const upload = turn.span.child('upload')
  const reading = readJobRequest(parts, limits, deps.sessions, { listing, mayLive: true })
  const job = await reading.finally(() => upload.end())
  let run: JobRun | undefined
  try {
    if (form === 'raw' && job.plan.responses.length !== 1) {
      throw new Problem('not-acceptable', 'a raw answer needs exactly one response: sink')
    }
    run = await runJob(job, turn, deps, signal)
    const { sessionIds } = run
    run.ended.then(({ report: { outcome, reason, cache } }) => {
      const { tenant } = turn
      request.log.info({ tenant, sessionIds, outcome, reason, cache }, 'job ended')
    })
    if (job.live !== undefined) pump(job.live, run)
    return { run, live: job.live }
  } finally {
    // The session has descriptors of its own by now.
    closeRequest(job)
    if (run === undefined) job.live?.close()
  }
}

function pump(live: LiveInput, run: JobRun): void {
  live.pump().catch((error) => run.fail(tryIncomplete(error) ?? error))
}

async function readAsyncJob(
  request: FastifyRequest,
  deps: Deps,
  reserve?: (bytes: number) => void,
): Promise<ReadJob> {
  const { limits } = deps.config
  const tenant = tenantOf(request, deps.config)
  const parts = readBodyParts(request, limits)
  // What waits for long is not kept in memory.
  const spooled = { ...limits, uploadMemoryBytesMax: 0 }
  const options = { listing: listingOf(deps.store), mayLive: false }
  const { native, scratchDir } = deps.sessions
  const job = await readJobRequest(parts, spooled, { native, scratchDir, reserve }, options)
  const dispose = () => closeRequest(job)
  try {
    // What is not stored is told now.
    const sources = sourcesOf(job, deps)
    const memoJob = tryMemoJob(job, sources, tenant, deps)
    const programs = [...job.programs.values()]
    const uploads = [...job.inputs.values(), ...programs].map(({ upload }) => upload)
    return {
      tenant,
      program: programOf(job),
      inputBytes: uploads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      parts: uploads.length,
      tryWait: memoJob === undefined ? undefined : deps.memo.waiterOf(memoJob),
      start: async (jobId, signal) => {
        const place = deps.scheduler.admitAsync()
        const span = deps.tracing.start('zvm.job', request.headers)
        span.set({ 'zvm.job.id': jobId })
        try {
          const run = await runJob(job, { tenant, place, span }, deps, signal, false)
          request.log.info({ jobId, tenant, sessionIds: run.sessionIds }, 'job runs')
          run.left.then(place.release)
          run.ended.then(() => span.end())
          return run
        } catch (error) {
          place.release()
          span.end(error)
          throw error
        }
      },
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}

/** Undefined: a graph, which may have many. */
function programOf({ plan, programs }: JobRequest): Digest | undefined {
  if ('nodes' in plan) return undefined
  const { program } = plan
  return program.kind === 'sha256' ? program.digest : programs.get(program.name)?.digest
}

/**
 * Waits for a slot and starts the job. The slot is free again when the worker is done with it; the
 * place stays the caller's. Rejects with AdmissionError, Problem, and as startJob does.
 */
export async function runJob(
  job: JobRequest,
  turn: Turn,
  deps: Deps,
  signal: AbortSignal,
  mayWait = true,
): Promise<JobRun> {
  const sources = sourcesOf(job, deps)
  const begin = () => beginJob(starterOf(job, sources, turn.tenant, deps), turn, deps, signal)
  const memoJob = tryMemoJob(job, sources, turn.tenant, deps)
  if (memoJob === undefined) return begin()
  const waitMs = mayWait ? memoJob.waitMs : 0
  const run = await deps.memo.run({ ...memoJob, waitMs }, signal, begin)
  turn.span.set({ 'zvm.cache': run.cache ?? 'miss' })
  if (run.cache === 'hit') {
    run.ended.then(({ report: { outcome } }) => countEnd(outcome, turn.tenant, deps))
  }
  return run
}

async function beginJob(
  start: Starter,
  { tenant, place, span }: Turn,
  deps: Deps,
  signal: AbortSignal,
): Promise<JobRun> {
  const { metrics } = deps
  const queuedMs = performance.now()
  const queue = span.child('queue')
  await place.acquire(signal).finally(() => queue.end())
  const beganMs = performance.now()
  metrics.queueSeconds.observe((beganMs - queuedMs) / 1000)
  const prepare = span.child('prepare')
  let run: JobRun
  try {
    run = await start(signal).finally(() => prepare.end())
  } catch (error) {
    place.releaseSlot()
    throw error
  }
  metrics.startSeconds.observe((performance.now() - beganMs) / 1000)
  const running = span.child('run')
  running.set({ 'zvm.tenant': tenant, 'zvm.sessions': run.sessionIds.join() })
  run.left.then(place.releaseSlot)
  run.ended.then(({ report: { outcome } }) => {
    running.set({ 'zvm.outcome': outcome })
    running.end()
    countEnd(outcome, tenant, deps)
    metrics.runSeconds.observe((performance.now() - beganMs) / 1000)
  })
  if (signal.aborted) run.close()
  else signal.addEventListener('abort', () => run.close(), { once: true })
  return run
}

function countEnd(outcome: Outcome, tenant: string, { metrics }: Deps): void {
  metrics.jobs.inc({ outcome, tenant: metrics.tenants.labelOf(tenant) })
}

/** Throws Problem when something that the job names is not stored. */
function sourcesOf(job: JobRequest, deps: Deps): JobSources {
  return openSources(job, 'nodes' in job.plan ? job.plan.nodes : [job.plan], deps)
}

type Starter = (signal: AbortSignal) => Promise<JobRun>

function starterOf(
  job: JobRequest,
  { inputs, programOf, digestOf }: JobSources,
  tenant: string,
  deps: Deps,
): Starter {
  const { plan } = job
  const { sessions, nodeSlots, store, config } = deps
  if (!('nodes' in plan)) {
    const program = programOf(plan.program)
    const started = withSnapshotImage(plan, digestOf)
    return (signal) => {
      return startJob(started, program, inputs, sessions, tenant, config.limits, signal, job.live)
    }
  }
  const { limits } = config
  const isLoose = plan.links.length === 0
  const count = isLoose ? looseWorkers(plan, limits) : plan.nodes.length
  return async (signal) => {
    const release = await nodeSlots.acquire(count, signal)
    try {
      const start = { plan, programOf, inputs, tenant }
      const run = await (isLoose ? startLoose : startGraph)(start, sessions, store, limits, signal)
      run.left.then(release)
      return run
    } catch (error) {
      release()
      throw error
    }
  }
}

/** A snapshot depends on the bytes of the image. */
function withSnapshotImage(plan: Plan, digestOf: JobSources['digestOf']): Plan {
  const { snapshot } = plan
  if (snapshot?.image === undefined) return plan
  const key = `${snapshot.key} ${digestOf(snapshot.image)}`
  return { ...plan, snapshot: { ...snapshot, key } }
}

async function answer(
  { run, live }: Started,
  form: ResponseForm,
  reply: FastifyReply,
  deps: Deps,
): Promise<FastifyReply> {
  const sent = live?.endsConnection === true && live.isPumping ? live.done : undefined
  let end: JobEnd | undefined
  if (run.cache === 'hit') end = await run.ended
  const ended = run.ended.then((how) => {
    end = how
  })
  while (end === undefined && run.outputs.every((output) => output.sizeBytes === 0)) {
    await Promise.race([ended, run.changed()])
  }
  if (run.failure !== undefined) throw run.failure
  if (end !== undefined) {
    const refusal = refusalOf(end.native)
    if (refusal !== undefined) throw refusal
    const isWhole = form === 'multipart' && sent === undefined
    const whole = isWhole ? tryWholeMultipart(run, end.report) : undefined
    if (whole !== undefined) return reply.type(whole.contentType).send(Buffer.concat(whole.pieces))
  }
  const direct = new DirectAnswer(deps.sessions.native, reply.raw, deps.config.limits.pumpsMax)
  const [only] = run.outputs
  if (form === 'raw' && only !== undefined) {
    const line = Promise.withResolvers<string>()
    reply.trailer('zvm-report', async () => line.promise)
    return reply.type(only.contentType).send(openRaw(run, only, direct, sent, line.resolve))
  }
  const { contentType, body } =
    form === 'tar' ? openTar(run, sent) : openMultipart(run, direct, sent)
  return reply.type(contentType).send(body)
}
