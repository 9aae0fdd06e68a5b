// Room for asynchronous jobs: how many there may be, and how much they may have uploaded. A place
// is taken before a body is read, so that what does not fit is refused at once.
import { AdmissionError } from './errors.ts'

export type AsyncPlaceLimits = {
  /** Queued, running and kept. */
  readonly asyncJobsMax: number
  /** Uploading, queued or running. */
  readonly asyncQueueMax: number
  readonly asyncInputBytesMax: number
  readonly asyncPartsMax: number
}

/** Must be released, once or more often. */
export type AsyncPlace = {
  /** More of an upload that did not tell its size. Throws AdmissionError when it has no room. */
  readonly grow: (bytes: number) => void
  /** What the upload really was. Throws AdmissionError when there are too many parts. */
  readonly settle: (inputBytes: number, parts: number) => void
  readonly release: () => void
}

const retryAfterS = 5

export class AsyncPlaces {
  #jobs = 0
  #inputBytes = 0
  #parts = 0
  #isDraining = false
  readonly #limits: AsyncPlaceLimits
  readonly #keptJobs: () => number

  /** `keptJobs`: those in the table, whatever their state. */
  constructor(limits: AsyncPlaceLimits, keptJobs: () => number) {
    this.#limits = limits
    this.#keptJobs = keptJobs
  }

  get inputBytes(): number {
    return this.#inputBytes
  }

  /** Reserves for an upload of that size, 0 = it does not tell. Throws AdmissionError. */
  take(inputBytes: number, parts: number): AsyncPlace {
    if (this.#isDraining) throw new AdmissionError('draining', 'try another instance', 1)
    const { asyncJobsMax, asyncQueueMax, asyncInputBytesMax, asyncPartsMax } = this.#limits
    checkRoom('asyncJobsMax', asyncJobsMax, this.#keptJobs() + 1)
    checkRoom('asyncQueueMax', asyncQueueMax, this.#jobs + 1)
    checkRoom('asyncInputBytesMax', asyncInputBytesMax, this.#inputBytes + inputBytes)
    checkRoom('asyncPartsMax', asyncPartsMax, this.#parts + parts)
    const held = { inputBytes: 0, parts: 0 }
    const settle = (bytes: number, count: number) => {
      checkRoom('asyncPartsMax', asyncPartsMax, this.#parts - held.parts + count)
      this.#inputBytes += bytes - held.inputBytes
      this.#parts += count - held.parts
      held.inputBytes = bytes
      held.parts = count
    }
    settle(inputBytes, parts)
    this.#jobs += 1
    let isReleased = false
    return {
      grow: (bytes) => {
        checkRoom('asyncInputBytesMax', asyncInputBytesMax, this.#inputBytes + bytes)
        this.#inputBytes += bytes
        held.inputBytes += bytes
      },
      settle,
      release: () => {
        if (isReleased) return
        isReleased = true
        settle(0, 0)
        this.#jobs -= 1
      },
    }
  }

  drain(): void {
    this.#isDraining = true
  }
}

function checkRoom(name: keyof AsyncPlaceLimits, limit: number, wanted: number): void {
  if (wanted > limit) throw new AdmissionError('jobs-full', `${name} is ${limit}`, retryAfterS)
}
