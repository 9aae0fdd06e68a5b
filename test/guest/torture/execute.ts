/**
 * Compiles and runs one test, natively or as a guest. Host verdicts are kept under the digest of all
 * they depend on. Every program runs with limits of time and output, in a folder of its own.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostVerdictsFile, type Test } from './sources.ts'

export type Verdict = 'pass' | 'compile' | 'run'
export type Outcome = { readonly verdict: Verdict; readonly detail: string }
export type Profile = 'zvm' | 'nacl'

const compileLimitMs = 120_000
const runLimitMs = 20_000
const guestMemoryBytes = 512 * 1024 * 1024
const detailMaxChars = 600

type Ended = { readonly code: number | null; readonly text: string }

/** Runs a command to its end and collects what it printed; `code` null: killed. */
function run(
  command: string,
  args: readonly string[],
  cwd: string,
  limitMs: number,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      env: { PATH: process.env.PATH, HOME: cwd, LC_ALL: 'C' },
    })
    let text = ''
    const collect = (chunk: Buffer) => {
      if (text.length < 65_536) text += chunk.toString('latin1')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => resolve({ code: null, text: error.message }))
    child.on('close', (code) => resolve({ code, text }))
  })
}

function outcome(verdict: Verdict, text: string): Outcome {
  return { verdict, detail: text.slice(0, detailMaxChars).trim() }
}

/** Verdicts of the host's compiler, kept in the cache over runs. */
export class HostRuns {
  readonly #compiler = execFileSync('gcc-12', ['--version'], { encoding: 'utf8' })
  readonly #verdicts = new Map<string, boolean>()
  readonly #work: string

  constructor(work: string) {
    this.#work = work
    if (existsSync(hostVerdictsFile)) {
      const kept: unknown = JSON.parse(readFileSync(hostVerdictsFile, 'utf8'))
      for (const [key, passed] of Object.entries(kept ?? {}))
        this.#verdicts.set(key, passed === true)
    }
  }

  /** Does the test pass with the host's own GCC and C library? */
  async passes(test: Test, level: string): Promise<boolean> {
    const identity = [this.#compiler, level, test.flags.join('\0'), test.content].join('\0')
    const key = createHash('sha256').update(identity).digest('hex').slice(0, 32)
    const known = this.#verdicts.get(key)
    if (known !== undefined) return known
    const folder = join(this.#work, 'host', test.name.replaceAll('/', '_'))
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const args = [level, ...test.flags, ...test.sources, '-lm', '-o', 'test']
    const compiled = await run('gcc-12', args, folder, compileLimitMs)
    const ran = compiled.code === 0 ? await run('./test', [], folder, runLimitMs) : compiled
    rmSync(folder, { recursive: true, force: true })
    this.#verdicts.set(key, ran.code === 0)
    return ran.code === 0
  }

  save(): void {
    const draft = `${hostVerdictsFile}.${process.pid}`
    writeFileSync(draft, JSON.stringify(Object.fromEntries(this.#verdicts)))
    renameSync(draft, hostVerdictsFile)
  }
}

function manifest(folder: string): string {
  const out = (name: string) =>
    `Channel = ${folder}/${name}, /dev/${name}, 0, 0, 0, 0, 100000, 10000000`
  return [
    'Version = 20130611',
    `Program = ${folder}/test.nexe`,
    `Memory = ${guestMemoryBytes}, 0`,
    `Timeout = ${runLimitMs / 1000}`,
    'Node = 1',
    'Channel = /dev/null, /dev/stdin, 0, 0, 4096, 4096, 0, 0',
    out('stdout'),
    out('stderr'),
    '',
  ].join('\n')
}

/** Compiles the test with zvm-cc and runs it in a session. `tools`: native/build. */
export async function runGuest(
  tools: string,
  work: string,
  test: Test,
  level: string,
  profile: Profile,
): Promise<Outcome> {
  const folder = join(work, profile + level, test.name.replaceAll('/', '_'))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const args = [
    '--profile',
    profile,
    level,
    ...test.flags,
    ...test.sources,
    '-lm',
    '-o',
    'test.nexe',
  ]
  const compiled = await run(join(tools, 'zvm-cc'), args, folder, compileLimitMs)
  if (compiled.code !== 0) return outcome('compile', compiled.text)
  writeFileSync(join(folder, 'manifest'), manifest(folder))
  const ran = await run(join(tools, 'zvm-run'), ['-P', 'manifest'], folder, runLimitMs + 10_000)
  // Line 3 of the report is the exit code, line 6 the outcome.
  const [, , exitCode, , , reason] = ran.text.split('\n')
  const passed = ran.code === 0 && exitCode === '0' && reason === 'ok'
  const written = ['stdout', 'stderr'].map((name) => {
    const path = join(folder, name)
    return existsSync(path) ? readFileSync(path, 'latin1') : ''
  })
  rmSync(folder, { recursive: true, force: true })
  if (passed) return outcome('pass', '')
  return outcome('run', [`exit ${exitCode}, ${reason}`, ...written].join('\n'))
}
