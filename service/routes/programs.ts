// PUT /v1/programs and GET /v1/programs/{digest}.
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { readProgram } from '../http/part-upload.ts'
import { limitProblem, Problem } from '../http/problem.ts'
import { tryDigest } from '../job/digest.ts'

const paramsSchema = z.object({ digest: z.string() })

export function addProgramRoutes(app: FastifyInstance, deps: Deps): void {
  const { limits } = deps.config
  app.put('/v1/programs', async (request, reply) => {
    const bytes = request.body as Readable | undefined
    if (bytes === undefined) throw new Problem('part-missing', 'the body is the program')
    const part = { name: 'program', bytes }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const place = deps.scheduler.admit()
    try {
      const { upload, digest } = await readProgram(part, limits, deps.sessions)
      try {
        await place.acquire(gone.signal)
        const { profile } = await deps.sessions.check(digest, () => upload.open())
        if ((await deps.programs.count()) >= limits.storedProgramsMax) {
          throw limitProblem('storedProgramsMax', limits.storedProgramsMax, 'programs')
        }
        const stored = await deps.programs.put(digest, upload, profile)
        return reply.code(201).header('location', `/v1/programs/${stored.program}`).send(stored)
      } finally {
        upload.close()
      }
    } finally {
      place.release()
    }
  })

  app.get('/v1/programs/:digest', async (request) => {
    const digest = tryDigest(paramsSchema.parse(request.params).digest)
    if (digest === undefined) throw new Problem('digest-invalid', 'sha256: and 64 hex digits')
    const stored = await deps.programs.tryGet(digest)
    if (stored === undefined) throw new Problem('program-not-found', 'it is not stored')
    return stored
  })
}
