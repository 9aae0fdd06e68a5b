// GET /v1/jobs/{id}/events: the changes of a job's state as server-sent events, from the one after
// Last-Event-ID on, until the job has ended. A silent stream has a heartbeat, so that both sides
// find out when the other is gone.
import { PassThrough } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Deps } from '../deps.ts'
import { Problem } from '../http/problem.ts'
import { type AsyncEvent, hasEnded } from '../job/async-state.ts'
import { findJob } from './async-jobs.ts'

const eventIdPattern = /^[0-9]{1,9}$/
/** Of a listener that does not read. */
const backlogBytesMax = 64 * 1024

export function addJobEventRoutes(app: FastifyInstance, deps: Deps): void {
  const { eventHeartbeatMs } = deps.config.limits
  // HEAD would listen without anybody who could go away.
  const options = { exposeHeadRoute: false }
  app.get('/v1/jobs/:id/events', options, async (request, reply) => {
    const { id } = findJob(request, deps)
    const last = request.headers['last-event-id'] ?? '0'
    if (typeof last !== 'string' || !eventIdPattern.test(last)) {
      throw new Problem('request-invalid', 'Last-Event-ID is the number of an event')
    }
    const stream = new PassThrough()
    const send = (text: string) => {
      if (stream.writableLength > backlogBytesMax) stream.destroy()
      else stream.write(text)
    }
    const onEvent = (event: AsyncEvent) => {
      send(textOf(id, event))
      if (hasEnded(event.state)) stream.end()
    }
    // Nothing happens between the look at the past and the subscription.
    const { past, stop } = deps.asyncJobs.listen(id, Number(last), onEvent)
    const heartbeat = setInterval(() => send(': heartbeat\n\n'), eventHeartbeatMs)
    stream.once('close', () => {
      clearInterval(heartbeat)
      stop()
    })
    reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    send(': events of a job\n\n')
    for (const event of past) onEvent(event)
    if (past.length === 0 && hasEnded(findJob(request, deps).state)) stream.end()
    return reply.type('text/event-stream').send(stream)
  })
}

function textOf(id: string, { number, state, atMs }: AsyncEvent): string {
  const data = JSON.stringify({ id, state, at: new Date(atMs).toISOString() })
  return `id: ${number}\nevent: state\ndata: ${data}\n\n`
}
