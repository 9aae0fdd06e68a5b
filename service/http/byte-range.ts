// Stored bytes as an answer: etag, conditions, ranges (RFC 9110 §13, §14). The descriptor is closed
// whatever happens.
import { closeSync, createReadStream } from 'node:fs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import parseRange from 'range-parser'
import type { ObjectInfo, OpenObject } from '../store/object.ts'
import { Problem } from './problem.ts'

/** Throws Problem. HEAD is answered as GET is, without the bytes. */
export function sendBytes(
  object: OpenObject,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  let span: { start?: number; end?: number }
  try {
    span = spanOf(object.info, request, reply)
  } catch (error) {
    closeSync(object.fd)
    throw error
  }
  const stream = createReadStream('', { fd: object.fd, ...span })
  if (reply.statusCode === 304 || request.method === 'HEAD') stream.destroy()
  return reply.statusCode === 304 ? reply.send() : reply.send(stream)
}

/** Sets status and headers; gives the bytes to send, both ends included. */
function spanOf(
  info: ObjectInfo,
  request: FastifyRequest,
  reply: FastifyReply,
): { start?: number; end?: number } {
  const etag = `"${info.etag}"`
  // What somebody stored must never act as a page of this origin.
  reply.headers({ 'x-content-type-options': 'nosniff', 'content-security-policy': 'sandbox' })
  reply.headers({ etag, 'accept-ranges': 'bytes', 'last-modified': httpDate(info.modifiedAt) })
  const none = request.headers['if-none-match'] ?? ''
  if (none === '*' || none.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) {
    reply.code(304)
    return {}
  }
  reply.type(info.contentType)
  const { range: wanted, 'if-range': unless } = request.headers
  const isWanted = wanted?.startsWith('bytes=') && (unless === undefined || unless === etag)
  const ranges = isWanted ? parseRange(info.sizeBytes, wanted ?? '') : -2
  if (ranges === -1) {
    reply.header('content-range', `bytes */${info.sizeBytes}`)
    throw new Problem('range-unsatisfiable', `the object has ${info.sizeBytes} bytes`)
  }
  const [range, second] = ranges === -2 ? [] : ranges
  // Several ranges may be answered with the whole (RFC 9110 §14.2).
  if (range === undefined || second !== undefined) {
    reply.header('content-length', info.sizeBytes)
    return {}
  }
  const { start, end } = range
  reply.code(206).header('content-length', end - start + 1)
  reply.header('content-range', `bytes ${start}-${end}/${info.sizeBytes}`)
  return { start, end }
}

function httpDate(iso: string): string {
  return new Date(iso).toUTCString()
}
