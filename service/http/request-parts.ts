// The request of a job: manifest, then program, then inputs, each checked while it streams.
// Program and inputs go to memory files or unlinked files, one chunk at a time; whoever calls owns
// the uploads in the result, and after a failure none is left.
import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Limits } from '../config.ts'
import { type Digest, digestOfHex } from '../job/digest.ts'
import { type GraphPlan, makeGraphPlan } from '../job/graph-plan.ts'
import type { Listing } from '../job/instances.ts'
import { isGraph, parseJobManifest, tryManifestForm } from '../job/parse-manifest.ts'
import { makePlan, type PartNames, type Plan } from '../job/plan.ts'
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
  readonly plan: Plan | GraphPlan
  /** By part name: exactly those that the manifest takes from parts. */
  readonly programs: ReadonlyMap<string, ProgramUpload>
  readonly inputs: ReadonlyMap<string, Upload>
}

/** The uploads of a request, when sessions have descriptors of their own. Idempotent. */
export function closeRequest(job: Pick<JobRequest, 'programs' | 'inputs'>): void {
  for (const { upload } of job.programs.values()) upload.close()
  for (const upload of job.inputs.values()) upload.close()
}

/** `listing`: objects for the wildcards of a graph. Throws Problem, ManifestError or PlanError. */
export async function readJobRequest(
  parts: AsyncIterable<BodyPart>,
  limits: Limits,
  place: UploadPlace,
  listing: Listing,
): Promise<JobRequest> {
  let plan: Plan | GraphPlan | undefined
  const programs = new Map<string, ProgramUpload>()
  const inputs = new Map<string, Upload>()
  let roomBytes = limits.requestBytesMax
  try {
    for await (const part of parts) {
      if (plan === undefined) {
        plan = await readManifestPart(part, limits, listing)
        continue
      }
      if (roleOf(part.name, plan, programs, inputs) === 'program') {
        const program = await readProgram(part, limits, place, roomBytes)
        roomBytes -= program.upload.sizeBytes
        programs.set(part.name, program)
      } else {
        const input = await readUpload(part, 'partBytesMax', limits, place, roomBytes)
        roomBytes -= input.sizeBytes
        inputs.set(part.name, input)
        if (plan.imageParts.includes(part.name)) await checkImage(input, limits)
      }
    }
    if (plan === undefined) throw missing(manifestPartName, 'the body has no parts')
    const wanted = [...plan.programParts, ...plan.inputParts]
    const absent = wanted.find((name) => !programs.has(name) && !inputs.has(name))
    if (absent !== undefined) throw missing(absent, 'the manifest names it')
    return { plan, programs, inputs }
  } catch (error) {
    closeRequest({ programs, inputs })
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
    for await (const chunk of part.bytes as AsyncIterable<Buffer>) {
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
  listing: Listing,
): Promise<Plan | GraphPlan> {
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
  const manifest = parseJobManifest(bytes, form)
  return isGraph(manifest) ? makeGraphPlan(manifest, listing, limits) : makePlan(manifest, limits)
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
  plan: PartNames,
  programs: ReadonlyMap<string, ProgramUpload>,
  inputs: ReadonlyMap<string, Upload>,
): 'program' | 'input' {
  if (name === manifestPartName || inputs.has(name) || programs.has(name)) {
    throw new Problem('part-duplicate', 'this part came already', { part: name })
  }
  if (plan.programParts.includes(name)) {
    if (inputs.size > 0) throw programsFirst(name)
    return 'program'
  }
  if (!plan.inputParts.includes(name)) {
    throw new Problem('part-unexpected', 'no channel of the manifest reads it', { part: name })
  }
  if (programs.size < plan.programParts.length) throw programsFirst(name)
  return 'input'
}

function programsFirst(name: string): Problem {
  return new Problem('part-order', 'the program comes before the inputs', { part: name })
}

function missing(name: string, detail: string): Problem {
  return new Problem('part-missing', detail, { part: name })
}
