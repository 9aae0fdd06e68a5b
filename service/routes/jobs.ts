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
} from '../http/response-parts.ts'
import type { Digest } from '../job/digest.ts'
import { type JobRun, startJob } from '../run/job-run.ts'
import type { SessionSources } from '../run/session-process.ts'

export function addJobRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/v1/jobs', async (request, reply) => {
    const form = tryResponseForm(request.headers.accept)
    if (form === undefined) throw new Problem('not-acceptable', 'multipart/mixed, tar or raw')
    deps.scheduler.checkRoom()
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const parts = readBodyParts(request, deps.config.limits)
    const job = await readJobRequest(parts, deps.config.limits, deps.scratchDir)
    let isHandedOver = false
    try {
      if (form === 'raw' && job.plan.responses.length !== 1) {
        throw new Problem('not-acceptable', 'a raw answer needs exactly one response: sink')
      }
      const run = await runJob(job, deps, gone.signal)
      isHandedOver = true
      return await answer(run, form, request, reply)
    } finally {
      // The session has descriptors of its own by now.
      closeUploads(job)
      if (!isHandedOver) gone.abort()
    }
  })
}

async function runJob(job: JobRequest, deps: Deps, signal: AbortSignal): Promise<JobRun> {
  const { program, sources } = openSources(job, deps)
  const queued = process.hrtime.bigint()
  const release = await deps.scheduler.acquire(signal)
  deps.metrics.queueSeconds.observe(secondsSince(queued))
  const began = process.hrtime.bigint()
  const options = { nativeDir: deps.config.nativeDir, scratchDir: deps.scratchDir }
  let run: JobRun
  try {
    signal.throwIfAborted()
    run = await startJob(job.plan, program, sources, options, deps.config.limits)
  } catch (error) {
    release()
    throw error
  }
  // First the outcome is counted, then the slot is free: nothing is lost in between.
  run.ended.then(({ report }) => {
    deps.metrics.jobs.inc({ outcome: report.outcome })
    deps.metrics.runSeconds.observe(secondsSince(began))
    release()
  })
  if (signal.aborted) run.close()
  else signal.addEventListener('abort', () => run.close(), { once: true })
  return run
}

async function answer(
  run: JobRun,
  form: ResponseForm,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let hasEnded = false
  const ended = run.ended.then(() => {
    hasEnded = true
  })
  while (!hasEnded && run.outputs.every((output) => output.sizeBytes === 0)) {
    await Promise.race([ended, run.changed()])
  }
  if (hasEnded) {
    const { native, report } = await run.ended
    const refusal = refusalOf(native)
    if (refusal !== undefined) {
      run.close()
      throw refusal
    }
    request.log.info({ outcome: report.outcome, reason: report.reason }, 'job ended')
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

function openSources(job: JobRequest, deps: Deps): { program: Digest; sources: SessionSources } {
  const inputs = new Map([...job.inputs].map(([name, upload]) => [name, upload.scratch]))
  const blobPath: SessionSources['blobPath'] = ({ digest }) => {
    const path = deps.programs.tryPath(digest)
    if (path === undefined) throw new Problem('blob-not-found', digest, { digest })
    return path
  }
  for (const source of job.plan.channels.flatMap((channel) => channel.sources)) {
    if (source.kind === 'sha256') blobPath(source)
  }
  const url = job.plan.program
  if (url.kind === 'sha256') {
    const path = deps.programs.tryPath(url.digest)
    if (path === undefined) {
      throw new Problem('program-not-found', 'PUT /v1/programs stores it', { digest: url.digest })
    }
    return { program: url.digest, sources: { program: { path }, inputs, blobPath } }
  }
  if (job.program === undefined) throw new Error('a request without its program got through')
  const { digest, scratch } = job.program
  return { program: digest, sources: { program: scratch, inputs, blobPath } }
}

function closeUploads(job: JobRequest): void {
  job.program?.scratch.close()
  for (const input of job.inputs.values()) input.scratch.close()
}

function secondsSince(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1e9
}
