// The request of a job: manifest, then program, then inputs, each checked while it streams.
// Program and inputs go to memory files or unlinked files, one chunk at a time; whoever calls owns
// the uploads in the result, and after a failure none is left.
import { createHash, type Hash } from 'node:crypto'
import type { Limits } from '../config.ts'
import { type Digest, digestOfHex } from '../job/digest.ts'
import type { Manifest } from '../job/manifest.ts'
import { parseManifest, tryManifestForm } from '../job/parse-manifest.ts'
import { makePlan, type Plan } from '../job/plan.ts'
import { manifestPartName } from '../job/source-url.ts'
import type { Native } from '../native.ts'
import { type Upload, UploadWriter } from '../run/upload.ts'
import { type BodyPart, tryIncomplete } from './body-parts.ts'
import { checkImage } from './image-check.ts'
import { limitProblem, Problem } from './problem.ts'

/** `scratchDir`: where the unlinked files are made. */
export type UploadPlace = { readonly native: Native; readonly scratchDir: string }

export type ProgramUpload = { readonly upload: Upload; readonly digest: Digest }

export type JobRequest = {
  readonly manifest: Manifest
  readonly plan: Plan
  /** Present exactly when the manifest takes the program from a part. */
  readonly program: ProgramUpload | undefined
  readonly inputs: ReadonlyMap<string, Upload>
}

/** Throws Problem, ManifestError or PlanError. */
export async function readJobRequest(
  parts: AsyncIterable<BodyPart>,
  limits: Limits,
  place: UploadPlace,
): Promise<JobRequest> {
  let head: { manifest: Manifest; plan: Plan } | undefined
  let program: ProgramUpload | undefined
  const inputs = new Map<string, Upload>()
  let roomBytes = limits.requestBytesMax
  try {
    for await (const part of parts) {
      if (head === undefined) {
        head = await readManifestPart(part, limits)
        continue
      }
      const role = roleOf(part.name, head.plan, program !== undefined, inputs)
      if (role === 'program') {
        program = await readProgram(part, limits, place, roomBytes)
        roomBytes -= program.upload.sizeBytes
      } else {
        const input = await readUpload(part, 'partBytesMax', limits, place, roomBytes)
        roomBytes -= input.sizeBytes
        inputs.set(part.name, input)
        if (part.name === head.plan.imagePart) await checkImage(input, limits)
      }
    }
    if (head === undefined)
      throw new Problem('part-missing', 'the body has no parts', { part: manifestPartName })
    const wanted = head.plan.program.kind === 'part' ? head.plan.program.name : undefined
    if (wanted !== undefined && program === undefined) throw missing(wanted)
    const absent = head.plan.inputParts.find((name) => !inputs.has(name))
    if (absent !== undefined) throw missing(absent)
    return { ...head, program, inputs }
  } catch (error) {
    program?.upload.close()
    for (const input of inputs.values()) input.close()
    throw tryIncomplete(error) ?? error
  }
}

/** As readUpload, with the digest of the bytes. */
export async function readProgram(
  part: BodyPart,
  limits: Limits,
  place: UploadPlace,
  roomBytes = limits.requestBytesMax,
): Promise<ProgramUpload> {
  const hash = createHash('sha256')
  const upload = await readUpload(part, 'programBytesMax', limits, place, roomBytes, hash)
  return { upload, digest: digestOfHex(hash.digest('hex')) }
}

/**
 * Reads a whole stream. Throws Problem above `limits[name]` or above `roomBytes`: what earlier
 * parts have left of the request's limit.
 */
async function readUpload(
  part: BodyPart,
  name: 'programBytesMax' | 'partBytesMax',
  limits: Limits,
  { native, scratchDir }: UploadPlace,
  roomBytes: number,
  hash?: Hash,
): Promise<Upload> {
  const writer = new UploadWriter(native, scratchDir, limits.uploadMemoryBytesMax)
  try {
    for await (const chunk of part.bytes) {
      if (chunk.length > limits[name] - writer.sizeBytes) {
        throw limitProblem(name, limits[name], 'bytes', { part: part.name })
      }
      if (chunk.length > roomBytes - writer.sizeBytes) {
        throw limitProblem('requestBytesMax', limits.requestBytesMax, 'bytes', { part: part.name })
      }
      hash?.update(chunk)
      await writer.append(chunk)
    }
    return writer.finish()
  } catch (error) {
    writer.close()
    throw error
  }
}

async function readManifestPart(
  part: BodyPart,
  limits: Limits,
): Promise<{ manifest: Manifest; plan: Plan }> {
  if (part.name !== manifestPartName) {
    throw new Problem('part-order', 'the first part is the manifest', { part: part.name })
  }
  const bytes = await readSmall(part.bytes, limits.manifestBytesMax)
  const form = part.contentType === '' ? guessForm(bytes) : tryManifestForm(part.contentType)
  if (form === undefined) {
    throw new Problem('media-type-unsupported', 'a manifest is application/json or text/plain', {
      part: manifestPartName,
    })
  }
  const manifest = parseManifest(bytes, form)
  return { manifest, plan: makePlan(manifest, limits) }
}

// Tar members have no media type: a JSON manifest begins with a brace.
function guessForm(bytes: Buffer): 'json' | 'classic' {
  return bytes.toString('latin1').trimStart().startsWith('{') ? 'json' : 'classic'
}

async function readSmall(stream: AsyncIterable<Buffer>, sizeMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > sizeMax) {
      throw limitProblem('manifestBytesMax', sizeMax, 'bytes', { part: manifestPartName })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function roleOf(
  name: string,
  plan: Plan,
  hasProgram: boolean,
  inputs: ReadonlyMap<string, Upload>,
): 'program' | 'input' {
  const programPart = plan.program.kind === 'part' ? plan.program.name : undefined
  const isProgram = name === programPart
  if (name === manifestPartName || inputs.has(name) || (isProgram && hasProgram)) {
    throw new Problem('part-duplicate', 'this part came already', { part: name })
  }
  if (!isProgram && !plan.inputParts.includes(name)) {
    throw new Problem('part-unexpected', 'no channel of the manifest reads it', { part: name })
  }
  if (!isProgram && programPart !== undefined && !hasProgram) {
    throw new Problem('part-order', 'the program comes before the inputs', { part: name })
  }
  return isProgram ? 'program' : 'input'
}

function missing(name: string): Problem {
  return new Problem('part-missing', 'the manifest names it', { part: name })
}
