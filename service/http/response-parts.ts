// The answer of a job: channels as parts, the report last. The first channel that has bytes
// streams live; the others are kept by their Output and follow. No order of guest or client can
// make this wait for ever.
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import type { Report } from '../job/report.ts'
import { reportPartName } from '../job/source-url.ts'
import type { JobRun } from '../run/job-run.ts'
import type { Output } from '../run/output.ts'
import type { DirectAnswer } from './direct-answer.ts'

export type ResponseForm = 'multipart' | 'tar' | 'raw'

/** What the client's Accept allows; undefined: nothing that we can give. */
export function tryResponseForm(accept: string | undefined): ResponseForm | undefined {
  if (accept === undefined) return 'multipart'
  for (const range of accept.split(',')) {
    const type = range.split(';', 1)[0]?.trim().toLowerCase()
    if (type === 'multipart/mixed' || type === 'multipart/*' || type === '*/*') return 'multipart'
    // What `curl --json` says of itself; the report in the last part is JSON.
    if (type === 'application/json') return 'multipart'
    if (type === 'application/x-tar') return 'tar'
    if (type === 'application/octet-stream') return 'raw'
  }
  return undefined
}

/** `sent`: what the end of the answer waits for. */
export function openMultipart(
  run: JobRun,
  direct: DirectAnswer | undefined,
  sent: Promise<void> | undefined,
): { contentType: string; body: Readable } {
  const boundary = makeBoundary()
  const body = Readable.from(multipart(run, boundary, direct, sent), { objectMode: false })
  if (direct !== undefined) direct.body = body
  return { contentType: typeOf(boundary), body }
}

/** The same at once, when the job has ended and all that it wrote is in memory. */
export function tryWholeMultipart(
  run: JobRun,
  report: Report,
): { contentType: string; pieces: readonly Buffer[] } | undefined {
  const boundary = makeBoundary()
  const pieces: Buffer[] = []
  let prefix = ''
  for (const output of run.outputs) {
    const whole = output.tryWhole()
    if (whole === undefined) return undefined
    pieces.push(head(prefix, boundary, output.name, output.contentType), ...whole)
    prefix = '\r\n'
  }
  pieces.push(tail(prefix, boundary, report))
  return { contentType: typeOf(boundary), pieces }
}

export function openTar(
  run: JobRun,
  sent: Promise<void> | undefined,
): { contentType: string; body: Readable } {
  const archive = pack()
  writeTar(run, archive, sent).catch((error) => archive.destroy(error))
  const body = Readable.from(archive, { objectMode: false })
  body.on('close', () => archive.destroy())
  return { contentType: 'application/x-tar', body }
}

/** `onEnd` gets the report's line before the body ends, for the trailer. */
export function openRaw(
  run: JobRun,
  output: Output,
  direct: DirectAnswer,
  sent: Promise<void> | undefined,
  onEnd: (line: string) => void,
): Readable {
  async function* bytes() {
    yield* output.chunks(direct)
    const { report } = await run.ended
    if (run.failure !== undefined) throw run.failure
    onEnd(JSON.stringify(report))
    await sent
  }
  const body = Readable.from(bytes(), { objectMode: false })
  direct.body = body
  return body
}

async function* multipart(
  run: JobRun,
  boundary: string,
  direct: DirectAnswer | undefined,
  sent: Promise<void> | undefined,
): AsyncGenerator<Buffer> {
  const gathered = new Gathered()
  let waiting = run.outputs
  let prefix = ''
  while (waiting.length > 0) {
    const silent: Output[] = []
    // One that ended without any byte only when no other may still speak.
    const isOver = waiting.every(({ ended }) => ended)
    for (const output of waiting) {
      if (output.sizeBytes === 0 && !isOver) {
        silent.push(output)
        continue
      }
      gathered.add(head(prefix, boundary, output.name, output.contentType))
      prefix = '\r\n'
      const whole = output.tryWhole()
      if (whole !== undefined) for (const piece of whole) gathered.add(piece)
      if (gathered.isMuch || whole === undefined) yield gathered.take()
      if (whole === undefined) yield* output.chunks(direct)
    }
    if (silent.length === waiting.length) {
      if (gathered.sizeBytes > 0) yield gathered.take()
      await run.changed()
    }
    waiting = silent
  }
  const { report } = await run.ended
  if (run.failure !== undefined) throw run.failure
  gathered.add(tail(prefix, boundary, report))
  yield gathered.take()
  // A connection that ends with this answer would be reset under a client that still sends.
  await sent
}

const gatheredBytes = 64 * 1024

/** Pieces that go out together: an answer may have tens of thousands of small parts. */
class Gathered {
  #pieces: Buffer[] = []
  sizeBytes = 0

  get isMuch(): boolean {
    return this.sizeBytes >= gatheredBytes
  }

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.sizeBytes += piece.length
  }

  take(): Buffer {
    const [first, second] = this.#pieces
    const bytes = first !== undefined && second === undefined ? first : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.sizeBytes = 0
    return bytes
  }
}

function makeBoundary(): string {
  return `zvm-${randomUUID()}`
}

function typeOf(boundary: string): string {
  return `multipart/mixed; boundary="${boundary}"`
}

function tail(prefix: string, boundary: string, report: Report): Buffer {
  const start = head(prefix, boundary, reportPartName, 'application/json')
  return Buffer.from(`${start}${JSON.stringify(report)}\r\n--${boundary}--\r\n`)
}

function head(prefix: string, boundary: string, name: string, contentType: string): Buffer {
  const disposition = `Content-Disposition: attachment; name="${name}"; filename="${name}"`
  return Buffer.from(
    `${prefix}--${boundary}\r\n${disposition}\r\nContent-Type: ${contentType}\r\n\r\n`,
  )
}

async function writeTar(
  run: JobRun,
  archive: ReturnType<typeof pack>,
  sent: Promise<void> | undefined,
): Promise<void> {
  const { report } = await run.ended
  if (run.failure !== undefined) throw run.failure
  for (const output of run.outputs) {
    await writeMember(archive, output.name, output.sizeBytes, output.chunks())
  }
  const text = Buffer.from(JSON.stringify(report))
  await writeMember(archive, `${reportPartName}.json`, text.length, [text])
  await sent
  archive.finalize()
}

async function writeMember(
  archive: ReturnType<typeof pack>,
  name: string,
  size: number,
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const entry = archive.entry({ name, size, mode: 0o644, mtime: new Date(0) }, (error) => {
    if (error) done.reject(error)
    else done.resolve()
  })
  for await (const chunk of chunks) {
    if (entry.write(chunk)) continue
    await new Promise<void>((resolve) => {
      entry.once('drain', () => resolve())
      entry.once('close', () => resolve())
    })
  }
  entry.end(undefined)
  await done.promise
}
