// Bytes of asynchronous jobs that ended: an embedded object store of its own, one bucket a job.
// The outputs of a job appear together or not at all.
import { Readable } from 'node:stream'
import type { AsyncOutput } from '../job/async-state.ts'
import { StoreError } from '../store/errors.ts'
import { FsStore } from '../store/fs.ts'
import type { OpenObject, Staging } from '../store/object.ts'
import type { JobRun } from './job-run.ts'

export type OutputLimits = {
  readonly asyncOutputBytesMax: number
  readonly asyncStoreBytesMax: number
}

/** Ends with exactly one commit or discard. */
export type StagedOutputs = {
  readonly commit: () => AsyncOutput[]
  /** Idempotent, and does nothing after a commit. */
  readonly discard: () => void
}

export class AsyncOutputs {
  readonly #store: FsStore
  readonly #jobBytesMax: number

  /** `folder` is private (0700) to this object. */
  constructor(folder: string, limits: OutputLimits) {
    this.#jobBytesMax = limits.asyncOutputBytesMax
    const storeLimits = {
      objectBytesMax: limits.asyncOutputBytesMax,
      objectsMax: Number.MAX_SAFE_INTEGER,
      storeBytesMax: limits.asyncStoreBytesMax,
    }
    // As the table of jobs, whose rows go with these.
    this.#store = new FsStore(folder, storeLimits, 'lazy')
  }

  /** Removes what belongs to no job of `isKnown`. */
  removeOrphans(isKnown: (id: string) => boolean): void {
    for (const { bucket } of this.#store.buckets()) if (!isKnown(bucket)) this.remove(bucket)
  }

  /**
   * Takes everything that the job writes, until all its outputs have ended. Throws StoreError above
   * a limit; nothing is kept then, and the job is closed.
   */
  async stage(id: string, run: JobRun): Promise<StagedOutputs> {
    const staging = this.#store.stage()
    const room = { bytes: this.#jobBytesMax }
    let firstError: unknown
    const adding = run.outputs.map(async (output) => {
      const bytes = Readable.from(this.#metered(output.chunks(), room), { objectMode: false })
      const options = { contentType: output.contentType, metadata: {} }
      try {
        await staging.add({ bucket: id, key: output.name }, bytes, options)
      } catch (error) {
        firstError ??= error
        // The others end with it.
        run.close()
      }
    })
    await Promise.all(adding)
    if (firstError !== undefined) {
      staging.discard()
      throw firstError
    }
    const names = run.outputs.map(({ name }) => name)
    return { commit: () => commit(staging, names), discard: () => staging.discard() }
  }

  /** The caller closes the descriptor. */
  tryOpen(id: string, name: string): OpenObject | undefined {
    return this.#store.tryOpen({ bucket: id, key: name })
  }

  remove(id: string): void {
    const all = { prefix: '', after: '', countMax: 1000 }
    for (;;) {
      const { objects, isLast } = this.#store.list(id, all)
      for (const name of objects) this.#store.remove(name)
      if (isLast) return
    }
  }

  close(): void {
    this.#store.close()
  }

  async *#metered(chunks: AsyncIterable<Buffer>, room: { bytes: number }) {
    for await (const chunk of chunks) {
      if (chunk.length > room.bytes) {
        const limit = { name: 'asyncOutputBytesMax', value: this.#jobBytesMax }
        throw new StoreError('object-too-large', `a job has at most ${limit.value} bytes`, limit)
      }
      room.bytes -= chunk.length
      yield chunk
    }
  }
}

/** In the order of the manifest. */
function commit(staging: Staging, names: readonly string[]): AsyncOutput[] {
  const outputs = staging.commit().map(({ key: name, contentType, sizeBytes, etag }) => {
    return { name, contentType, sizeBytes, etag }
  })
  return outputs.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
}
