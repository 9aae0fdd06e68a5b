// Stored programs: nexes on disk under their digest, each judged before it is kept. Complete or
// absent: a file is renamed into place when it has all its bytes, so a crash leaves at most an
// unlinked one.
import { randomUUID } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { type Digest, hexOf } from '../job/digest.ts'
import type { Upload } from './upload.ts'

const metaSchema = z.object({
  program: z.string(),
  sizeBytes: z.int(),
  validator: z.enum(['ok', 'failed', 'not-run']),
  profile: z.string().nullable(),
  storedAt: z.string(),
})
export type StoredProgram = z.infer<typeof metaSchema>

/** Programs that were seen in the folder; the service removes none. */
const knownMax = 10_000

export class ProgramStore {
  readonly #folder: string
  readonly #known = new Set<Digest>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith('.part')) await rm(join(this.#folder, name), { force: true })
    }
  }

  async count(): Promise<number> {
    return (await readdir(this.#folder)).filter((name) => name.endsWith('.nexe')).length
  }

  /** Undefined when it is not stored. */
  tryPath(digest: Digest): string | undefined {
    const path = this.#path(digest, 'nexe')
    return existsSync(path) ? path : undefined
  }

  /** Whether it is stored, or was when this was last asked: costs nothing for a known program. */
  has(digest: Digest): boolean {
    if (this.#known.has(digest)) return true
    if (this.tryPath(digest) === undefined) return false
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.add(digest)
    return true
  }

  async tryGet(digest: Digest): Promise<StoredProgram | undefined> {
    const text = await readFile(this.#path(digest, 'json'), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : metaSchema.parse(JSON.parse(text))
  }

  /** The caller has checked it and keeps `program`. */
  async put(digest: Digest, program: Upload, profile: string): Promise<StoredProgram> {
    const present = await this.tryGet(digest)
    if (present !== undefined) return present
    const meta: StoredProgram = {
      program: digest,
      sizeBytes: program.sizeBytes,
      validator: 'ok',
      profile,
      storedAt: new Date().toISOString(),
    }
    const nexe = join(this.#folder, `${randomUUID()}.part`)
    const json = join(this.#folder, `${randomUUID()}.part`)
    try {
      const sink = createWriteStream(nexe, { mode: 0o600, flags: 'wx' })
      await pipeline(Readable.from(program.chunks(), { objectMode: false }), sink)
      await writeFile(json, JSON.stringify(meta), { mode: 0o600, flag: 'wx' })
      await rename(nexe, this.#path(digest, 'nexe'))
      await rename(json, this.#path(digest, 'json'))
    } catch (error) {
      await Promise.all([rm(nexe, { force: true }), rm(json, { force: true })])
      throw error
    }
    return meta
  }

  #path(digest: Digest, ending: 'nexe' | 'json'): string {
    return join(this.#folder, `${hexOf(digest)}.${ending}`)
  }
}
