// Composes the HTTP application. Never listens, never reads the environment.
import { mkdir, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import multipart from '@fastify/multipart'
import Fastify, { type FastifyInstance, type FastifyReply, LogController } from 'fastify'
import type { Config } from './config.ts'
import { type Counted, countBytes } from './http/byte-count.ts'
import { answerClientError } from './http/client-error.ts'
import { LeanLane } from './http/lean-lane.ts'
import { lingering } from './http/linger.ts'
import { learnMethods } from './http/methods.ts'
import { problemBody, problemType } from './http/problem.ts'
import { refusalOf } from './http/refusal.ts'
import { requestIdOf } from './http/request-id.ts'
import { cutStalledClients } from './http/stalled-clients.ts'
import { refuseOddHeads } from './http/strict-head.ts'
import { toProblem } from './http/to-problem.ts'
import { watchedBody } from './http/upload-watch.ts'
import { PlanCache } from './job/plan-cache.ts'
import { Memo } from './memo/memo.ts'
import { makeRuntimeId } from './memo/runtime-id.ts'
import { MemoStore } from './memo/store.ts'
import { addAsyncMetrics, addMemoMetrics, makeMetrics } from './metrics.ts'
import { addAsyncJobRoutes } from './routes/async-jobs.ts'
import { addJobEventRoutes } from './routes/job-events.ts'
import { addJobRoutes } from './routes/jobs.ts'
import { LeanJobs } from './routes/lean-jobs.ts'
import { addObjectRoutes } from './routes/objects.ts'
import { addProgramRoutes } from './routes/programs.ts'
import { addServiceRoutes } from './routes/service.ts'
import { AsyncJobs } from './run/async-jobs.ts'
import { tryInlineStart } from './run/inline-start.ts'
import { NodeSlots } from './run/node-slots.ts'
import { ProgramStore } from './run/program-store.ts'
import { Scheduler } from './run/scheduler.ts'
import { Sessions } from './run/sessions.ts'
import { frameBytesMax } from './run/wire.ts'
import { FsStore } from './store/fs.ts'
import { openTracing } from './trace.ts'

export type App = {
  readonly http: FastifyInstance
  readonly scheduler: Scheduler
  readonly asyncJobs: AsyncJobs
  readonly sessions: Sessions
  readonly memo: Memo
}

/** Closing `http` ends the workers too. */
export async function buildApp(config: Config): Promise<App> {
  // First, for it refuses a folder that another service owns.
  const store = new FsStore(join(config.dataDir, 'objects'), config.limits)
  // A kill between the creation of a scratch file and its unlinking leaves a name behind.
  const scratchDir = join(config.dataDir, 'scratch')
  await rm(scratchDir, { recursive: true, force: true })
  await mkdir(scratchDir, { recursive: true, mode: 0o700 })
  const scheduler = new Scheduler(config.limits)
  const programs = new ProgramStore(join(config.dataDir, 'programs'))
  await programs.open()

  const http = Fastify({
    logger: { level: config.logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.limits.requestBytesMax,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: 200 },
    http: {
      headersTimeout: config.limits.headersMsMax,
      connectionsCheckingInterval: Math.max(1, config.limits.headersMsMax / 4),
      requireHostHeader: false,
    },
    frameworkErrors: (error, request, reply) => {
      const problem = toProblem(error)
      const answer = reply as FastifyReply
      answer.header('x-request-id', request.id).code(problem.status).type(problemType)
      answer.send(JSON.stringify(problemBody(problem)))
    },
    clientErrorHandler: answerClientError,
  })
  // Those that Fastify brings collect whole bodies in memory.
  http.removeAllContentTypeParsers()
  http.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  refuseOddHeads(http)
  const answerUnrouted = learnMethods(http)
  http.server.maxConnections = config.limits.connectionsMax
  cutStalledClients(http.server, config.limits.responseIdleMs)
  const { nativeDir, workerReuse: reuse, limits } = config
  const sessions = new Sessions({
    nativeDir,
    scratchDir,
    reuse,
    limits,
    onWorkerDeath: (error) => http.log.warn({ err: error }, 'worker died'),
  })
  await sessions.open()
  http.addHook('onClose', () => sessions.close())
  const metrics = makeMetrics(scheduler, sessions, limits.tenantLabelsMax)
  await http.register(multipart)
  // Bodies are streams; whoever reads them counts the bytes.
  http.addContentTypeParser('application/x-tar', (_request, _body, done) => done(null, undefined))
  // A manifest, which is checked like one that comes as a part.
  http.removeContentTypeParser('application/json')
  http.addContentTypeParser('*', (request, _body, done) => done(null, watchedBody(request, limits)))
  http.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    metrics.problems.inc({ code: problem.code })
    // Refusals under load are counted, not told one by one.
    if (problem.status >= 500 && problem.status !== 503) {
      request.log.error({ err: error }, 'request failed')
    }
    if (typeof problem.more.retryAfterS === 'number') {
      reply.header('retry-after', String(problem.more.retryAfterS))
    }
    reply.code(problem.status).type(problemType)
    const body = problemBody(problem)
    if (request.raw.complete || request.raw.destroyed) return reply.send(body)
    // A body that nobody will read any more must not keep the connection.
    const text = JSON.stringify(body)
    reply.headers({ connection: 'close', 'content-length': Buffer.byteLength(text) })
    return reply.send(lingering(request, text))
  })
  // One line a request.
  http.addHook('onResponse', async ({ method, url, log }, { statusCode, elapsedTime }) => {
    log.info({ method, url, statusCode, ms: elapsedTime }, 'request completed')
  })
  // A connection kept alive would hold up the end of the process.
  http.addHook('onResponse', async (request) => {
    if (scheduler.isDraining) request.raw.socket.end()
  })
  http.setNotFoundHandler(answerUnrouted)
  http.addHook('onClose', async () => store.close())
  const nodeSlots = new NodeSlots(config.limits.nodesRunningMax)
  const asyncJobs = new AsyncJobs({
    folder: join(config.dataDir, 'jobs'),
    limits: config.limits,
    problemOf: (error) => problemBody(toProblem(error)),
    refusalOf,
    onEnd: (jobId, state, err) => {
      if (err !== undefined && toProblem(err).status >= 500) {
        http.log.error({ jobId, err }, 'job failed')
      } else http.log.info({ jobId, state }, 'job ended')
    },
  })
  http.addHook('onClose', () => asyncJobs.close())
  const { cpuFeatures } = sessions.workers.kind
  const runtime = makeRuntimeId(join(nativeDir, 'zvm-worker'), cpuFeatures)
  const memo = new Memo(new MemoStore(join(config.dataDir, 'memo'), limits, runtime), {
    runtime,
    recordBytesMax: limits.memoEntryBytesMax,
    onMismatch: (key) => http.log.error({ key }, 'a memoised job gave another result'),
  })
  http.addHook('onClose', () => memo.close())
  const tracing = await openTracing(config.traceExporter)
  http.addHook('onClose', () => tracing.close())
  addAsyncMetrics(metrics, asyncJobs)
  addMemoMetrics(metrics, memo)
  const counted = new WeakMap<Socket, Counted>()
  countBytes(http, metrics, config.tenantHeader, counted)
  const deps = {
    config,
    scheduler,
    programs,
    sessions,
    metrics,
    tracing,
    store,
    asyncJobs,
    nodeSlots,
    memo,
  }
  // Spans are made by the HTTP server's route alone.
  if (sessions.hasInline && config.traceExporter === 'off') {
    const keepAliveMs = http.server.keepAliveTimeout
    const plans = new PlanCache(config.limits, tryInlineStart)
    const logsRequests = ['info', 'debug', 'trace'].includes(config.logLevel)
    const { log } = http
    const jobs = new LeanJobs({ ...deps, log, logsRequests, plans, counted, keepAliveMs })
    new LeanLane(http.server, jobs, { keepAliveMs, bodyBytesMax: frameBytesMax })
  }
  addJobRoutes(http, deps)
  addAsyncJobRoutes(http, deps)
  addJobEventRoutes(http, deps)
  addProgramRoutes(http, deps)
  addObjectRoutes(http, deps)
  await addServiceRoutes(http, deps)
  return { http, scheduler, sessions, asyncJobs, memo }
}
