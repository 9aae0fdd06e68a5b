// Where the bytes of a job are: uploads, stored programs and objects, by the URLs of its manifest.
// Everything that is named is looked up before anything starts.
import type { Deps } from '../deps.ts'
import { Problem } from '../http/problem.ts'
import type { JobRequest } from '../http/request-parts.ts'
import type { Digest } from '../job/digest.ts'
import type { ProgramUrl } from '../job/manifest.ts'
import type { InputUrl } from '../job/memo-key.ts'
import type { ObjectUrl } from '../job/node-url.ts'
import type { SessionPlan } from '../job/plan.ts'
import type { FdHandle } from '../native.ts'
import type { SessionInputs } from '../run/session.ts'
import type { ProgramSource } from '../run/sessions.ts'
import type { ObjectInfo } from '../store/object.ts'

/** Between the client and a guest that reads while it sends. */
const livePipeBytes = 1024 * 1024

export type JobSources = {
  /** Links are the business of whoever runs the graph. */
  readonly inputs: SessionInputs
  readonly programOf: (url: ProgramUrl) => ProgramSource
  /** Of the bytes as they are now. Of parts only when they were digested. */
  readonly digestOf: (url: InputUrl) => Digest
  /** Objects that sessions have opened so far, as they were then. */
  readonly opened: readonly ObjectInfo[]
}

/** `nodes`: all of the job. Throws Problem when something is not stored. */
export function openSources(
  job: JobRequest,
  nodes: readonly (SessionPlan & { readonly program: ProgramUrl })[],
  deps: Deps,
): JobSources {
  const { native } = deps.sessions
  const openPart = (name: string) => {
    if (job.live?.name === name) {
      const pipe = native.makePipe({ sizeBytes: livePipeBytes })
      job.live.attach(pipe.write)
      return pipe.read
    }
    const upload = (job.inputs.get(name) ?? job.programs.get(name))?.upload
    if (upload === undefined) throw new Error(`a request without its part ${name} got through`)
    return upload.open()
  }
  const opened: ObjectInfo[] = []
  const openBlob = (digest: Digest) => native.openFile(blobPath(digest, deps))
  const openObject = (url: ObjectUrl): FdHandle => {
    const object = deps.store.tryOpen(url)
    if (object === undefined) throw objectMissing(url)
    opened.push(object.info)
    return native.adoptFd(object.fd)
  }
  const lookups = new Lookups(deps)
  for (const { program, channels } of nodes) {
    if (program.kind === 'sha256') lookups.checkProgram(program.digest)
    for (const { limits, sources } of channels) {
      for (const source of sources) {
        if (source.kind === 'sha256') lookups.checkBlob(source.digest)
        if (source.kind === 'object' && limits.reads > 0n) lookups.checkObject(source)
      }
    }
  }
  const programOf = (url: ProgramUrl): ProgramSource => {
    if (url.kind === 'sha256') return { digest: url.digest, open: () => openBlob(url.digest) }
    const program = job.programs.get(url.name)
    if (program === undefined) throw new Error('a request without its program got through')
    return { digest: program.digest, open: () => program.upload.open() }
  }
  const openLink = (): FdHandle => {
    throw new Error('a job of one node has no links')
  }
  const digestOf = (url: InputUrl): Digest => {
    if (url.kind === 'sha256') return url.digest
    if (url.kind === 'object') {
      const info = deps.store.tryInfo(url)
      if (info === undefined) throw objectMissing(url)
      return info.etag
    }
    const digest = (job.programs.get(url.name) ?? job.inputs.get(url.name))?.digest
    if (digest === undefined) throw new Error(`the part ${url.name} was not digested`)
    return digest
  }
  const inputs = { openPart, openBlob, openObject, openLink }
  return { inputs, programOf, digestOf, opened }
}

/** Looks up each stored thing once, however many nodes name it. */
class Lookups {
  readonly #found = new Set<string>()
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  checkProgram(digest: Digest): void {
    this.#once(`program:${digest}`, () => {
      if (this.#deps.programs.tryPath(digest) !== undefined) return
      throw new Problem('program-not-found', 'PUT /v1/programs stores it', { digest })
    })
  }

  checkBlob(digest: Digest): void {
    this.#once(`blob:${digest}`, () => blobPath(digest, this.#deps))
  }

  checkObject(url: ObjectUrl): void {
    this.#once(`object:${url.bucket}/${url.key}`, () => {
      if (!this.#deps.store.tryInfo(url)) throw objectMissing(url)
    })
  }

  #once(name: string, look: () => void): void {
    if (this.#found.has(name)) return
    look()
    this.#found.add(name)
  }
}

function blobPath(digest: Digest, deps: Deps): string {
  const path = deps.programs.tryPath(digest)
  if (path === undefined) throw new Problem('blob-not-found', digest, { digest })
  return path
}

function objectMissing({ bucket, key }: ObjectUrl): Problem {
  return new Problem('object-not-found', `${bucket}/${key} is not stored`, { bucket, key })
}
