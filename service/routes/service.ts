// What tells about the service itself: limits, health, metrics, problem pages, the contract.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { parse } from 'yaml'
import { z } from 'zod'
import { limitTable } from '../config.ts'
import type { Deps } from '../deps.ts'
import { Problem, problemIndex, problemPage } from '../http/problem.ts'

const paramsSchema = z.object({ code: z.string() })
const docsPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>zvm</title>
<h1>zvm</h1><pre id="contract"></pre><script>
fetch('/openapi.json').then((answer) => answer.json()).then((contract) => {
  document.getElementById('contract').textContent = JSON.stringify(contract, null, 2)
})</script></html>
`

export async function addServiceRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  const file = join(import.meta.dirname, '..', '..', 'openapi.yaml')
  const contract: unknown = parse(await readFile(file, 'utf8'))
  app.get('/openapi.json', async () => contract)
  app.get('/docs', async (_request, reply) => reply.type('text/html').send(docsPage))
  app.get('/v1/limits', async () =>
    Object.fromEntries(
      Object.entries(limitTable).map(([name, [, unit, about]]) => [
        name,
        { value: deps.config.limits[name as keyof typeof limitTable], unit, about },
      ]),
    ),
  )
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async () => {
    deps.scheduler.checkRoom()
    return { status: 'ready' }
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics()),
  )
  app.get('/problems/', async (_request, reply) => reply.type('text/html').send(problemIndex()))
  app.get('/problems/:code', async (request, reply) => {
    const page = problemPage(paramsSchema.parse(request.params).code)
    if (page === undefined) throw new Problem('not-found', 'no problem has this code')
    return reply.type('text/html').send(page)
  })
}
