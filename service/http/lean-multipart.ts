// A whole multipart/form-data body that is there at once, cut at its boundaries without copies.
// Only the plain form that clients send; for anything else, right or wrong, undefined: the parser
// of the HTTP server decides about that.
import { partNamePattern } from '../job/source-url.ts'

export type LeanPart = {
  readonly name: string
  /** '' when the part does not say. */
  readonly contentType: string
  readonly bytes: Buffer
}

const disposition =
  /^content-disposition: form-data; name="([^"\\\r\n]*)"(?:; filename="[^"\\\r\n]*")?$/i
/** A semicolon is no part of a value: there is one way to read a line, however long. */
const contentType = /^content-type: ([!-:<-~]+(?:; ?[!-:<-~]+)*)$/i
const contentLength = /^content-length: (\d{1,9})$/i
const partHeadBytesMax = 1024
const headEnd = Buffer.from('\r\n\r\n')
const partsMax = 64

/** Heads of parts are the same in every request of a client. */
const heads = new Map<string, PartHead | null>()
const headsMax = 1000

type PartHead = Omit<LeanPart, 'bytes'> & { readonly sizeBytes: number | undefined }

export function tryLeanParts(body: Buffer, boundary: string): LeanPart[] | undefined {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  if (body.indexOf(delimiter.subarray(2)) !== 0) return undefined
  const parts: LeanPart[] = []
  for (let at = delimiter.length - 2; parts.length < partsMax; ) {
    if (body[at] === 0x2d && body[at + 1] === 0x2d) return isEnd(body, at + 2) ? parts : undefined
    if (body[at] !== 0x0d || body[at + 1] !== 0x0a) return undefined
    const bytesAt = body.indexOf(headEnd, at)
    if (bytesAt < 0 || bytesAt - at > partHeadBytesMax) return undefined
    const head = headOf(body.toString('latin1', at + 2, bytesAt))
    const start = bytesAt + headEnd.length
    // The line break of the delimiter is also the end of an empty part's head.
    const end = body.indexOf(delimiter, start - 2)
    if (head === undefined || end < 0) return undefined
    const bytes = body.subarray(start, Math.max(start, end))
    if (end < start || (head.sizeBytes ?? bytes.length) !== bytes.length) return undefined
    parts.push({ name: head.name, contentType: head.contentType, bytes })
    at = end + delimiter.length
  }
  return undefined
}

function isEnd(body: Buffer, at: number): boolean {
  const left = body.length - at
  return left === 0 || (left === 2 && body[at] === 0x0d && body[at + 1] === 0x0a)
}

function headOf(text: string): PartHead | undefined {
  const known = heads.get(text)
  if (known !== undefined) return known ?? undefined
  const head = readHead(text)
  if (heads.size >= headsMax) heads.clear()
  heads.set(text, head ?? null)
  return head
}

function readHead(text: string): PartHead | undefined {
  let name: string | undefined
  let type: string | undefined
  let sizeBytes: number | undefined
  for (const line of text.split('\r\n')) {
    const [named, typed, sized] = [disposition, contentType, contentLength].map(
      (pattern) => pattern.exec(line)?.[1],
    )
    if (named !== undefined && name === undefined) name = named
    else if (typed !== undefined && type === undefined) type = typed
    else if (sized !== undefined && sizeBytes === undefined) sizeBytes = Number(sized)
    else return undefined
  }
  if (name === undefined || !partNamePattern.test(name)) return undefined
  return { name, contentType: type ?? '', sizeBytes }
}
