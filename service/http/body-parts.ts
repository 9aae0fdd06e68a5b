// A request body as a sequence of parts, read strictly in order: multipart/form-data (busboy
// behind @fastify/multipart) or a tar archive. The consumer must read each part to its end or
// throw; either way nothing stays behind, because leaving the loop destroys the body.
import { Readable } from 'node:stream'
import '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { extract } from 'tar-stream'
import { manifestPartName, partNamePattern } from '../job/source-url.ts'
import type { DirectBody } from './direct-body.ts'
import { Problem } from './problem.ts'
import { type UploadLimits, watchUpload } from './upload-watch.ts'

export type BodyPart = {
  readonly name: string
  /** '' when the body does not say. */
  readonly contentType: string
  readonly bytes: Readable
  /** Whether a guest may read it while the client sends. */
  readonly mayLive: boolean
  /** How its rest is read past JavaScript. */
  readonly direct: PartDirect | undefined
}

export type PartDirect = {
  readonly body: DirectBody
  /** Its closing ends the way. */
  readonly bytes: Readable
  /** `sizeBytes`: of the whole part. `delimiter`: what ends it. */
  readonly until: { readonly sizeBytes: number } | { readonly delimiter: Buffer }
}

export type BodyLimits = UploadLimits & {
  readonly partsMax: number
  readonly partHeaderBytesMax: number
}

/** Throws Problem. */
export function readBodyParts(
  request: FastifyRequest,
  limits: BodyLimits,
  direct?: DirectBody,
): AsyncIterable<BodyPart> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'multipart/form-data') return readMultipart(request, limits, direct)
  if (type === 'application/x-tar') return readTar(request, limits, direct)
  if (type === 'application/json') return readManifestBody(request)
  const expected = 'multipart/form-data, application/x-tar or application/json'
  throw new Problem('media-type-unsupported', `${expected} expected`)
}

async function* readMultipart(
  request: FastifyRequest,
  limits: BodyLimits,
  body: DirectBody | undefined,
): AsyncGenerator<BodyPart> {
  const delimiter = tryDelimiter(request.headers['content-type'] ?? '')
  let current: Readable | undefined
  let count = 0
  const idle = Promise.withResolvers<never>()
  idle.promise.catch(() => undefined)
  const stopIdle = watchUpload(request, limits, (problem) => {
    idle.reject(problem)
    current?.destroy(problem)
  })
  try {
    const parts = request.parts({
      // Every part is a stream, whether it has a file name or not.
      isPartAFile: () => true,
      limits: {
        fileSize: Number.MAX_SAFE_INTEGER,
        files: limits.partsMax + 1,
        parts: limits.partsMax + 1,
        fields: 0,
        headerPairs: 32,
        headerSize: limits.partHeaderBytesMax,
      },
    })
    for (;;) {
      // Between two parts there is nothing that could be destroyed.
      const { value: part, done } = await Promise.race([parts.next(), idle.promise])
      if (done === true) return
      if (part.type !== 'file') throw new Problem('multipart-malformed', 'a part is not a stream')
      current = part.file
      checkName(part.fieldname, ++count, limits)
      if (!['7bit', '8bit', 'binary', undefined, ''].includes(part.encoding?.toLowerCase())) {
        throw new Problem('part-encoding', 'parts travel as they are', { part: part.fieldname })
      }
      const { fieldname: name, mimetype: contentType = '', file: bytes } = part
      const hasWay = body !== undefined && delimiter !== undefined
      const direct = hasWay ? { body, bytes, until: { delimiter } } : undefined
      yield { name, contentType, bytes, mayLive: true, direct }
    }
  } catch (error) {
    throw toBodyProblem(error, 'multipart-malformed')
  } finally {
    stopIdle()
    current?.destroy()
  }
}

/** The whole body is the manifest: a job without parts. */
async function* readManifestBody({ body }: FastifyRequest): AsyncGenerator<BodyPart> {
  if (!(body instanceof Readable)) return
  try {
    const contentType = 'application/json'
    yield { name: manifestPartName, contentType, bytes: body, mayLive: false, direct: undefined }
  } catch (error) {
    throw tryIncomplete(error) ?? error
  } finally {
    body.destroy()
  }
}

async function* readTar(
  request: FastifyRequest,
  limits: BodyLimits,
  body: DirectBody | undefined,
): AsyncGenerator<BodyPart> {
  const archive = extract()
  const { raw } = request
  raw.on('error', (error) => archive.destroy(error))
  raw.on('aborted', () => archive.destroy(new Error('aborted')))
  raw.pipe(archive)
  const stopIdle = watchUpload(request, limits, (problem) => archive.destroy(problem))
  let count = 0
  try {
    for await (const entry of archive) {
      const { name, type, size: sizeBytes = 0 } = entry.header
      if (type !== 'file') throw new Problem('tar-malformed', 'members are regular files')
      checkName(name, ++count, limits)
      const contentType = name === 'manifest' ? '' : 'application/octet-stream'
      const bytes = entry as unknown as Readable
      const isWorth = body?.isWorth(sizeBytes) === true
      const direct = isWorth ? { body, bytes, until: { sizeBytes } } : undefined
      // Small members wait in the parser, which does not tell who is slow.
      yield { name, contentType, bytes, mayLive: isWorth, direct }
    }
  } catch (error) {
    throw toBodyProblem(error, 'tar-malformed')
  } finally {
    stopIdle()
    raw.unpipe(archive)
    archive.destroy()
  }
}

/** What ends a part, when the boundary is written in a way that leaves no doubt. */
function tryDelimiter(contentType: string): Buffer | undefined {
  const found = /^[^"%]*;\s*boundary=("?)([\w'()+,./:=?-]{1,70})\1\s*$/i.exec(contentType)
  return found?.[2] === undefined ? undefined : Buffer.from(`\r\n--${found[2]}`, 'latin1')
}

function checkName(name: unknown, count: number, limits: BodyLimits): void {
  if (count > limits.partsMax) {
    const more = { limit: 'partsMax', value: limits.partsMax, unit: 'parts' }
    throw new Problem('limit-exceeded', `partsMax is ${limits.partsMax}`, more)
  }
  if (typeof name !== 'string' || !partNamePattern.test(name)) {
    throw new Problem('part-name-invalid', '1 to 128 letters, digits, dots, _ or -')
  }
}

function toBodyProblem(error: unknown, code: 'multipart-malformed' | 'tar-malformed'): unknown {
  const foreign = error instanceof Error ? error : new Error('unknown')
  // What consumers of a part threw goes through unchanged; what parsers say is about the body.
  if (foreign instanceof Problem || foreign.name === 'ManifestError') return foreign
  if (foreign.name === 'PlanError') return foreign
  if ('syscall' in foreign && typeof foreign.syscall === 'string') return foreign
  const incomplete = tryIncomplete(foreign)
  if (incomplete !== undefined) return incomplete
  return new Problem(code, 'the framing of the body is broken', {}, { cause: foreign })
}

/** What a part's stream says when the body ended too early; undefined for any other error. */
export function tryIncomplete(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || error instanceof Problem) return undefined
  // "was destroyed": a member of a tar whose reader came after the archive had broken.
  const words = /unexpected end|premature|terminated|aborted|stream was destroyed/i
  if (!words.test(error.message)) return undefined
  return new Problem('body-incomplete', 'the body ended within a part', {}, { cause: error })
}
