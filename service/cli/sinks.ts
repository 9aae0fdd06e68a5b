// Where outputs go: standard output, standard error, or files. A file is made when its output
// comes, so that a refused job leaves none behind.
import { createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { partNamePattern } from '../job/source-url.ts'
import { CliError, statusRefused, usageError } from './exit-status.ts'
import { fileFailed } from './job-files.ts'

export type Sink = { readonly path: string } | 1 | 2

export type Sinks = {
  /** Throws CliError for a name that no file may have. */
  sinkOf(name: string): Sink
}

/** `assignments`: NAME=FILE, `-` is standard output. Others: `folder`/NAME. Throws CliError. */
export function makeSinks(assignments: readonly string[], folder: string): Sinks {
  const sinks = new Map<string, Sink>([
    ['stdout', 1],
    ['stderr', 2],
  ])
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=')
    if (equals < 1) throw usageError(`not NAME=FILE: ${assignment}`)
    const path = assignment.slice(equals + 1)
    sinks.set(assignment.slice(0, equals), path === '-' ? 1 : { path })
  }
  return {
    sinkOf: (name) => {
      const sink = sinks.get(name)
      if (sink !== undefined) return sink
      if (!partNamePattern.test(name)) {
        throw new CliError(statusRefused, 'answer-invalid', 'an output has an unusable name')
      }
      return { path: join(folder, name) }
    },
  }
}

/** Writes all of it; the standard streams stay open. */
export async function writeTo(sink: Sink, bytes: Readable): Promise<void> {
  if (typeof sink === 'number') {
    const stream: Writable = sink === 1 ? process.stdout : process.stderr
    for await (const chunk of bytes) {
      if (stream.write(chunk)) continue
      await new Promise<void>((resolve) => stream.once('drain', resolve))
    }
    return
  }
  await pipeline(bytes, createWriteStream(sink.path)).catch((error) => {
    if (error instanceof Error && 'syscall' in error) fileFailed(sink.path)(error)
    throw error
  })
}

export type OpenSink = {
  readonly fd: number
  close(): Promise<void>
  /** Removes the file when it was made here: nothing was run. */
  discard(): Promise<void>
}

/** A descriptor that a child process may write to. A file that exists is emptied. */
export async function openSink(sink: Sink): Promise<OpenSink> {
  if (typeof sink === 'number') return { fd: sink, close: nothing, discard: nothing }
  const { path } = sink
  const made = await open(path, 'wx+').catch((error) =>
    error instanceof Error && 'code' in error && error.code === 'EEXIST'
      ? undefined
      : fileFailed(path)(error),
  )
  const file = made ?? (await open(path, 'w+').catch(fileFailed(path)))
  const discard = made === undefined ? nothing : () => rm(path, { force: true })
  return { fd: file.fd, close: () => file.close(), discard }
}

async function nothing(): Promise<void> {}
