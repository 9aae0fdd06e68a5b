// What the operands of `run`, `submit` and `plan` name: a manifest and the files of its parts, or
// a program whose manifest is made here. Opens nothing that it does not read: parts stay paths.
import { open, readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import type { MemoMode } from '../job/memo-wish.ts'
import { type ManifestForm, parseManifest } from '../job/parse-manifest.ts'
import { manifestPartName, partNamePattern } from '../job/source-url.ts'
import { usageError } from './exit-status.ts'

/** A part's bytes: a path, or this process's standard input. */
export type PartFile = { readonly path: string } | 'stdin'

export type JobFiles = {
  readonly manifest: Uint8Array<ArrayBuffer>
  readonly form: ManifestForm
  readonly parts: ReadonlyMap<string, PartFile>
}

/** Options that make the manifest of a bare program; refused beside a manifest. */
export type ProgramOptions = {
  readonly env?: readonly string[] | undefined
  readonly image?: string | undefined
  readonly memory?: number | undefined
  readonly timeout?: number | undefined
  readonly cache?: MemoMode | undefined
}
export type StdinOptions = { readonly stdin: boolean }

const elfMagic = Buffer.from([0x7f, 0x45, 0x4c, 0x46])
const grantPattern = /^@(.+)$/s

/** Throws CliError. */
export async function readJobFiles(
  operands: readonly string[],
  options: ProgramOptions,
  { stdin }: StdinOptions,
): Promise<JobFiles> {
  const [first, ...rest] = operands
  if (first === undefined) throw usageError('a manifest or a program is missing')
  if (await isProgram(first)) return makeJob(first, rest, options, stdin)
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) throw usageError(`--${name} is for a program without a manifest`)
  }
  const parts = new Map<string, PartFile>()
  for (const operand of rest) {
    const equals = operand.indexOf('=')
    const name = operand.slice(0, equals)
    if (equals < 1) throw usageError(`not NAME=FILE: ${operand}`)
    if (!partNamePattern.test(name) || name === manifestPartName) {
      throw usageError(`no part can be called ${name}`)
    }
    if (parts.has(name)) throw usageError(`two files for the part ${name}`)
    const path = operand.slice(equals + 1)
    parts.set(name, path === '-' ? 'stdin' : await existing(path))
  }
  if ([...parts.values()].filter((file) => file === 'stdin').length > 1) {
    throw usageError('standard input can be one part only')
  }
  const manifest = new Uint8Array(await readFile(first).catch(fileFailed(first)))
  const form = formOf(manifest)
  return { manifest, form, parts: programFirst(manifest, form, parts) }
}

/** The manifest of `run PROGRAM ARGUMENT...`: `@FILE` grants one file, `-` is standard input. */
async function makeJob(
  program: string,
  operands: readonly string[],
  options: ProgramOptions,
  hasStdin: boolean,
): Promise<JobFiles> {
  const parts = new Map<string, PartFile>([['program', { path: program }]])
  const channels: Record<string, string>[] = [
    { alias: '/dev/stdin', source: hasStdin ? 'part:stdin' : 'null:' },
    { alias: '/dev/stdout', sink: 'response:stdout', contentType: 'text/plain' },
    { alias: '/dev/stderr', sink: 'response:stderr', contentType: 'text/plain' },
  ]
  const args = [basename(program)]
  for (const operand of operands) {
    const path = grantPattern.exec(operand)?.[1]
    if (path === undefined) {
      args.push(operand)
      continue
    }
    const name = `file${channels.length - 2}`
    const alias = `/dev/${channels.length - 2}.${basename(path).replace(/[^\w.-]/g, '_')}`
    parts.set(name, await existing(path))
    channels.push({ alias, source: `part:${name}`, access: 'random' })
    args.push(alias)
  }
  if (hasStdin) parts.set('stdin', 'stdin')
  if (options.image !== undefined) parts.set('image', await existing(options.image))
  const manifest = {
    program: 'part:program',
    args,
    ...(options.env === undefined ? {} : { env: Object.fromEntries(options.env.map(splitEnv)) }),
    ...(options.image === undefined ? {} : { image: 'part:image' }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    channels,
  }
  const bytes = new TextEncoder().encode(JSON.stringify(manifest))
  return { manifest: bytes, form: 'json', parts }
}

function splitEnv(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw usageError(`not NAME=VALUE: ${text}`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

async function isProgram(path: string): Promise<boolean> {
  const file = await open(path).catch(fileFailed(path))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(elfMagic.length), 0)
    return bytesRead === elfMagic.length && elfMagic.equals(buffer)
  } catch (error) {
    return fileFailed(path)(error)
  } finally {
    await file.close()
  }
}

export function formOf(manifest: Uint8Array): ManifestForm {
  const start = Buffer.from(manifest.subarray(0, 256)).toString('latin1').trimStart()
  return start.startsWith('{') ? 'json' : 'classic'
}

/** In the order that the contract asks for. A manifest that cannot be read changes nothing. */
function programFirst(
  manifest: Uint8Array,
  form: ManifestForm,
  parts: ReadonlyMap<string, PartFile>,
): ReadonlyMap<string, PartFile> {
  try {
    const { program } = parseManifest(manifest, form)
    const file = program.kind === 'part' ? parts.get(program.name) : undefined
    if (program.kind !== 'part' || file === undefined) return parts
    return new Map([[program.name, file], ...parts])
  } catch {
    return parts
  }
}

async function existing(path: string): Promise<PartFile> {
  const status = await stat(path).catch(fileFailed(path))
  if (status.isDirectory()) throw usageError(`${path} is a folder`)
  return { path }
}

export function fileFailed(path: string): (error: unknown) => never {
  return (error) => {
    const number = error instanceof Error && 'errno' in error ? Number(error.errno) : Number.NaN
    const [, words = 'unreadable'] = getSystemErrorMap().get(number) ?? []
    throw usageError(`${path}: ${words}`)
  }
}
