// `zvm plan`: what a manifest comes to, before anything is sent or started.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { readConfig } from '../config.ts'
import type { Graph } from '../job/graph.ts'
import { renderMermaid, renderTable } from '../job/graph-picture.ts'
import { makeGraphPlan } from '../job/graph-plan.ts'
import type { Listing } from '../job/instances.ts'
import { isGraph, parseJobManifest } from '../job/parse-manifest.ts'
import { makePlan } from '../job/plan.ts'
import { usageError } from './exit-status.ts'
import { fileFailed, formOf } from './job-files.ts'

export type PlanOptions = {
  readonly json?: boolean
  readonly mermaid?: boolean
  /** Folder of folders: a bucket each, whose files are its objects. */
  readonly objects?: string
}

/** Throws CliError, ManifestError, PlanError. */
export async function plan(path: string, options: PlanOptions): Promise<void> {
  const bytes = await readFile(path).catch(fileFailed(path))
  const manifest = parseJobManifest(bytes, formOf(bytes))
  process.stdout.write(
    isGraph(manifest) ? await renderGraph(manifest, options) : renderNode(manifest, options),
  )
}

function renderNode(manifest: Parameters<typeof makePlan>[0], options: PlanOptions): string {
  if (options.mermaid === true) throw usageError('--mermaid draws graphs: this is one node')
  return toJson(makePlan(manifest, readConfig(process.env).limits), options)
}

async function renderGraph(graph: Graph, options: PlanOptions): Promise<string> {
  const listing = options.objects === undefined ? () => [] : await listFolder(options.objects)
  const made = makeGraphPlan(graph, listing, readConfig(process.env).limits)
  if (options.mermaid === true) return renderMermaid(made)
  return options.json === true ? toJson(made, options) : renderTable(made)
}

async function listFolder(folder: string): Promise<Listing> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    fileFailed(folder),
  )
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return (bucket, prefix) =>
    files
      .filter((file) => file.startsWith(`${bucket}/${prefix}`))
      .map((file) => file.slice(bucket.length + 1))
}

function toJson(made: unknown, { json }: PlanOptions): string {
  const plain = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value
  return `${JSON.stringify(made, plain, json === true ? 0 : 2)}\n`
}
