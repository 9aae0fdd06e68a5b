// Small jobs of stored programs on the lean lane: the same admission, plans, workers, answers and
// metrics as in routes/jobs.ts, without a stream or a promise for each. What is not in order is
// not taken, so that its problem is told in one place.
import { hash } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { Deps } from '../deps.ts'
import type { Counted } from '../http/byte-count.ts'
import { LeanAnswer } from '../http/lean-answer.ts'
import { type LeanHead, tryLeanHead } from '../http/lean-head.ts'
import type { LeanConnection, LeanHandler } from '../http/lean-lane.ts'
import { type LeanPart, tryLeanParts } from '../http/lean-multipart.ts'
import { Problem } from '../http/problem.ts'
import { refusalOf } from '../http/refusal.ts'
import { openMultipart, tryWholeMultipart } from '../http/response-parts.ts'
import { type Digest, digestOfHex } from '../job/digest.ts'
import { type InputUrl, makeMemoKey } from '../job/memo-key.ts'
import { type ManifestForm, tryManifestForm } from '../job/parse-manifest.ts'
import type { PlanCache } from '../job/plan-cache.ts'
import type { Report } from '../job/report.ts'
import { manifestPartName } from '../job/source-url.ts'
import type { InlineEvents, InlineJob, InlineRun } from '../run/inline-run.ts'
import { type InlineStart, inlineInputs, inlineRoomBytes } from '../run/inline-start.ts'
import type { JobEnd } from '../run/job-run.ts'
import type { Place } from '../run/scheduler.ts'
import { frameBytesMax } from '../run/wire.ts'
import { memoScopeOf } from './job-memo.ts'

export type LeanDeps = Deps & {
  readonly log: FastifyBaseLogger
  readonly plans: PlanCache<InlineStart | undefined>
  /** Bytes of sockets that have been handed over. */
  readonly counted: WeakMap<Socket, Counted>
  readonly keepAliveMs: number
  readonly logsRequests: boolean
}

/** A kept result as an answer. */
type Kept = Pick<Report, 'outcome' | 'reason'> & {
  readonly contentType: string
  readonly pieces: readonly Buffer[]
}

export class LeanJobs implements LeanHandler {
  readonly #deps: LeanDeps

  constructor(deps: LeanDeps) {
    this.#deps = deps
  }

  get isClosing(): boolean {
    return this.#deps.scheduler.isDraining
  }

  // What is larger does not fit into a frame anyway.
  tryHead(text: string): LeanHead | undefined {
    return tryLeanHead(text, frameBytesMax, this.#deps.config.tenantHeader)
  }

  handedOver(socket: Socket, unreadBytes: number): void {
    const { bytesRead, bytesWritten: written } = socket
    this.#deps.counted.set(socket, { read: bytesRead - unreadBytes, written })
  }

  take(head: LeanHead, body: Buffer, sizeBytes: number, connection: LeanConnection): boolean {
    const { scheduler } = this.#deps
    if (scheduler.isDraining) return false
    let place: Place
    try {
      place = scheduler.admit()
    } catch (error) {
      // Before anything was looked at, for saying no must cost nothing.
      new LeanAnswer(head, sizeBytes, connection, this.#deps).problem(error)
      return true
    }
    const job = this.#tryJob(head, body)
    const isMemo = job !== undefined && job.plan.memo.mode !== 'off'
    const kept = isMemo ? this.#tryKept(job, head.tenant) : undefined
    // What is not kept runs where others can wait for it.
    if (job === undefined || (isMemo && kept === undefined)) {
      place.release()
      return false
    }
    const answer = new LeanAnswer(head, sizeBytes, connection, this.#deps)
    if (kept !== undefined) {
      this.#giveKept(kept, head.tenant, answer)
      place.release()
      return true
    }
    new LeanJob(job, head.tenant, place, answer, this.#deps).begin()
    return true
  }

  #tryKept({ plan, start, inputs, program }: InlineJob, tenant: string): Kept | undefined {
    if (this.#deps.programs.tryPath(program) === undefined) return undefined
    const digestOf = (url: InputUrl): Digest => {
      if (url.kind === 'sha256') return url.digest
      const at = url.kind === 'part' ? start.parts.findIndex(({ part }) => part === url.name) : -1
      const input = inputs[at]
      if (input === undefined) throw new Error('an input that is no part of the request')
      return digestOfHex(hash('sha256', input.bytes, 'hex'))
    }
    const { memo } = this.#deps
    const run = memo.tryHit(makeMemoKey(plan, digestOf, memoScopeOf(tenant, this.#deps)), plan)
    const whole = run === undefined ? undefined : tryWholeMultipart(run, run.report)
    return run === undefined || whole === undefined ? undefined : { ...run.report, ...whole }
  }

  #giveKept({ outcome, reason, contentType, pieces }: Kept, tenant: string, answer: LeanAnswer) {
    const { metrics, log, logsRequests } = this.#deps
    metrics.jobs.inc({ outcome, tenant: metrics.tenants.labelOf(tenant) })
    const { requestId: reqId } = answer
    if (logsRequests) log.info({ reqId, tenant, outcome, reason, cache: 'hit' }, 'job ended')
    answer.whole(contentType, pieces, 'zvm-cache: hit\r\n')
  }

  #tryJob(head: LeanHead, body: Buffer): InlineJob | undefined {
    try {
      if ('form' in head.body) return this.#jobOf(body, head.body.form, [])
      const [manifest, ...inputs] = tryLeanParts(body, head.body.boundary) ?? []
      if (manifest?.name !== manifestPartName) return undefined
      const form = tryManifestForm(manifest.contentType)
      return form && this.#jobOf(manifest.bytes, form, inputs)
    } catch {
      // The manifest is wrong: the HTTP server's route says how.
      return undefined
    }
  }

  #jobOf(manifest: Buffer, form: ManifestForm, parts: readonly LeanPart[]): InlineJob | undefined {
    const { plans, programs } = this.#deps
    const { plan, extra: start } = plans.get(manifest, form) ?? {}
    if (plan === undefined || start === undefined || plan.program.kind !== 'sha256')
      return undefined
    // Snapshots are the business of the HTTP server's route.
    if (plan.snapshot !== undefined) return undefined
    const { digest } = plan.program
    if (parts.length !== plan.inputParts.length) return undefined
    let roomBytes = inlineRoomBytes(start)
    for (const name of plan.inputParts) {
      const part = parts.find((each) => each.name === name)
      if (part === undefined) return undefined
      // A part may be the input of several channels.
      roomBytes -= part.bytes.length * start.parts.filter((each) => each.part === name).length
    }
    if (roomBytes < 0 || !programs.has(digest)) return undefined
    const bytesOf = (name: string) => {
      const part = parts.find((each) => each.name === name)
      if (part === undefined) throw new Error('a part that was there')
      return part.bytes
    }
    return { plan, start, program: digest, inputs: inlineInputs(start, bytesOf) }
  }
}

class LeanJob implements InlineEvents {
  readonly #job: InlineJob
  readonly #tenant: string
  readonly #place: Place
  readonly #answer: LeanAnswer
  readonly #deps: LeanDeps
  readonly #admittedMs = performance.now()
  #beganMs = 0
  #run: InlineRun | undefined
  #isGone = false
  #isStream = false

  constructor(job: InlineJob, tenant: string, place: Place, answer: LeanAnswer, deps: LeanDeps) {
    this.#job = job
    this.#tenant = tenant
    this.#place = place
    this.#answer = answer
    this.#deps = deps
  }

  begin(): void {
    this.#answer.onGone = () => this.#gone()
    this.#place.request(
      () => this.#start(),
      (error) => this.#fail(error),
    )
  }

  onStream(run: InlineRun): void {
    this.#isStream = true
    const { contentType, body } = openMultipart(run, undefined, undefined)
    this.#answer.stream(contentType, body).then(() => this.#release(run))
  }

  onLeft(): void {
    this.#place.releaseSlot()
  }

  onEnd(run: InlineRun, end: JobEnd): void {
    const { metrics } = this.#deps
    const { outcome } = end.report
    metrics.jobs.inc({ outcome, tenant: metrics.tenants.labelOf(this.#tenant) })
    metrics.runSeconds.observe((performance.now() - this.#beganMs) / 1000)
    this.#log(run, end)
    if (this.#isStream) return
    if (this.#isGone) {
      this.#release(run)
      return
    }
    const refusal = refusalOf(end.native)
    const whole = refusal === undefined ? tryWholeMultipart(run, end.report) : undefined
    this.#release(run)
    if (whole === undefined) this.#answer.problem(refusal)
    else this.#answer.whole(whole.contentType, whole.pieces)
  }

  #start(): void {
    const { sessions, metrics, config } = this.#deps
    this.#beganMs = performance.now()
    metrics.queueSeconds.observe((this.#beganMs - this.#admittedMs) / 1000)
    const job = this.#job
    this.#run = sessions.tryStartInline(job, this.#tenant, this, config.limits)
    if (this.#run === undefined) this.#startLater()
    else metrics.startSeconds.observe((performance.now() - this.#beganMs) / 1000)
  }

  #startLater(): void {
    const { sessions, metrics, config, programs } = this.#deps
    const digest = this.#job.program
    const open = () => {
      const path = programs.tryPath(digest)
      if (path === undefined) throw new Problem('program-not-found', 'it was stored', { digest })
      return sessions.native.openFile(path)
    }
    sessions
      .startInline(this.#job, { digest, open }, this.#tenant, this, config.limits)
      .then((run) => {
        this.#run = run
        metrics.startSeconds.observe((performance.now() - this.#beganMs) / 1000)
        if (this.#isGone) run.close()
      })
      .catch((error) => this.#fail(error))
  }

  #fail(error: unknown): void {
    this.#place.release()
    if (!this.#isGone) this.#answer.problem(error)
  }

  /** The client has: whatever runs for it ends. */
  #gone(): void {
    this.#isGone = true
    if (this.#run !== undefined) this.#run.close()
    else if (this.#beganMs === 0) this.#place.release()
  }

  #release(run: InlineRun): void {
    run.close()
    this.#place.release()
  }

  #log(run: InlineRun, { report: { outcome, reason } }: JobEnd): void {
    const { log, logsRequests } = this.#deps
    if (!logsRequests) return
    const { requestId: reqId } = this.#answer
    const { sessionIds } = run
    log.info({ reqId, tenant: this.#tenant, sessionIds, outcome, reason }, 'job ended')
  }
}
