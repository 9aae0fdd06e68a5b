// Programs as sealed images. A nexe is judged and laid out once, by a locked-down prepare worker,
// never here; the kernel then keeps its image as it is, so later sessions map it unjudged. Images
// that nobody has used for longest go first when there are too many.
import type { Digest } from '../job/digest.ts'
import { hexOf } from '../job/digest.ts'
import type { FdHandle, Native } from '../native.ts'
import { ProgramRefusedError, WorkerError } from './errors.ts'
import { decodePrepared, encodePrepare, type Prepared, type Profile } from './wire.ts'
import type { Worker } from './worker.ts'
import type { WorkerPool } from './worker-pool.ts'

export type ProgramLimits = {
  readonly imageBytesMax: number
  readonly imagesMax: number
  readonly prepareMsMax: number
}

/** Workers that may die over one program, until its job is told. */
const preparesMax = 3
const deaths: ReadonlySet<string> = new Set(['worker-died', 'worker-unread'])
/** The rule sets that this service accepts. */
const acceptedProfile: Profile = 'zvm'

type Image = {
  readonly key: string
  readonly handle: FdHandle
  readonly sizeBytes: number
  readonly profile: Profile
  users: number
  isEvicted: boolean
}

/** An image that stays open until `release` is called, once. */
export type ImageLease = {
  readonly handle: FdHandle
  /** The weakest rule set that accepts the program. */
  readonly profile: Profile
  release(): void
}

export class Programs {
  /** In the order of their last use. */
  readonly #images = new Map<string, Image>()
  readonly #preparing = new Map<string, Promise<Image>>()
  readonly #native: Native
  readonly #workers: WorkerPool
  readonly #limits: ProgramLimits
  readonly #reasons: ReadonlyMap<string, string>
  #taskId = 0
  sizeBytes = 0
  hits = 0
  misses = 0

  constructor(native: Native, workers: WorkerPool, limits: ProgramLimits) {
    this.#native = native
    this.#workers = workers
    this.#limits = limits
    this.#reasons = new Map(native.rules.map(({ name, reason }) => [name, reason]))
  }

  get count(): number {
    return this.#images.size
  }

  /**
   * The image of the program with this digest: from the cache, or prepared now. `open` gives the
   * nexe's bytes; it is called only when they are needed. Rejects with ProgramRefusedError or
   * WorkerError.
   */
  async lease(digest: Digest, open: () => FdHandle): Promise<ImageLease> {
    const key = this.#keyOf(digest)
    let image = this.#images.get(key)
    if (image !== undefined) this.hits += 1
    // Others may have pushed it out again before this goes on.
    while (image === undefined || image.handle.closed) {
      image = await this.#prepareOnce(key, digest, open)
    }
    this.#images.delete(key)
    if (!image.isEvicted) this.#images.set(key, image)
    image.users += 1
    let isReleased = false
    return {
      handle: image.handle,
      profile: image.profile,
      release: () => {
        if (isReleased) return
        isReleased = true
        image.users -= 1
        closeUnused(image)
      },
    }
  }

  /** The image for use at once: it may be evicted when the caller yields. */
  tryImage(digest: Digest): Pick<ImageLease, 'handle' | 'profile'> | undefined {
    const key = this.#keyOf(digest)
    const image = this.#images.get(key)
    if (image === undefined) return undefined
    this.hits += 1
    this.#images.delete(key)
    this.#images.set(key, image)
    return image
  }

  close(): void {
    for (const image of this.#images.values()) this.#evict(image)
  }

  /** Everything that an image depends on besides the program. */
  #keyOf(digest: Digest): string {
    const { imageVersion, cpuFeatures } = this.#workers.kind
    return `${digest} ${acceptedProfile} ${imageVersion} ${cpuFeatures}`
  }

  #prepareOnce(key: string, digest: Digest, open: () => FdHandle): Promise<Image> {
    const underWay = this.#preparing.get(key)
    if (underWay !== undefined) return underWay
    this.misses += 1
    const image = this.#prepare(key, digest, open).finally(() => this.#preparing.delete(key))
    this.#preparing.set(key, image)
    return image
  }

  /** Whatever a worker had done when it died, another can do it again. */
  async #prepare(key: string, digest: Digest, open: () => FdHandle): Promise<Image> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#tryPrepare(key, digest, open)
      } catch (error) {
        const isDead = error instanceof WorkerError && deaths.has(error.code)
        if (!isDead || tries === preparesMax) throw error
      }
    }
  }

  async #tryPrepare(key: string, digest: Digest, open: () => FdHandle): Promise<Image> {
    const worker = await this.#workers.take({ tenant: '', program: digest })
    const handle = this.#native.makeImageFile()
    try {
      const prepared = await this.#ask(worker, open, handle)
      if (!prepared.valid) throw this.#refusalOf(prepared)
      if (prepared.sha256Hex !== hexOf(digest)) throw new Error(`${digest} has other bytes`)
      if (!handle.isSealed()) throw new WorkerError('worker-wire', 'the image is not sealed')
      const { sizeBytes } = handle.stat()
      const { profile } = prepared
      const image = { key, handle, sizeBytes, profile, users: 0, isEvicted: false }
      this.#keep(image)
      return image
    } catch (error) {
      handle.close()
      throw error
    } finally {
      this.#workers.giveBack(worker)
    }
  }

  async #ask(worker: Worker, open: () => FdHandle, image: FdHandle): Promise<Prepared> {
    const program = open()
    this.#taskId += 1
    const frame = encodePrepare(this.#taskId, acceptedProfile)
    const answer = worker.ask(frame, [program, image], this.#limits.prepareMsMax)
    program.close()
    try {
      return decodePrepared(await answer)
    } catch (error) {
      if (!(error instanceof WorkerError && error.code === 'worker-overdue')) throw error
      const detail = `it could not be judged in ${this.#limits.prepareMsMax} ms`
      throw new ProgramRefusedError('prepare-timeout', detail, 0, [])
    }
  }

  #keep(image: Image): void {
    this.#images.set(image.key, image)
    this.sizeBytes += image.sizeBytes
    const { imageBytesMax, imagesMax } = this.#limits
    for (const oldest of this.#images.values()) {
      if (this.sizeBytes <= imageBytesMax && this.#images.size <= imagesMax) break
      if (oldest === image) break
      this.#evict(oldest)
    }
  }

  #evict(image: Image): void {
    this.#images.delete(image.key)
    this.sizeBytes -= image.sizeBytes
    image.isEvicted = true
    closeUnused(image)
  }

  #refusalOf({ code, message, violationCount, violations }: Prepared): ProgramRefusedError {
    const explained = violations.map(({ offset, rule }) => ({
      offset,
      rule,
      reason: this.#reasons.get(rule) ?? rule,
    }))
    return new ProgramRefusedError(code, message, violationCount, explained)
  }
}

function closeUnused(image: Image): void {
  if (image.isEvicted && image.users === 0) image.handle.close()
}
