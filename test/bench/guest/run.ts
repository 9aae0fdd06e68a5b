// Runs one program of the bench to its end: what it printed and the processor time it took.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './build.ts'
import { tools, work } from './sources.ts'

export interface Outcome {
  readonly output: string
  /** User and system time: the whole process natively and in the sandbox (loading, validation and
   * teardown included); for WebAssembly only the run of a module that is compiled already. */
  readonly cpu_ms: number
}

const v8 = ['--no-warnings', '--no-liftoff'] // see wasm.ts

function manifest(program: string, args: readonly string[], folder: string): string {
  const nvram = join(folder, 'nvram')
  writeFileSync(nvram, `[args]\nargs = kernel ${args.join(' ')}\n`)
  const path = join(folder, 'manifest')
  writeFileSync(
    path,
    [
      'Version = 20130611',
      `Program = ${program}`,
      'Memory = 536870912, 0',
      'Timeout = 60',
      'Node = 1',
      'Channel = /dev/null, /dev/stdin, 0, 0, 4096, 4096, 0, 0',
      `Channel = ${join(folder, 'stdout')}, /dev/stdout, 0, 0, 0, 0, 4096, 4096`,
      `Channel = ${join(folder, 'stderr')}, /dev/stderr, 0, 0, 0, 0, 4096, 4096`,
      `Channel = ${nvram}, /dev/nvram, 1, 0, 4096, 1048576, 0, 0`,
      '',
    ].join('\n'),
  )
  return path
}

function fail(program: string, why: string): never {
  throw new Error(`${program}: ${why}`)
}

/** Runs `line` under the shell's own clock of processor time. */
function timed(line: readonly string[]): { stdout: string; stderr: string; cpu_ms: number } {
  const script = 'TIMEFORMAT="cpu %3U %3S"; time "$@"'
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...line], {
    encoding: 'utf8',
  })
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)\s*$/.exec(stderr) ?? []
  if (status !== 0 || !user || !system) fail(line.join(' '), `status ${status}\n${stderr}`)
  return { stdout, stderr, cpu_ms: (Number(user) + Number(system)) * 1000 }
}

function sandboxed(program: string, args: readonly string[], folder: string): Outcome {
  const { stdout, cpu_ms } = timed([join(tools, 'zvm-run'), manifest(program, args, folder)])
  const report = stdout.split('\n')
  if (report[5] !== 'ok' || report[2] !== '0') {
    fail(program, `${stdout}\n${readFileSync(join(folder, 'stderr'), 'utf8')}`)
  }
  return { output: readFileSync(join(folder, 'stdout'), 'utf8'), cpu_ms }
}

export function runProgram(target: Target, program: string, args: readonly string[]): Outcome {
  const folder = join(work, 'run')
  mkdirSync(folder, { recursive: true })
  if (target === 'zvm' || target === 'nacl') return sandboxed(program, args, folder)
  if (target === 'native') {
    const { stdout, cpu_ms } = timed([program, ...args])
    return { output: stdout, cpu_ms }
  }
  const host = join(import.meta.dirname, 'wasm.ts')
  const { stdout, stderr } = timed([process.execPath, ...v8, host, program, ...args])
  const [, cpu_ms] = /^run ([\d.]+)$/m.exec(stderr) ?? fail(program, stderr)
  return { output: stdout, cpu_ms: Number(cpu_ms) }
}
