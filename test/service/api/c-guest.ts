// Programs in C of test/service/guests, compiled by the product's own compiler (after
// `npm run build:guest`).
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nativeDir } from './server.ts'

export async function buildGuest(
  name: string,
  ...flags: readonly string[]
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'zvm-guest-'))
  const source = join(import.meta.dirname, '../guests', `${name}.c`)
  const nexe = join(folder, `${name}.nexe`)
  try {
    await promisify(execFile)(join(nativeDir, 'zvm-cc'), ['-O2', ...flags, source, '-o', nexe])
    return new Uint8Array(await readFile(nexe))
  } finally {
    await rm(folder, { recursive: true })
  }
}
