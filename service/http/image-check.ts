// A tar image before a guest sees it: only files, folders and links that stay inside, no name
// twice, bounded in number and size. Reads the uploaded file once; changes nothing.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import type { Limits } from '../config.ts'
import type { Upload } from '../run/upload.ts'
import { limitProblem, Problem } from './problem.ts'

const nameBytesMax = 1024

/** Throws Problem. */
export async function checkImage(image: Upload, limits: Limits): Promise<void> {
  const archive = extract()
  const seen = new Set<string>()
  let contentBytes = 0
  archive.on('entry', (header, stream, next) => {
    // Destroying the archive errors its entry too; the pipeline below tells the reason.
    stream.on('error', () => undefined)
    try {
      contentBytes += sizeOf(header)
      checkEntry(header, seen)
      if (seen.size > limits.imageEntriesMax) {
        throw limitProblem('imageEntriesMax', limits.imageEntriesMax, 'entries')
      }
      if (contentBytes > limits.imageContentBytesMax) {
        throw limitProblem('imageContentBytesMax', limits.imageContentBytesMax, 'bytes')
      }
      stream.on('end', next)
      stream.resume()
    } catch (error) {
      archive.destroy(error instanceof Error ? error : new Error('unknown'))
    }
  })
  try {
    await pipeline(Readable.from(image.chunks(), { objectMode: false }), archive)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('image-malformed', 'not a tar archive', {}, { cause: error })
  }
}

/** A size in base 256 can be negative, and would make room for others. */
function sizeOf(header: Header): number {
  const size = header.size ?? 0
  if (Number.isSafeInteger(size) && size >= 0) return size
  throw refuse(header.name, 'has a size that is none')
}

function checkEntry(header: Header, seen: Set<string>): void {
  const path = insidePath(header.name, header.name)
  if (seen.has(path)) throw refuse(header.name, 'comes twice')
  checkType(header, path, seen)
  seen.add(path)
}

function checkType(header: Header, path: string, seen: ReadonlySet<string>): void {
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
    case 'directory':
      return
    case 'symlink': {
      const target = header.linkname ?? ''
      const parent = path.slice(0, path.lastIndexOf('/') + 1)
      insidePath(header.name, target.startsWith('/') ? target : `${parent}${target}`)
      return
    }
    case 'link':
      if (!seen.has(insidePath(header.name, header.linkname ?? ''))) {
        throw refuse(header.name, 'links to what did not come before')
      }
      return
    default:
      throw refuse(header.name, `is a ${header.type ?? 'thing without type'}`)
  }
}

/** Without leading or empty steps. Throws when a step leads out of the root. */
function insidePath(name: string, path: string): string {
  if (path.includes('\0') || Buffer.byteLength(path) > nameBytesMax) {
    throw refuse(name, 'has an unacceptable name')
  }
  const steps: string[] = []
  for (const step of path.split('/')) {
    if (step === '' || step === '.') continue
    if (step === '..') {
      if (steps.pop() === undefined) throw refuse(name, 'leads out of the root')
    } else steps.push(step)
  }
  return steps.join('/')
}

function refuse(name: string, what: string): Problem {
  const entry = name.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)
  return new Problem('image-malformed', `an entry ${what}`, { entry })
}
