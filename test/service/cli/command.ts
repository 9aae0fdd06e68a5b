// Runs the real `zvm` through its bin, as a shell would: standard input closed unless given.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { nativeDir } from '../api/server.ts'

export const bin = join(import.meta.dirname, '../../../service/cli/zvm.mjs')

export type Ended = { readonly status: number; readonly stdout: string; readonly stderr: string }
export type CommandOptions = {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Buffer
}

export function guest(name: string): string {
  return join(nativeDir, 'guest/asm', `${name}.nexe`)
}

export function zvm(args: readonly string[], options: CommandOptions): Promise<Ended> {
  const env = { ...process.env, ZVM_NATIVE_DIR: nativeDir, ...options.env }
  const child = spawn(process.execPath, [bin, ...args], { cwd: options.cwd, env })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status: status ?? -1, ...text }))
  })
}
