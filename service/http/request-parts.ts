// The request of a job: manifest, then programs, then inputs, each checked while it streams.
// Whoever calls owns the uploads in the result; after a failure none is left.
import type { Limits } from '../config.ts'
import { type GraphPlan, makeGraphPlan } from '../job/graph-plan.ts'
import type { Listing } from '../job/instances.ts'
import { isGraph, parseJobManifest, tryManifestForm } from '../job/parse-manifest.ts'
import { isReadOnce, makePlan, type Plan } from '../job/plan.ts'
import { manifestPartName } from '../job/source-url.ts'
import { type BodyPart, tryIncomplete } from './body-parts.ts'
import { checkImage } from './image-check.ts'
import { LiveInput } from './live-input.ts'
import {
  type EarlyPart,
  type InputUpload,
  type ProgramUpload,
  readInput,
  readProgram,
  type UploadPlace,
} from './part-upload.ts'
import { limitProblem, Problem } from './problem.ts'

type AnyPlan = Plan | GraphPlan

export type JobRequest = {
  readonly plan: AnyPlan
  /** By part name: exactly those that the manifest takes from parts. */
  readonly programs: ReadonlyMap<string, ProgramUpload>
  /** All but the live one; digested when the manifest asks for the memo. */
  readonly inputs: ReadonlyMap<string, InputUpload>
  /** The rest of the request, when it is to be read while the job runs. */
  readonly live: LiveInput | undefined
}

export type RequestOptions = {
  /** Objects for the wildcards of a graph. */
  readonly listing: Listing
  /** Whether the last input may be left unread. */
  readonly mayLive: boolean
}

/** The uploads of a request, when sessions have descriptors of their own. Idempotent. */
export function closeRequest(job: Pick<JobRequest, 'programs' | 'inputs'>): void {
  for (const { upload } of job.programs.values()) upload.close()
  for (const { upload } of job.inputs.values()) upload.close()
}

/**
 * Reads the request to its end, or to where its last part goes live. Throws Problem, ManifestError
 * or PlanError.
 */
export async function readJobRequest(
  parts: AsyncIterable<BodyPart>,
  limits: Limits,
  place: UploadPlace,
  options: RequestOptions,
): Promise<JobRequest> {
  const reader = new RequestReader(parts, limits, place, options)
  try {
    return await reader.read()
  } catch (error) {
    reader.close()
    throw tryIncomplete(error) ?? error
  }
}

class RequestReader {
  #roomBytes: number
  readonly #programs = new Map<string, ProgramUpload>()
  readonly #inputs = new Map<string, InputUpload>()
  readonly #parts: AsyncIterator<BodyPart>
  readonly #limits: Limits
  readonly #place: UploadPlace
  readonly #options: RequestOptions

  constructor(
    parts: AsyncIterable<BodyPart>,
    limits: Limits,
    place: UploadPlace,
    options: RequestOptions,
  ) {
    this.#parts = parts[Symbol.asyncIterator]()
    this.#limits = limits
    this.#place = place
    this.#options = options
    this.#roomBytes = limits.requestBytesMax
  }

  async read(): Promise<JobRequest> {
    const first = await this.#nextPart()
    if (first === undefined) throw missing(manifestPartName, 'the body has no parts')
    const plan = await readManifestPart(first, this.#limits, this.#options.listing)
    for (let part = await this.#nextPart(); part !== undefined; part = await this.#nextPart()) {
      const live = await this.#take(part, plan)
      if (live !== undefined) return this.#resultOf(plan, live)
    }
    const wanted = [...plan.programParts, ...plan.inputParts]
    const absent = wanted.find((name) => !this.#programs.has(name) && !this.#inputs.has(name))
    if (absent !== undefined) throw missing(absent, 'the manifest names it')
    return this.#resultOf(plan, undefined)
  }

  close(): void {
    closeRequest({ programs: this.#programs, inputs: this.#inputs })
    this.#abandon()
  }

  async #nextPart(): Promise<BodyPart | undefined> {
    const step = await this.#parts.next()
    return step.done === true ? undefined : step.value
  }

  #abandon(): void {
    this.#parts.return?.().catch(() => undefined)
  }

  #resultOf(plan: AnyPlan, live: LiveInput | undefined): JobRequest {
    return { plan, programs: this.#programs, inputs: this.#inputs, live }
  }

  /** Undefined unless the part goes live. */
  async #take(part: BodyPart, plan: AnyPlan): Promise<LiveInput | undefined> {
    const [limits, place, roomBytes] = [this.#limits, this.#place, this.#roomBytes]
    if (this.#roleOf(part.name, plan) === 'program') {
      const program = await readProgram(part, limits, place, roomBytes)
      this.#roomBytes -= program.upload.sizeBytes
      this.#programs.set(part.name, program)
      return undefined
    }
    // What is looked up must be known first.
    const isDigested = plan.memo.mode !== 'off' || isSnapshotImage(part.name, plan)
    const mayLive = !isDigested && this.#mayLive(part, plan)
    const input = await readInput(part, limits, place, roomBytes, { mayLive, isDigested })
    if ('early' in input) return this.#goLive(part, plan, input)
    this.#roomBytes -= input.upload.sizeBytes
    this.#inputs.set(part.name, input)
    if (plan.imageParts.includes(part.name)) await checkImage(input.upload, limits)
    return undefined
  }

  #mayLive({ name, mayLive }: BodyPart, plan: AnyPlan): boolean {
    const isLast = this.#inputs.size === plan.inputParts.length - 1
    return (
      this.#options.mayLive && mayLive && isLast && !('nodes' in plan) && isReadOnce(plan, name)
    )
  }

  #goLive(
    { name, direct }: BodyPart,
    plan: AnyPlan,
    { early, chunks, counter }: EarlyPart,
  ): LiveInput {
    const finish = async () => {
      const more = await this.#nextPart()
      if (more === undefined) return
      if (more.name !== name) this.#roleOf(more.name, plan)
      throw duplicate(more.name)
    }
    if (direct?.body.isWorth() === true) direct.body.announce()
    return new LiveInput({
      name,
      early,
      chunks,
      direct,
      counter,
      finish,
      abandon: () => this.#abandon(),
    })
  }

  /** Throws Problem when the part has no business here. */
  #roleOf(name: string, plan: AnyPlan): 'program' | 'input' {
    if (name === manifestPartName || this.#inputs.has(name) || this.#programs.has(name)) {
      throw duplicate(name)
    }
    if (plan.programParts.includes(name)) {
      if (this.#inputs.size > 0) throw programsFirst(name)
      return 'program'
    }
    if (!plan.inputParts.includes(name)) {
      throw new Problem('part-unexpected', 'no channel of the manifest reads it', { part: name })
    }
    if (this.#programs.size < plan.programParts.length) throw programsFirst(name)
    return 'input'
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

function programsFirst(name: string): Problem {
  return new Problem('part-order', 'the program comes before the inputs', { part: name })
}

function missing(name: string, detail: string): Problem {
  return new Problem('part-missing', detail, { part: name })
}

function duplicate(name: string): Problem {
  return new Problem('part-duplicate', 'this part came already', { part: name })
}

/** Snapshots are kept by what is in the image. */
function isSnapshotImage(name: string, plan: AnyPlan): boolean {
  const isStarted = 'snapshot' in plan && plan.snapshot !== undefined
  return isStarted && plan.imageParts.includes(name)
}
