// The command line against a real service: output, exit status, refusals.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { nativeDir, type Server, startServer } from '../api/server.ts'

let server: Server
let folder: string
before(async () => {
  server = await startServer()
  folder = await mkdtemp(join(tmpdir(), 'zvm-cli-'))
  await writeFile(join(folder, 'job.json'), JSON.stringify({ program: 'part:program' }))
})
after(async () => {
  await rm(folder, { recursive: true })
  await server.settle()
})

type Ended = { status: number; stdout: string; stderr: string }
function zvm(...args: string[]): Promise<Ended> {
  const script = join(import.meta.dirname, '../../../service/cli/zvm.ts')
  const options = { cwd: folder, env: { ...process.env, ZVM_SERVER: server.url } }
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ status: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}
const guest = (name: string) => join(nativeDir, 'guest/asm', `${name}.nexe`)

test('submit: standard output of the guest, status 0', async () => {
  const ended = await zvm('submit', 'job.json', `program=${guest('hello')}`)
  assert.deepEqual(ended, { status: 0, stdout: 'hello world\n', stderr: '' })
})

test('submit: a guest that fails, a refusal, wrong usage', async () => {
  const failed = await zvm('submit', 'job.json', `program=${guest('exit_code')}`, '--json')
  const report = JSON.parse(failed.stderr) as { exitCode: number }
  assert.equal(failed.status, report.exitCode & 0xff)
  assert.notEqual(failed.status, 0)
  assert.equal((await zvm('submit', 'job.json', 'program=job.json')).status, 125)
  assert.equal((await zvm('submit', 'job.json', '--nothing')).status, 127)
  assert.equal((await zvm()).status, 127)
})

test('validate: accepted and refused', async () => {
  assert.equal((await zvm('validate', guest('hello'))).status, 0)
  assert.equal((await zvm('validate', 'job.json')).status, 1)
})
