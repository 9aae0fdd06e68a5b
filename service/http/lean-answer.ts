// Answers on the lean lane as bytes: head and body in one piece, or a head that says chunked.
// Counts and logs what the hooks of the HTTP server do for other requests.
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import type { Metrics } from '../metrics.ts'
import type { LeanHead } from './lean-head.ts'
import type { LeanConnection } from './lean-lane.ts'
import { problemBody, problemType } from './problem.ts'
import { toProblem } from './to-problem.ts'

export type AnswerTools = {
  readonly metrics: Metrics
  readonly log: FastifyBaseLogger
  /** False: its level is too high for them. */
  readonly logsRequests: boolean
  readonly keepAliveMs: number
}

export class LeanAnswer {
  readonly requestId: string
  readonly #startMs = performance.now()
  readonly #head: LeanHead
  readonly #requestBytes: number
  readonly #connection: LeanConnection
  readonly #tools: AnswerTools

  constructor(
    head: LeanHead,
    requestBytes: number,
    connection: LeanConnection,
    tools: AnswerTools,
  ) {
    this.requestId = head.requestId ?? randomUUID()
    this.#head = head
    this.#requestBytes = requestBytes
    this.#connection = connection
    this.#tools = tools
  }

  set onGone(callback: () => void) {
    this.#connection.onGone = callback
  }

  /** `more`: further headers, each with its line break. */
  whole(contentType: string, pieces: readonly Buffer[], more = ''): void {
    this.#send(200, `content-type: ${contentType}\r\n${more}`, pieces)
  }

  /** Resolves when the last byte is on its way or the client has gone. */
  async stream(contentType: string, body: Readable): Promise<void> {
    const head = this.#headOf(200, `content-type: ${contentType}\r\ntransfer-encoding: chunked\r\n`)
    const sentBytes = await this.#connection.sendStream(head, body)
    this.#told(200, sentBytes)
  }

  problem(error: unknown): void {
    const problem = toProblem(error)
    const { metrics, log } = this.#tools
    metrics.problems.inc({ code: problem.code })
    if (problem.status >= 500 && problem.status !== 503) {
      log.error({ reqId: this.requestId, err: error }, 'request failed')
    }
    const { retryAfterS } = problem.more
    const retry = typeof retryAfterS === 'number' ? `retry-after: ${retryAfterS}\r\n` : ''
    const text = Buffer.from(JSON.stringify(problemBody(problem)))
    this.#send(problem.status, `${retry}content-type: ${problemType}\r\n`, [text])
  }

  #send(status: number, headers: string, pieces: readonly Buffer[]): void {
    let sizeBytes = 0
    for (const { length } of pieces) sizeBytes += length
    const head = this.#headOf(status, `${headers}content-length: ${sizeBytes}\r\n`)
    const bytes = Buffer.allocUnsafe(head.length + sizeBytes)
    let at = bytes.write(head, 0, 'latin1')
    for (const piece of pieces) {
      bytes.set(piece, at)
      at += piece.length
    }
    this.#connection.send(bytes)
    this.#told(status, bytes.length)
  }

  #headOf(status: number, headers: string): string {
    const { keepAliveMs } = this.#tools
    return (
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      `x-request-id: ${this.requestId}\r\n${headers}` +
      `Date: ${dateNow()}\r\nConnection: keep-alive\r\n` +
      `Keep-Alive: timeout=${Math.floor(keepAliveMs / 1000)}\r\n\r\n`
    )
  }

  #told(statusCode: number, sentBytes: number): void {
    const { metrics, log, logsRequests } = this.#tools
    const tenant = metrics.tenants.labelOf(this.#head.tenant)
    metrics.bytes.inc({ direction: 'in', tenant }, this.#requestBytes)
    metrics.bytes.inc({ direction: 'out', tenant }, sentBytes)
    if (!logsRequests) return
    const ms = performance.now() - this.#startMs
    const request = { reqId: this.requestId, method: 'POST', url: '/v1/jobs' }
    log.info({ ...request, statusCode, ms }, 'request completed')
  }
}

let dateText = ''
let dateSecond = 0

function dateNow(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}
