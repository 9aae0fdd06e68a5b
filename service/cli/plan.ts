// `zvm plan`: what a manifest comes to, before anything is sent or started.
import { readFile } from 'node:fs/promises'
import { readConfig } from '../config.ts'
import { parseManifest } from '../job/parse-manifest.ts'
import { makePlan } from '../job/plan.ts'
import { fileFailed, formOf } from './job-files.ts'

/** Throws CliError, ManifestError, PlanError. */
export async function plan(path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const bytes = await readFile(path).catch(fileFailed(path))
  const made = makePlan(parseManifest(bytes, formOf(bytes)), readConfig(process.env).limits)
  const plain = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value
  process.stdout.write(`${JSON.stringify(made, plain, json === true ? 0 : 2)}\n`)
}
