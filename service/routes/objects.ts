// /v1/objects: the embedded store over HTTP. Bodies are bytes whatever their media type says;
// names are checked before the store sees them.
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { sendBytes } from '../http/byte-range.ts'
import { Problem } from '../http/problem.ts'
import { watchedBody } from '../http/upload-watch.ts'
import { type Digest, tryDigest } from '../job/digest.ts'
import {
  findNameFault,
  metadataBytesMax,
  type ObjectName,
  type PutOptions,
} from '../store/object.ts'

const metadataPrefix = 'zvm-meta-'
const paramsSchema = z.object({ bucket: z.string(), '*': z.string() })
const listSchema = z.object({
  prefix: z.string().default(''),
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(1000),
})

export function addObjectRoutes(app: FastifyInstance, deps: Deps): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (request, _body, done) =>
      done(null, watchedBody(request, deps.config.limits)),
    )
    const { store } = deps

    scope.get('/v1/objects', async () => ({ buckets: store.buckets() }))

    scope.get('/v1/objects/:bucket', async (request) => {
      const { bucket } = z.object({ bucket: z.string() }).parse(request.params)
      checkName({ bucket, key: 'any' })
      const query = listSchema.safeParse(request.query)
      if (!query.success) {
        throw new Problem('request-invalid', 'prefix, after: texts; limit: 1 to 1000')
      }
      const { prefix, after, limit } = query.data
      const { objects, isLast } = store.list(bucket, { prefix, after, countMax: limit })
      return { objects, next: isLast ? null : (objects.at(-1)?.key ?? null) }
    })

    scope.put('/v1/objects/:bucket/*', async (request, reply) => {
      const name = nameOf(request)
      const { headers } = request
      const options: PutOptions = {
        contentType: headers['content-type'] ?? 'application/octet-stream',
        metadata: metadataOf(headers),
        expect: expectationOf(request),
      }
      const staging = store.stage()
      try {
        await staging.add(name, request.body as Readable, options)
        const isNew = store.tryInfo(name) === undefined
        const [info] = staging.commit()
        if (info !== undefined) reply.header('etag', `"${info.etag}"`)
        return await reply.code(isNew ? 201 : 200).send(info)
      } finally {
        staging.discard()
      }
    })

    // HEAD is made from GET; the object is opened for both, so that both fail alike.
    scope.get('/v1/objects/:bucket/*', async (request, reply) => {
      const object = store.tryOpen(nameOf(request))
      if (object === undefined) throw new Problem('object-not-found', 'it is not stored')
      for (const [key, value] of Object.entries(object.info.metadata)) {
        reply.header(metadataPrefix + key, value)
      }
      return sendBytes(object, request, reply)
    })

    scope.delete('/v1/objects/:bucket/*', async (request, reply) => {
      const expect = expectationOf(request)
      if (expect === 'absent') throw new Problem('request-invalid', 'If-None-Match is for PUT')
      if (!store.remove(nameOf(request), expect)) {
        throw new Problem('object-not-found', 'it is not stored')
      }
      return reply.code(204).send()
    })
  })
}

function nameOf(request: FastifyRequest): ObjectName {
  const { bucket, '*': key } = paramsSchema.parse(request.params)
  return checkName({ bucket, key })
}

function checkName(name: ObjectName): ObjectName {
  const fault = findNameFault(name)
  if (fault === 'bucket-invalid') throw new Problem(fault, 'lower-case letters, digits, . _ and -')
  if (fault === 'key-invalid') throw new Problem(fault, '1 to 1024 bytes without controls')
  return name
}

function metadataOf(headers: FastifyRequest['headers']): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith(metadataPrefix)
      ? [[name.slice(metadataPrefix.length), String(value)] as const]
      : [],
  )
  const sizeBytes = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (sizeBytes > metadataBytesMax) {
    throw new Problem('request-invalid', `metadata is at most ${metadataBytesMax} bytes`)
  }
  return Object.fromEntries(entries)
}

/** `If-None-Match: *` and `If-Match: "sha256:…"` (RFC 9110 §13.1). */
function expectationOf(request: FastifyRequest): Digest | 'absent' | undefined {
  const { 'if-none-match': none, 'if-match': match } = request.headers
  if (none === undefined && match === undefined) return undefined
  const digest = match === undefined ? undefined : tryDigest(match.replaceAll('"', ''))
  if (none === '*' && match === undefined) return 'absent'
  if (none === undefined && digest !== undefined) return digest
  throw new Problem('request-invalid', 'If-None-Match: *, or If-Match with one etag')
}
