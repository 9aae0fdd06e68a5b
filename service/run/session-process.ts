// One session in one process of its own: zvm-run with descriptors for everything it may touch.
// Inputs are reopened read-only, outputs are stream sockets, the report comes on standard output.
// No host path reaches the process.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Channel } from '../job/channel.ts'
import type { Plan } from '../job/plan.ts'
import { type NativeReport, tryNativeReport } from '../job/report.ts'
import type { SourceUrl } from '../job/source-url.ts'
import { openScratch, type Scratch } from './scratch.ts'

const reportBytesMax = 16 * 1024 * 1024

export type SessionSources = {
  readonly program: Scratch | { readonly path: string }
  readonly inputs: ReadonlyMap<string, Scratch>
  /** Throws when there is no such blob. */
  readonly blobPath: (source: Extract<SourceUrl, { kind: 'sha256' }>) => string
}

export type Session = {
  readonly streams: ReadonlyMap<string, Readable>
  readonly files: ReadonlyMap<string, Scratch>
  /** Undefined: the process died without a report. Never rejects. */
  readonly ended: Promise<NativeReport | undefined>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

export type SessionOptions = {
  readonly nativeDir: string
  readonly scratchDir: string
  /** Stop right before the guest would be entered: everything is judged, nothing runs. */
  readonly checkOnly?: boolean
}

/** Throws when the process cannot be started; then nothing is left behind. */
export async function startSession(
  plan: Plan,
  sources: SessionSources,
  options: SessionOptions,
): Promise<Session> {
  const table = new DescriptorTable()
  const files = new Map<string, Scratch>()
  const manifest = openScratch(options.scratchDir)
  const nvram = plan.nvram === undefined ? undefined : openScratch(options.scratchDir)
  try {
    if (nvram !== undefined) await nvram.append(Buffer.from(plan.nvram ?? ''))
    const open = (source: SourceUrl, channel: Channel): string => {
      switch (source.kind) {
        case 'null':
          return channel.alias === '/dev/nvram' && nvram ? table.reopen(nvram) : '/dev/null'
        case 'part':
          return table.reopen(inputOf(source.name, plan, sources))
        case 'sha256':
          return table.open(sources.blobPath(source))
        case 'response':
          if (plan.responses.some(({ name, isFile }) => name === source.name && isFile)) {
            const file = openScratch(options.scratchDir)
            files.set(source.name, file)
            return table.lend(file)
          }
          return table.stream(source.name)
      }
    }
    const program =
      'path' in sources.program ? table.open(sources.program.path) : table.reopen(sources.program)
    const text = renderManifest(plan, program, open)
    await manifest.append(Buffer.from(text))
    const [at] = /\d+$/.exec(table.reopen(manifest)) ?? ['']
    const switches = ['--report', 'json', '-P', ...(options.checkOnly === true ? ['-F'] : [])]
    const child = spawn(join(options.nativeDir, 'zvm-run'), [`/dev/fd/${at}`, ...switches], {
      stdio: table.stdio,
      env: {},
      cwd: '/',
    })
    await started(child)
    return { streams: table.streamsOf(child), files, ended: readReport(child), kill: killer(child) }
  } catch (error) {
    for (const file of files.values()) file.close()
    throw error
  } finally {
    table.close()
    manifest.close()
    nvram?.close()
  }
}

function inputOf(name: string, plan: Plan, sources: SessionSources): Scratch {
  const isProgram = plan.program.kind === 'part' && plan.program.name === name
  const input = isProgram ? sources.program : sources.inputs.get(name)
  if (input === undefined || 'path' in input) throw new Error(`no input ${name}`)
  return input
}

function renderManifest(
  plan: Plan,
  program: string,
  open: (source: SourceUrl, channel: Channel) => string,
): string {
  const lines = [
    'Version = 20130611',
    `Program = ${program}`,
    `Memory = ${plan.memoryBytes}, ${plan.memoryEtag ? 1 : 0}`,
    `Timeout = ${Math.ceil(plan.timeoutMs / 1000)}`,
  ]
  for (const channel of plan.channels) {
    const sources = channel.sources.map((source) => open(source, channel)).join(';')
    const { reads, readBytes, writes, writeBytes } = channel.limits
    const limits = [reads, readBytes, writes, writeBytes].join(', ')
    const etag = channel.etag ? 1 : 0
    lines.push(`Channel = ${sources}, ${channel.alias}, ${channel.type}, ${etag}, ${limits}`)
  }
  return `${lines.join('\n')}\n`
}

/** What the process gets: index in `stdio` = number in the process. */
class DescriptorTable {
  readonly stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'ignore']
  readonly #opened: number[] = []
  readonly #streams = new Map<string, number>()

  /** An open file description of its own, so that positions are not shared. */
  reopen(file: Scratch): string {
    return this.open(`/proc/self/fd/${file.fd}`)
  }

  open(path: string): string {
    const fd = openSync(path, 'r')
    this.#opened.push(fd)
    return this.#add(fd)
  }

  lend(file: Scratch): string {
    return this.#add(file.fd)
  }

  stream(name: string): string {
    this.#streams.set(name, this.stdio.length)
    return this.#add('pipe')
  }

  streamsOf(child: ChildProcess): Map<string, Readable> {
    const streams = new Map<string, Readable>()
    for (const [name, index] of this.#streams) {
      const stream = child.stdio[index]
      if (stream !== null && stream !== undefined) streams.set(name, stream as Readable)
    }
    return streams
  }

  close(): void {
    for (const fd of this.#opened.splice(0)) closeSync(fd)
  }

  #add(entry: 'pipe' | number): string {
    this.stdio.push(entry)
    return `fd:${this.stdio.length - 1}`
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
}

async function readReport(child: ChildProcess): Promise<NativeReport | undefined> {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of child.stdout ?? []) {
      size += chunk.length
      if (size > reportBytesMax) child.kill('SIGKILL')
      else chunks.push(chunk)
    }
  } catch {
    child.kill('SIGKILL')
  }
  await exited
  return tryNativeReport(Buffer.concat(chunks).toString())
}

function killer(child: ChildProcess): Session['kill'] {
  return (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  }
}
