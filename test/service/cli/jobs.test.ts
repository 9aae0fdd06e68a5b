// Jobs that are left with a service: submit --async, logs, jobs list, show, outputs, cancel.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Server, startServer } from '../api/server.ts'
import { guest, zvm as start } from './command.ts'

let server: Server
let folder: string
before(async () => {
  server = await startServer()
  folder = await mkdtemp(join(tmpdir(), 'zvm-jobs-'))
  const nodes = [
    { name: 'short', program: 'part:spin', timeoutMs: 100, connect: ['long'] },
    { name: 'long', program: 'part:spin', count: 2 },
  ]
  await writeFile(join(folder, 'graph.json'), JSON.stringify({ nodes }))
})
after(async () => {
  await rm(folder, { recursive: true })
  await server.settle()
})

const zvm = (...args: string[]) => start(args, { cwd: folder, env: { ZVM_SERVER: server.url } })

async function submit(...operands: string[]): Promise<string> {
  const ended = await zvm('submit', '--async', ...operands)
  assert.equal(ended.stderr, '')
  assert.equal(ended.status, 0)
  return ended.stdout.trim()
}

test('from submit to outputs', async () => {
  const id = await submit(guest('hello'))
  const logs = await zvm('logs', id, '--json')
  const events = logs.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { data: { state: string } })
  assert.equal(events.at(-1)?.data.state, 'done')
  assert.deepEqual(await zvm('jobs', 'outputs', id), {
    status: 0,
    stdout: 'hello world\n',
    stderr: '',
  })
  const shown = JSON.parse((await zvm('jobs', 'show', id, '--json')).stdout) as { state: string }
  assert.equal(shown.state, 'done')
  const listed = await zvm('jobs', 'list', '--json')
  const ids = listed.stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id)
  assert.deepEqual(ids, [id])
  assert.match((await zvm('jobs', 'list')).stdout, new RegExp(`${id}.*done`))
})

test('the picture of a job: a line a node, and what went between them', async () => {
  const id = await submit(join(folder, 'graph.json'), `spin=${guest('spin')}`)
  await zvm('logs', id)
  const { status, stdout } = await zvm('jobs', 'show', id, '--picture')
  assert.equal(status, 0)
  const lines = stdout.split('\n')
  assert.match(lines[0] ?? '', /^✗ short +█+·* +[0-9.]+ ms +in .* +limited: limit-wall-time$/)
  assert.match(lines[2] ?? '', /^– long-2 +█+·* +[0-9.]+ ms +in 0 B +out 0 B +cancelled/)
  assert.equal(lines[4], 'short → long: 2 links, 0 B')
  const single = await submit(guest('hello'))
  await zvm('logs', single)
  assert.match((await zvm('jobs', 'show', single, '--picture')).stdout, /^✓ program .*out 12 B/)
})

test('outputs: the status of the guest; a refusal; a job that was cancelled', async () => {
  const failing = await submit(guest('exit_code'))
  await zvm('logs', failing)
  assert.equal((await zvm('jobs', 'outputs', failing)).status, 1234 & 0xff)

  const spinning = await submit(guest('spin'))
  const early = await zvm('jobs', 'outputs', spinning, '--json')
  assert.equal(early.status, 125)
  assert.equal((JSON.parse(early.stderr) as { code: string }).code, 'job-not-ended')
  assert.equal((await zvm('jobs', 'cancel', spinning)).status, 0)
  await zvm('logs', spinning)
  assert.equal((await zvm('jobs', 'outputs', spinning)).status, 126)

  const unknown = await zvm('jobs', 'show', '00000000-0000-4000-8000-000000000000', '--json')
  assert.equal(unknown.status, 125)
  assert.equal((JSON.parse(unknown.stderr) as { code: string }).code, 'job-not-found')
})

test('cancel: a job that has ended is forgotten', async () => {
  const id = await submit(guest('hello'))
  await zvm('logs', id)
  assert.equal((await zvm('jobs', 'cancel', id)).status, 0)
  assert.equal((await zvm('jobs', 'show', id)).status, 125)
})
