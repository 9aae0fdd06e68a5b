// The request of a job: manifest, then program, then inputs, each checked while it streams.
// Program and inputs go to unlinked files, one chunk at a time; whoever calls owns the
// descriptors in the result, and after a failure none is left.
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Limits } from '../config.ts'
import { type Digest, digestOfHex } from '../job/digest.ts'
import type { Manifest } from '../job/manifest.ts'
import { parseManifest, tryManifestForm } from '../job/parse-manifest.ts'
import { makePlan, type Plan } from '../job/plan.ts'
import { manifestPartName } from '../job/source-url.ts'
import { openScratch, type Scratch } from '../run/scratch.ts'
import { type BodyPart, tryIncomplete } from './body-parts.ts'
import { checkImage } from './image-check.ts'
import { limitProblem, Problem } from './problem.ts'

export type Upload = { readonly scratch: Scratch; readonly digest: Digest }

export type JobRequest = {
  readonly manifest: Manifest
  readonly plan: Plan
  /** Present exactly when the manifest takes the program from a part. */
  readonly program: Upload | undefined
  readonly inputs: ReadonlyMap<string, Upload>
}

/** Throws Problem, ManifestError or PlanError. `scratchDir`: where the unlinked files are made. */
export async function readJobRequest(
  parts: AsyncIterable<BodyPart>,
  limits: Limits,
  scratchDir: string,
): Promise<JobRequest> {
  let head: { manifest: Manifest; plan: Plan } | undefined
  let program: Upload | undefined
  const inputs = new Map<string, Upload>()
  let roomBytes = limits.requestBytesMax
  try {
    for await (const part of parts) {
      if (head === undefined) {
        head = await readManifestPart(part, limits)
        continue
      }
      const role = roleOf(part.name, head.plan, program !== undefined, inputs)
      const limit = role === 'program' ? 'programBytesMax' : 'partBytesMax'
      const upload = await readUpload(part, limit, limits, scratchDir, roomBytes)
      roomBytes -= upload.scratch.sizeBytes
      if (role === 'program') program = upload
      else inputs.set(part.name, upload)
      if (part.name === head.plan.imagePart) await checkImage(upload.scratch, limits)
    }
    if (head === undefined)
      throw new Problem('part-missing', 'the body has no parts', { part: manifestPartName })
    const wanted = head.plan.program.kind === 'part' ? head.plan.program.name : undefined
    if (wanted !== undefined && program === undefined) throw missing(wanted)
    const absent = head.plan.inputParts.find((name) => !inputs.has(name))
    if (absent !== undefined) throw missing(absent)
    return { ...head, program, inputs }
  } catch (error) {
    program?.scratch.close()
    for (const input of inputs.values()) input.scratch.close()
    throw tryIncomplete(error) ?? error
  }
}

/**
 * Reads a whole stream into a file, digest on the way. Throws Problem above `limits[name]` or
 * above `roomBytes`: what earlier parts have left of the request's limit.
 */
export async function readUpload(
  part: BodyPart,
  name: 'programBytesMax' | 'partBytesMax',
  limits: Limits,
  scratchDir: string,
  roomBytes = limits.requestBytesMax,
): Promise<Upload> {
  const scratch = openScratch(scratchDir)
  const hash = createHash('sha256')
  try {
    for await (const chunk of part.bytes as AsyncIterable<Buffer>) {
      if (chunk.length > limits[name] - scratch.sizeBytes) {
        throw limitProblem(name, limits[name], 'bytes', { part: part.name })
      }
      if (chunk.length > roomBytes - scratch.sizeBytes) {
        throw limitProblem('requestBytesMax', limits.requestBytesMax, 'bytes', { part: part.name })
      }
      hash.update(chunk)
      await scratch.append(chunk)
    }
    return { scratch, digest: digestOfHex(hash.digest('hex')) }
  } catch (error) {
    scratch.close()
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

async function readSmall(stream: Readable, sizeMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
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
