// multipart/form-data (RFC 7578, RFC 2046 §5.1) read as it arrives: one part after the other, each
// chunk as a view of what came from the socket. Strict, bounded, pulled by the reader, so nothing is
// read before somebody wants it. A part with a Content-Length of its own is not searched.
import type { Readable } from 'node:stream'
import { Problem } from './problem.ts'

export type PartHead = {
  /** Undefined when the part does not have exactly one. */
  readonly name: string | undefined
  /** '' when it does not say. */
  readonly contentType: string
  readonly transferEncoding: string
}

const boundaryPattern = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/
const headersMax = 32
/** In front of the first boundary and behind the last one. */
const slackBytesMax = 1024
const headerEnd = Buffer.from('\r\n\r\n')
const empty = Buffer.alloc(0)

/** The boundary of a Content-Type, undefined when it has none that is acceptable. */
export function tryBoundary(contentType: string): string | undefined {
  const value = parametersOf(contentType)?.get('boundary')
  return value !== undefined && boundaryPattern.test(value) ? value : undefined
}

/** `nextPart` and `nextChunk` throw Problem, or what the source was destroyed with. */
export class MultipartReader {
  readonly #source: ChunkSource
  readonly #delimiter: Buffer
  readonly #headerBytesMax: number
  #buffer: Buffer
  /** Of the current part, where it says. */
  #sizeLeft: number | undefined
  #isInPart = false

  constructor(source: Readable, boundary: string, headerBytesMax: number) {
    this.#source = new ChunkSource(source)
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#headerBytesMax = headerBytesMax
    // The first boundary may come without a line in front of it.
    this.#buffer = Buffer.from('\r\n')
  }

  /** True while it waits for the client, not for whoever reads. */
  get isStarving(): boolean {
    return this.#source.isWaiting
  }

  /** Ends a wait for the client with this error. */
  stop(error: Error): void {
    this.#source.stop(error)
  }

  /** Gives the source back as it is; what is left of it can be discarded. */
  release(): void {
    this.#source.release()
  }

  /** The next part, when the current one has been read to its end; undefined behind the last. */
  async nextPart(): Promise<PartHead | undefined> {
    if (this.#isInPart) throw new Error('the part has not been read')
    await this.#skipToDelimiter()
    this.#take(this.#delimiter.length)
    while (this.#buffer.length < 2) await this.#need()
    if (this.#buffer[0] === dash && this.#buffer[1] === dash) {
      await this.#readToEnd()
      return undefined
    }
    const head = await this.#readHead()
    this.#isInPart = true
    return head
  }

  /** Bytes of the current part; undefined at its end. Valid as long as anybody keeps them. */
  async nextChunk(): Promise<Buffer | undefined> {
    for (;;) {
      if (!this.#isInPart) return undefined
      const size = this.#sizeLeft === undefined ? this.#searched() : this.#counted()
      if (size > 0) return this.#take(size)
      if (this.#isInPart) await this.#need()
    }
  }

  /** How many bytes are surely the part's. Notices its end. */
  #searched(): number {
    const at = this.#buffer.indexOf(this.#delimiter)
    if (at === 0) this.#isInPart = false
    return at >= 0 ? at : this.#buffer.length - overlap(this.#buffer, this.#delimiter)
  }

  #counted(): number {
    const left = this.#sizeLeft ?? 0
    const size = Math.min(left, this.#buffer.length)
    if (size > 0) {
      this.#sizeLeft = left - size
      return size
    }
    if (left === 0 && this.#buffer.length >= this.#delimiter.length) {
      if (this.#buffer.indexOf(this.#delimiter) !== 0) throw malformed('a part is not as long')
      this.#isInPart = false
    }
    return 0
  }

  async #skipToDelimiter(): Promise<void> {
    for (;;) {
      const at = this.#buffer.indexOf(this.#delimiter)
      if (at >= 0) {
        this.#take(at)
        return
      }
      if (this.#buffer.length > slackBytesMax) throw malformed('no boundary at the start')
      await this.#need()
    }
  }

  async #readHead(): Promise<PartHead> {
    for (;;) {
      const lineEnd = this.#buffer.indexOf('\r\n')
      const end = lineEnd < 0 ? -1 : this.#buffer.indexOf(headerEnd, lineEnd)
      if (end > this.#headerBytesMax || (end < 0 && this.#buffer.length > this.#headerBytesMax)) {
        throw malformed('the headers of a part are too long')
      }
      if (end >= 0) {
        const text = this.#buffer.toString('latin1', lineEnd, end)
        if (!/^[ \t]*$/.test(this.#buffer.toString('latin1', 0, lineEnd))) {
          throw malformed('text behind a boundary')
        }
        this.#take(end + headerEnd.length)
        return this.#parseHead(text)
      }
      await this.#need()
    }
  }

  #parseHead(text: string): PartHead {
    const lines = text.split('\r\n').slice(1)
    if (lines.length > headersMax) throw malformed(`a part has more than ${headersMax} headers`)
    const headers = new Map<string, string>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      if (colon <= 0 || !tokenPattern.test(name) || headers.has(name)) {
        throw malformed('a header of a part')
      }
      headers.set(name, line.slice(colon + 1).trim())
    }
    const disposition = headers.get('content-disposition') ?? ''
    const length = headers.get('content-length')
    if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) throw malformed('a Content-Length')
    this.#sizeLeft = length === undefined ? undefined : Number(length)
    const isForm = /^form-data[ \t]*(;|$)/i.test(disposition)
    return {
      name: isForm ? parametersOf(disposition)?.get('name') : undefined,
      contentType: headers.get('content-type') ?? '',
      transferEncoding: headers.get('content-transfer-encoding')?.toLowerCase() ?? '',
    }
  }

  async #readToEnd(): Promise<void> {
    let size = this.#buffer.length
    for (;;) {
      if (size > slackBytesMax) throw malformed('text behind the last boundary')
      const chunk = await this.#source.next()
      if (chunk === undefined) return
      size += chunk.length
    }
  }

  async #need(): Promise<void> {
    const chunk = await this.#source.next()
    if (chunk === undefined) throw new Problem('body-incomplete', 'the body ended within a part')
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
  }

  #take(sizeBytes: number): Buffer {
    const taken = this.#buffer.subarray(0, sizeBytes)
    this.#buffer = sizeBytes === this.#buffer.length ? empty : this.#buffer.subarray(sizeBytes)
    return taken
  }
}

const sourceEvents = ['readable', 'end', 'error', 'close'] as const

/** Chunks of a stream, one when asked. Cheaper than its own iterator. */
class ChunkSource {
  readonly #source: Readable
  #wake: (() => void) | undefined
  #stopped: Error | undefined
  readonly #onEvent = () => this.#wake?.()

  constructor(source: Readable) {
    this.#source = source
    for (const event of sourceEvents) source.on(event, this.#onEvent)
  }

  stop(error: Error): void {
    this.#stopped = error
    this.#wake?.()
  }

  release(): void {
    for (const event of sourceEvents) this.#source.off(event, this.#onEvent)
  }

  get isWaiting(): boolean {
    return this.#wake !== undefined
  }

  /** Undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#stopped !== undefined) throw this.#stopped
      const chunk: Buffer | null = this.#source.read()
      if (chunk !== null) return chunk
      if (this.#source.readableEnded) return undefined
      if (this.#source.errored) throw this.#source.errored
      if (this.#source.destroyed) {
        throw new Problem('body-incomplete', 'the client went within its request')
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }
}

const dash = '-'.charCodeAt(0)
const tokenPattern = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i

/** Length of the longest end of `bytes` that `delimiter` begins with. */
function overlap(bytes: Buffer, delimiter: Buffer): number {
  let at = Math.max(0, bytes.length - delimiter.length + 1)
  for (;;) {
    at = bytes.indexOf(delimiter[0] ?? 0, at)
    if (at < 0) return 0
    const size = bytes.length - at
    if (bytes.compare(delimiter, 0, size, at) === 0) return size
    at += 1
  }
}

/** Parameters of a header value, names in lower case; undefined when malformed or given twice. */
function parametersOf(value: string): Map<string, string> | undefined {
  const pattern = /[ \t]*;[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?/y
  const parameters = new Map<string, string>()
  pattern.lastIndex = value.indexOf(';')
  if (pattern.lastIndex < 0) return parameters
  while (pattern.lastIndex < value.length) {
    const match = pattern.exec(value)
    if (match === null) return undefined
    const [, name, quoted, bare] = match
    if (name === undefined) continue
    if (parameters.has(name.toLowerCase())) return undefined
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '')
  }
  return parameters
}

function malformed(what: string): Problem {
  return new Problem('multipart-malformed', what)
}
