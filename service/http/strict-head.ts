// Heads of requests that Node's parser lets through although nobody here would do as they say:
// refused, because a body that is read otherwise than its sender meant is worse than none.
import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

/** The server must leave missing Host headers to this (`requireHostHeader: false`). */
export function refuseOddHeads(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    const { host, 'transfer-encoding': transfer, 'content-encoding': content } = raw.headers
    if (host === undefined && raw.httpVersion === '1.1') {
      throw new Problem('request-invalid', 'HTTP/1.1 wants a Host header')
    }
    if (transfer !== undefined && transfer.toLowerCase() !== 'chunked') {
      throw new Problem('request-invalid', 'Transfer-Encoding: only chunked')
    }
    if (content !== undefined && content.toLowerCase() !== 'identity') {
      throw new Problem('media-type-unsupported', 'Content-Encoding: bodies travel as they are')
    }
  })
}
