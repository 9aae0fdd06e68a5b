#!/usr/bin/env node
// Starts the `zvm` command. Plain JavaScript, so that every Node can read it: a fresh clone gets its
// packages first, and where Node itself cannot run TypeScript, the one of the npm package `node`
// takes over. No logic of the command.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = [22, 18]
const installationStatus = 125

const root = dirname(dirname(dirname(realpathSync(fileURLToPath(import.meta.url)))))
const bundledNode = join(root, 'node_modules', 'node', 'bin', 'node')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (!existsSync(join(root, 'node_modules', 'commander')) && !install()) {
  process.stderr.write(`zvm: its packages are not installed; run: npm ci --prefix ${root}\n`)
  process.exitCode = installationStatus
} else if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) {
  await import('./main.ts')
} else if (existsSync(bundledNode)) {
  const main = join(root, 'service', 'cli', 'main.ts')
  const child = spawn(bundledNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 9)
  })
} else {
  process.stderr.write(
    `zvm: Node ${oldestNode.join('.')} is the oldest; this is ${process.version}\n`,
  )
  process.exitCode = installationStatus
}

/** Only in a clone, where the lock file says exactly what comes. */
function install() {
  if (!existsSync(join(root, 'package-lock.json'))) return false
  process.stderr.write('zvm: the first start in this clone; npm ci brings its packages\n')
  const options = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // npm's words go to standard error: standard output is the command's.
  return spawnSync('npm', options, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0
}
