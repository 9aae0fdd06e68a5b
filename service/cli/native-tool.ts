// Starts the tools of native/build/ on behalf of the command, with its own standard streams.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { CliError, statusRefused } from './exit-status.ts'

/** Throws CliError when it is not built. */
export function toolPath(name: string): string {
  const path = join(readConfig(process.env).nativeDir, name)
  if (existsSync(path)) return path
  throw new CliError(statusRefused, 'not-built', `${path} is not there; run: npm run build`)
}

/** Blocks until it ends; its exit status, or 128 and the signal as a shell tells it. */
export async function runTool(name: string, args: readonly string[]): Promise<number> {
  const child = spawn(toolPath(name), [...args], { stdio: 'inherit' })
  const ended = waitFor(child)
  const release = forwardSignals((signal) => child.kill(signal))
  return ended.finally(release)
}

export function waitFor(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new CliError(statusRefused, 'not-started', error.message, {}, { cause: error }))
    })
    child.once('exit', (status, signal) => {
      resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

/** Until the result is called, signals go to `send` and do not end this process. */
export function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, send)
  return () => {
    for (const signal of signals) process.off(signal, send)
  }
}
