// Clients that send too slowly: within any `uploadIdleMs` a client sends `uploadBytesMin` or the
// rest of its body, so that neither silence nor a trickle holds a place; and those that send for
// ever what belongs to no part. Not by the socket's timeout, which would cut a connection while a
// slow disk is the reason.
import { PassThrough, type Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { limitProblem, Problem } from './problem.ts'
import { guestIsSlow, readBytesOf } from './socket-pumps.ts'

export type UploadLimits = {
  readonly uploadIdleMs: number
  readonly uploadBytesMin: number
  readonly requestBytesMax: number
}

/** What frames the parts of a body, which are counted themselves. */
const framingBytesMax = 16 * 1024 * 1024

/** The guest's silence is its own affair: whoever watches ends it with the body. */
export function watchUpload(
  { raw }: FastifyRequest,
  { uploadIdleMs, uploadBytesMin, requestBytesMax }: UploadLimits,
  stop: (problem: Problem) => void,
): () => void {
  let seenBytes = readBytesOf(raw.socket)
  const lastByte = seenBytes + requestBytesMax + framingBytesMax
  const look = () => {
    // A body that nobody reads is never ended by its reader.
    if (raw.complete || raw.destroyed) clearInterval(timer)
    const newBytes = readBytesOf(raw.socket) - seenBytes
    seenBytes += newBytes
    if (seenBytes > lastByte && !raw.complete) {
      stop(limitProblem('requestBytesMax', requestBytesMax, 'bytes'))
    }
    // Paused: it is us who do not read.
    const isOurs = raw.isPaused() || guestIsSlow(raw.socket)
    if (newBytes >= uploadBytesMin || raw.complete || isOurs) return
    stop(new Problem('upload-timeout', `${uploadBytesMin} bytes within ${uploadIdleMs} ms`))
  }
  const timer = setInterval(look, uploadIdleMs).unref()
  return () => clearInterval(timer)
}

/**
 * The body of a request, which fails with a Problem when the client is too slow. Unlike a pipeline
 * it never destroys the request, which would take the answer with it.
 */
export function watchedBody(request: FastifyRequest, limits: UploadLimits): Readable {
  const { raw } = request
  const body = new PassThrough()
  const stop = watchUpload(request, limits, (problem) => body.destroy(problem))
  const onClose = () => {
    if (!raw.complete) body.destroy(new Error('aborted'))
  }
  raw.once('close', onClose).pipe(body)
  body.once('close', () => {
    stop()
    raw.off('close', onClose).unpipe(body)
  })
  return body
}
