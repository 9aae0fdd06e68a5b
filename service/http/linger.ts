// A refusal while the client still sends: closing at once would reset the connection and could
// take the answer with it. So the answer is complete for the client, but its end waits, within
// bounds, until the client has stopped or has sent the rest, which is thrown away.
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'

export const lingerMsMax = 2_000
export const lingerBytesMax = 64 * 1024 * 1024

/** Carries `text`; the caller must give its length in Content-Length and close the connection. */
export function lingering(request: FastifyRequest, text: string): Readable {
  const { raw } = request
  // Nobody reads it any more, and it must not fill.
  if (request.body instanceof Readable) request.body.destroy()
  const body = new Readable({ read: () => undefined })
  let roomBytes = lingerBytesMax
  const onData = (chunk: Buffer) => {
    roomBytes -= chunk.length
    if (roomBytes < 0) end()
  }
  const end = () => {
    clearTimeout(timer)
    raw.off('data', onData).off('close', end).off('end', end)
    body.push(null)
  }
  const timer = setTimeout(end, lingerMsMax)
  raw.on('data', onData).once('close', end).once('end', end)
  body.push(text)
  raw.resume()
  return body
}
