// Completion scripts as the shells themselves understand them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { shells } from '../../../service/cli/completion.ts'
import { zvm } from './command.ts'

const run = promisify(execFile)
const script = async (shell: string) => (await zvm(['completion', shell], { cwd: tmpdir() })).stdout

/** What bash offers for the last of `words`. */
async function complete(...words: string[]): Promise<string[]> {
  const steps = 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zvm; declare -p COMPREPLY'
  const { stdout } = await run('bash', ['-c', `${await script('bash')}${steps}`, 'bash', ...words])
  // declare -a COMPREPLY=([0]="first" [1]="second")
  return [...stdout.matchAll(/\[\d+\]="([^"]*)"/g)].map(([, word = '']) => word)
}

test('bash: commands, subcommands, options of the command at hand', async () => {
  assert.deepEqual(await complete('zvm', 'val'), ['validate'])
  assert.deepEqual(await complete('zvm', 'programs', 'p'), ['put'])
  assert.deepEqual(await complete('zvm', 'submit', 'job.json', '--serv'), ['--server'])
  assert.deepEqual(await complete('zvm', 'run', '--serv'), [])
})

test('bash: operands are left to the shell, and nothing that is typed is evaluated', async () => {
  assert.deepEqual(await complete('zvm', 'run', ''), [])
  assert.deepEqual(await complete('zvm', 'run', '$(touch /tmp/zvm-evaluated)', ''), [])
  assert.equal(existsSync('/tmp/zvm-evaluated'), false)
})

for (const shell of shells) {
  test(`${shell} accepts its script`, { skip: !existsSync(`/usr/bin/${shell}`) }, async () => {
    await run(shell, ['-n', '-c', await script(shell)])
  })
}
