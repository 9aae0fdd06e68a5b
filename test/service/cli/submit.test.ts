// The command line against a real service: output, exit status, refusals, stored programs.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Server, startServer } from '../api/server.ts'
import { guest, zvm as start } from './command.ts'

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

const zvm = (...args: string[]) => start(args, { cwd: folder, env: { ZVM_SERVER: server.url } })

test('submit: standard output of the guest, status 0', async () => {
  const ended = await zvm('submit', 'job.json', `program=${guest('hello')}`)
  assert.deepEqual(ended, { status: 0, stdout: 'hello world\n', stderr: '' })
})

test('submit: a bare program, its output in a file, its report in another', async () => {
  const ended = await zvm('submit', guest('hello'), '-o', 'stdout=out', '--report', 'report')
  assert.deepEqual(ended, { status: 0, stdout: '', stderr: '' })
  assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'hello world\n')
  const report = JSON.parse(await readFile(join(folder, 'report'), 'utf8')) as { outcome: string }
  assert.equal(report.outcome, 'exited')
})

test('submit: the second time the result is there already', async () => {
  const submit = () => zvm('submit', '--cache=read-write', '--summary', guest('hello'))
  assert.match((await submit()).stderr, /^exited 0 \(cache: miss\)/)
  const again = await submit()
  assert.deepEqual([again.status, again.stdout], [0, 'hello world\n'])
  assert.match(again.stderr, /^exited 0 \(cache: hit\)/)
  assert.equal((await zvm('submit', '--cache=maybe', guest('hello'))).status, 127)
})

test('submit: an output of another name goes to the output folder', async () => {
  const out = await mkdtemp(join(folder, 'out-'))
  const channels = [{ alias: '/dev/stdout', sink: 'response:result.txt' }]
  const manifest = JSON.stringify({ program: 'part:nexe', channels })
  await writeFile(join(folder, 'named.json'), manifest)
  const ended = await zvm('submit', 'named.json', `nexe=${guest('hello')}`, '--output-dir', out)
  assert.deepEqual(ended, { status: 0, stdout: '', stderr: '' })
  assert.deepEqual(await readdir(out), ['result.txt'])
})

test('submit: a guest that fails passes its status on, never 0', async () => {
  const failed = await zvm('submit', 'job.json', `program=${guest('exit_code')}`, '--json')
  const report = JSON.parse(failed.stderr) as { exitCode: number }
  assert.equal(failed.status, report.exitCode & 0xff)
  assert.notEqual(failed.status, 0)
})

test('submit: a guest that does not end by itself is 126', async () => {
  const ended = await zvm('submit', guest('spin'), '--timeout', '200')
  assert.equal(ended.status, 126)
  assert.match(ended.stderr, /limit-wall-time/)
})

test('submit: a refusal is 125 and, with --json, the problem', async () => {
  const refused = await zvm('submit', 'job.json', 'program=job.json', '--json')
  assert.equal(refused.status, 125)
  assert.equal((JSON.parse(refused.stderr) as { code: string }).code, 'program-refused')
  assert.equal(refused.stdout, '')
})

test('submit: nobody listens: 125', async () => {
  const ended = await zvm('submit', guest('hello'), '--json', '-s', 'http://127.0.0.1:9')
  assert.equal(ended.status, 125)
  assert.equal((JSON.parse(ended.stderr) as { code: string }).code, 'unreachable')
})

test('programs: put, get, run by digest; an unknown digest', async () => {
  const stored = await zvm('programs', 'put', guest('hello'))
  assert.match(stored.stdout, /^sha256:[0-9a-f]{64}\n$/)
  const digest = stored.stdout.trim()
  const got = await zvm('programs', 'get', digest, '--json')
  assert.equal((JSON.parse(got.stdout) as { program: string }).program, digest)
  await writeFile(join(folder, 'stored.json'), JSON.stringify({ program: digest }))
  assert.equal((await zvm('submit', 'stored.json')).stdout, 'hello world\n')
  const unknown = await zvm('programs', 'get', `sha256:${'0'.repeat(64)}`, '--json')
  assert.equal(unknown.status, 125)
  assert.equal((JSON.parse(unknown.stderr) as { code: string }).code, 'program-not-found')
})

test('objects: put, get, list, delete; what is not there', async () => {
  await writeFile(join(folder, 'object'), 'some bytes\n')
  const stored = await zvm('objects', 'put', 'shelf/a b/c?', 'object', '--type', 'text/plain')
  assert.match(stored.stdout, /^sha256:[0-9a-f]{64}\n$/)
  assert.equal((await zvm('objects', 'get', 'shelf/a b/c?')).stdout, 'some bytes\n')
  const listed = await zvm('objects', 'list', 'shelf', '--prefix', 'a', '--json')
  assert.equal((JSON.parse(listed.stdout) as { key: string }).key, 'a b/c?')
  assert.equal((await zvm('objects', 'delete', 'shelf/a b/c?')).status, 0)
  const gone = await zvm('objects', 'get', 'shelf/a b/c?', '--json')
  assert.equal(gone.status, 125)
  assert.equal((JSON.parse(gone.stderr) as { code: string }).code, 'object-not-found')
  assert.equal((await zvm('objects', 'get', 'shelf')).status, 127)
})
