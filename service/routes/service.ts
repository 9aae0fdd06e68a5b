// What tells about the service itself: limits, health, metrics, problem pages, the contract.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { parse } from 'yaml'
import { z } from 'zod'
import { limitTable } from '../config.ts'
import type { Deps } from '../deps.ts'
import { Problem, problemIndex, problemPage } from '../http/problem.ts'
import { makeManifestSchema } from '../job/manifest-schema.ts'

/** Enough for those who show it; the tests check it whole. */
const contractSchema = z.looseObject({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(z.string(), z.looseObject({})),
})
const paramsSchema = z.object({ code: z.string() })
export async function addServiceRoutes(app: FastifyInstance, deps: Deps): Promise<void> {
  const file = join(import.meta.dirname, '..', '..', 'openapi.yaml')
  const contract = contractSchema.parse(parse(await readFile(file, 'utf8')))
  app.get('/openapi.json', async () => contract)
  // Its scripts and styles come from its package: the page works without any other server.
  await app.register(swagger, { mode: 'static', specification: { document: contract } })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  app.get('/v1/limits', async () =>
    Object.fromEntries(
      Object.entries(limitTable).map(([name, [, unit, about]]) => [
        name,
        { value: deps.config.limits[name as keyof typeof limitTable], unit, about },
      ]),
    ),
  )
  const manifestSchema = makeManifestSchema()
  app.get('/v1/manifest.schema.json', async (_request, reply) =>
    reply.type('application/schema+json').send(JSON.stringify(manifestSchema)),
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
