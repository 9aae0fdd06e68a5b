// `zvm run`: one job on this machine without a service. The same manifests and planner as over
// HTTP; the session is a `zvm-run` that gets descriptors of the very files, so nothing is copied.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { refusalOf } from '../http/refusal.ts'
import type { Channel } from '../job/channel.ts'
import { makeClassicText } from '../job/classic-text.ts'
import { isGraph, parseJobManifest } from '../job/parse-manifest.ts'
import { makePlan, type Plan } from '../job/plan.ts'
import { tryNativeReport } from '../job/report.ts'
import type { SourceUrl } from '../job/source-url.ts'
import { CliError, statusRefused, statusStopped, usageError } from './exit-status.ts'
import {
  fileFailed,
  type JobFiles,
  type PartFile,
  type ProgramOptions,
  readJobFiles,
} from './job-files.ts'
import { forwardSignals, toolPath, waitFor } from './native-tool.ts'
import { parseReport, type ReportOptions, showReport } from './report-view.ts'
import { makeSinks, type OpenSink, openSink, type Sinks, writeTo } from './sinks.ts'

export type RunOptions = ReportOptions & {
  readonly program: ProgramOptions
  readonly stdin: boolean
  readonly output: readonly string[]
  readonly outputDir: string
}

/** The exit status of the command. Throws CliError, ManifestError, PlanError. */
export async function run(operands: readonly string[], options: RunOptions): Promise<number> {
  const files = await readJobFiles(operands, options.program, options)
  const manifest = parseJobManifest(files.manifest, files.form)
  if (isGraph(manifest)) throw usageError('a job of many nodes needs a service: zvm submit')
  const plan = makePlan(manifest, readConfig(process.env).limits)
  checkParts(plan, files)
  const session = new LocalSession(plan, files, makeSinks(options.output, options.outputDir))
  try {
    const text = await session.run()
    const native = tryNativeReport(text)
    const refusal = refusalOf(native)
    if (refusal !== undefined) {
      await session.discardOutputs()
      throw new CliError(statusRefused, refusal.code, refusal.message, refusal.more)
    }
    if (native === undefined) {
      throw new CliError(statusStopped, 'worker-died', 'the session ended without a report')
    }
    const { violations: _violations, violationCount: _count, ...report } = native
    return await showReport(parseReport(report), options)
  } finally {
    await session.close()
  }
}

/** Every part that the plan names has a file, and every file has a part. Throws CliError. */
export function checkParts(plan: Plan, { parts }: JobFiles): void {
  const named = new Set(plan.inputParts)
  if (plan.program.kind === 'part') named.add(plan.program.name)
  for (const name of named) {
    if (!parts.has(name)) throw usageError(`the manifest names part:${name}; give ${name}=FILE`)
  }
  for (const name of parts.keys()) {
    if (!named.has(name)) throw usageError(`the manifest does not name part:${name}`)
  }
}

class LocalSession {
  readonly #plan: Plan
  readonly #files: JobFiles
  readonly #sinks: Sinks
  /** Index = number of the descriptor in the session's process. */
  readonly #stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 2]
  readonly #opened: { close(): Promise<void> }[] = []
  readonly #outputs: OpenSink[] = []
  /** Outputs written at random that go to a stream: sent after the session. */
  readonly #late: { fd: number; sink: 1 | 2 }[] = []

  constructor(plan: Plan, files: JobFiles, sinks: Sinks) {
    this.#plan = plan
    this.#files = files
    this.#sinks = sinks
  }

  /** Blocks until it ends; the text of its report. */
  async run(): Promise<string> {
    const names = new Map<string, string>()
    for (const channel of this.#plan.channels) {
      for (const source of channel.sources) {
        names.set(keyOf(source, channel), await this.#open(source, channel))
      }
    }
    const program = await this.#open(this.#plan.program, undefined)
    const nameOf = (source: SourceUrl, channel: Channel) =>
      names.get(keyOf(source, channel)) ?? '/dev/null'
    const text = makeClassicText(this.#plan, program, nameOf)
    const manifest = (await this.#scratch(text)).replace('fd:', '/dev/fd/')
    const limits = ['--wall-ms', String(this.#plan.timeoutMs)]
    const switches = ['--report', 'json', '-P', '--etag', 'sha256', ...limits]
    const child = spawn(toolPath('zvm-run'), [manifest, ...switches], {
      stdio: this.#stdio,
      env: {},
    })
    const ended = waitFor(child)
    const release = forwardSignals(() => child.kill('SIGTERM'))
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
    await ended.finally(release)
    await closed
    for (const { fd, sink } of this.#late) {
      await writeTo(sink, createReadStream('', { fd, autoClose: false, start: 0 }))
    }
    return Buffer.concat(chunks).toString()
  }

  async discardOutputs(): Promise<void> {
    for (const output of this.#outputs) await output.discard()
  }

  async close(): Promise<void> {
    for (const opened of this.#opened.splice(0)) await opened.close()
  }

  async #open(source: SourceUrl, channel: Channel | undefined): Promise<string> {
    switch (source.kind) {
      case 'null':
        if (channel?.alias !== '/dev/nvram' || this.#plan.nvram === undefined) return '/dev/null'
        return this.#scratch(this.#plan.nvram)
      case 'part':
        return this.#openPart(this.#files.parts.get(source.name))
      case 'sha256':
        throw usageError('sha256: names what a service has stored; use submit')
      case 'response':
        return this.#openResponse(source.name)
    }
  }

  async #openPart(file: PartFile | undefined): Promise<string> {
    if (file === undefined) throw usageError('a part is missing')
    if (file === 'stdin') return this.#add(0)
    const handle = await open(file.path, 'r').catch(fileFailed(file.path))
    return this.#add(this.#own(handle).fd)
  }

  async #openResponse(name: string): Promise<string> {
    const sink = this.#sinks.sinkOf(name)
    const isFile = this.#plan.responses.some(
      (response) => response.name === name && response.isFile,
    )
    if (isFile && typeof sink === 'number') {
      const file = this.#own(await openUnlinked())
      this.#late.push({ fd: file.fd, sink })
      return this.#add(file.fd)
    }
    const output = this.#own(await openSink(sink))
    this.#outputs.push(output)
    return this.#add(output.fd)
  }

  async #scratch(text: string): Promise<string> {
    const file = this.#own(await openUnlinked())
    await file.writeFile(text)
    // A description of its own, whose position is the beginning.
    const handle = this.#own(await open(`/proc/self/fd/${file.fd}`, 'r'))
    return this.#add(handle.fd)
  }

  #own<T extends { close(): Promise<void> }>(opened: T): T {
    this.#opened.push(opened)
    return opened
  }

  #add(fd: number): string {
    this.#stdio.push(fd)
    return `fd:${this.#stdio.length - 1}`
  }
}

function keyOf(source: SourceUrl, channel: Channel): string {
  return `${channel.alias} ${source.kind} ${'name' in source ? source.name : ''}`
}

async function openUnlinked(): Promise<FileHandle> {
  const path = join(tmpdir(), `.zvm-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}
