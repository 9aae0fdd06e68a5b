// What a result depends on besides its job: the program that runs guests, byte for byte, the
// processor, and the form of what is kept. Results of another runtime are never given.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** To be raised when the service begins to give guests or answers something else. */
const formVersion = 1

/** `cpuFeatures`: as the workers have found them. 64 hex digits. */
export function makeRuntimeId(workerPath: string, cpuFeatures: number): string {
  const told = JSON.stringify([formVersion, cpuFeatures, cpus()[0]?.model ?? ''])
  return createHash('sha256').update(readFileSync(workerPath)).update(told).digest('hex')
}
