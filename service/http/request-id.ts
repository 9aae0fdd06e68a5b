// The id that joins all lines of the log of one request: the client's own when it is a decent one.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/

export function requestIdOf(request: IncomingMessage): string {
  const told = request.headers['x-request-id']
  return typeof told === 'string' && requestIdPattern.test(told) ? told : randomUUID()
}
