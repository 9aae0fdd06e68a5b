// The commands that need no service: run, plan, validate, cc, and wrong usage of any.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildApp } from '../../../service/app.ts'
import { readConfig } from '../../../service/config.ts'
import { nativeDir } from '../api/server.ts'
import { bin, guest, zvm as start } from './command.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zvm-run-'))
  await writeFile(join(folder, 'job.json'), JSON.stringify({ program: 'part:program' }))
})
after(() => rm(folder, { recursive: true }))

const zvm = (...args: string[]) => start(args, { cwd: folder })

test('its version; a file that is not there, in words', async () => {
  assert.match((await zvm('--version')).stdout, /^[0-9]+[.][0-9]+[.][0-9]+\n$/)
  const { status, stderr } = await zvm('run', 'absent.nexe')
  assert.deepEqual([status, stderr], [127, 'zvm: absent.nexe: no such file or directory\n'])
})

test('run: the same manifests as over HTTP, both forms', async () => {
  const classic = [
    'Version = 20130611',
    'Program = part:program',
    'Memory = 33554432, 0',
    'Timeout = 5',
    'Channel = null:, /dev/stdin, 0, 0, 1, 1, 0, 0',
    'Channel = response:stdout, /dev/stdout, 0, 0, 0, 0, 100, 1000',
    'Channel = response:stderr, /dev/stderr, 0, 0, 0, 0, 100, 1000',
  ]
  await writeFile(join(folder, 'job.manifest'), `${classic.join('\n')}\n`)
  for (const manifest of ['job.json', 'job.manifest']) {
    const ended = await zvm('run', manifest, `program=${guest('hello')}`)
    assert.deepEqual(ended, { status: 0, stdout: 'hello world\n', stderr: '' })
  }
})

test('run: status and report of a guest that fails', async () => {
  const ended = await zvm('run', guest('exit_code'), '--json')
  const report = JSON.parse(ended.stderr) as { exitCode: number; outcome: string }
  assert.equal(report.outcome, 'exited')
  assert.equal(ended.status, report.exitCode & 0xff)
})

test('run: an output in a file; --summary names every channel', async () => {
  const ended = await zvm('run', guest('hello'), '-o', 'stdout=out', '--summary')
  assert.equal(ended.status, 0)
  assert.match(ended.stderr, /\/dev\/stdin.*\/dev\/stdout.*\/dev\/stderr/s)
  assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'hello world\n')
})

test('run: an output written at random comes whole after the session', async () => {
  const channels = [{ alias: '/dev/stdout', sink: 'response:stdout', access: 'random' }]
  const manifest = JSON.stringify({ program: 'part:program', channels })
  await writeFile(join(folder, 'random.json'), manifest)
  const ended = await zvm('run', 'random.json', `program=${guest('hello')}`)
  assert.equal(ended.stdout, 'hello world\n')
})

test('run: a guest out of time is 126', async () => {
  const ended = await zvm('run', guest('spin'), '--timeout', '200')
  assert.equal(ended.status, 126)
  assert.match(ended.stderr, /limit-wall-time/)
})

test('run: SIGTERM ends the guest as well, 126', async () => {
  const args = [bin, 'run', guest('spin'), '--json', '--no-stdin']
  const env = { ...process.env, ZVM_NATIVE_DIR: nativeDir }
  const command = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const children = `/proc/${command.pid}/task/${command.pid}/children`
  while ((await readFile(children, 'utf8')) === '') await sleep(10)
  await sleep(200)
  command.kill('SIGTERM')
  const [report] = (await command.stderr.toArray()) as Buffer[]
  assert.equal((JSON.parse(String(report)) as { outcome: string }).outcome, 'cancelled')
  if (command.exitCode === null) await once(command, 'exit')
  assert.equal(command.exitCode, 126)
})

test('run: refusals are 125 and leave no output behind', async () => {
  const before = await readdir(folder)
  const program = await zvm('run', 'job.json', 'program=job.json', '--json', '-o', 'stdout=never')
  assert.equal(program.status, 125)
  assert.equal((JSON.parse(program.stderr) as { code: string }).code, 'program-refused')
  await writeFile(join(folder, 'bad.json'), '{"program":"part:program","colour":1}')
  const manifest = await zvm('run', 'bad.json', `program=${guest('hello')}`, '--json')
  assert.equal(manifest.status, 125)
  assert.deepEqual(JSON.parse(manifest.stderr), {
    code: 'unknown-field',
    detail: 'this field is not known',
    pointer: '/colour',
  })
  assert.deepEqual(await readdir(folder), [...before, 'bad.json'].sort())
})

test('wrong usage is 127, with --json as JSON', async () => {
  const wrong = [
    [],
    ['nonsense'],
    ['run'],
    ['run', '--nonsense', 'job.json'],
    ['run', 'job.json'],
    ['run', 'job.json', 'program'],
    ['run', 'job.json', 'program=absent'],
    ['run', 'job.json', 'program=.'],
    ['run', 'job.json', `program=${guest('hello')}`, 'extra=job.json'],
    ['run', 'job.json', `program=${guest('hello')}`, '--memory', '1'],
    ['run', guest('hello'), '--memory', 'much'],
    ['run', guest('hello'), '--env', 'x'],
    ['run', guest('hello'), '@absent'],
    ['run', 'absent'],
    ['plan', 'absent'],
    ['validate'],
    ['completion', 'cmd'],
  ]
  for (const args of wrong) {
    assert.equal((await zvm(...args)).status, 127, args.join(' '))
  }
  const ended = await zvm('run', '--nonsense', '--json')
  assert.equal((JSON.parse(ended.stderr) as { code: string }).code, 'usage')
})

test('serve: a taken port and a wrong variable are 125, in one line', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  const env = {
    ZVM_PORT: String(port),
    ZVM_DATA_DIR: join(folder, 'data'),
    ZVM_LOG_LEVEL: 'silent',
  }
  const taken = await start(['serve'], { cwd: folder, env })
  probe.close()
  assert.deepEqual([taken.status, taken.stdout], [125, ''])
  assert.match(taken.stderr, /^zvm: .*EADDRINUSE.*\n$/)
  const holder = await buildApp(readConfig({ ...env, ZVM_NATIVE_DIR: nativeDir }))
  const locked = await start(['serve'], { cwd: folder, env: { ...env, ZVM_PORT: '0' } })
  await holder.http.close()
  assert.equal(locked.status, 125)
  assert.match(locked.stderr, /^zvm: another service uses .*\n$/)
  const wrong = await start(['serve'], { cwd: folder, env: { ZVM_QUEUE_MAX: 'many' } })
  assert.equal(wrong.status, 125)
  assert.match(wrong.stderr, /^zvm: .*ZVM_QUEUE_MAX.*\n$/)
})

test('plan: what a manifest comes to', async () => {
  const ended = await zvm('plan', 'job.json', '--json')
  const plan = JSON.parse(ended.stdout) as { channels: unknown[]; responses: { name: string }[] }
  assert.equal(plan.channels.length, 3)
  assert.deepEqual(
    plan.responses.map(({ name }) => name),
    ['stdout', 'stderr'],
  )
})

test('validate: the verdict of zvm-validate; several files, the worst status', async () => {
  assert.deepEqual(await zvm('validate', guest('hello')), {
    status: 0,
    stdout: 'valid\n',
    stderr: '',
  })
  const refused = join(nativeDir, 'guest/attack/syscall-execve.nexe')
  assert.equal((await zvm('validate', guest('hello'), refused)).status, 1)
  assert.equal((await zvm('validate', 'job.json')).status, 2)
})

test('validate --json: a line for each file, whatever is the matter with it', async () => {
  const refused = join(nativeDir, 'guest/attack/syscall-execve.nexe')
  const ended = await zvm('validate', '--json', guest('hello'), refused, 'job.json')
  assert.deepEqual([ended.status, ended.stderr], [2, ''])
  type Line = { file: string; valid: boolean; violationCount?: number; error?: string }
  const lines = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  assert.deepEqual(
    lines.map(({ valid }) => valid),
    [true, false, false],
  )
  assert.equal(lines[1]?.violationCount, 1)
  assert.match(lines[2]?.error ?? '', /elf-truncated-header/)
})

test('cc: passes everything on', async () => {
  const ended = await zvm('cc', '--version')
  assert.equal(ended.status, 0)
  assert.match(ended.stdout, /zvm-cc/)
})

test('cc, then run: arguments, one granted file, standard input', {
  skip: !existsSync(join(nativeDir, 'sysroot')) && 'needs npm run build:guest',
}, async () => {
  await writeFile(join(folder, 'show.c'), showSource)
  assert.equal((await zvm('cc', '-O2', 'show.c', '-o', 'show.nexe')).status, 0)
  const operands = ['--env', 'COLOUR=green', '--', 'show.nexe', '@job.json', '-x']
  const ended = await start(['run', ...operands], { cwd: folder, input: 'from outside' })
  const stdout = 'show.nexe /dev/1.job.json -x\n{"program":"part:program"}\ngreen\nfrom outside\n'
  assert.deepEqual(ended, { status: 3, stdout, stderr: '' })
  const empty = await start(['run', '--no-stdin', ...operands], { cwd: folder, input: 'unread' })
  assert.match(empty.stdout, /green\n\n$/)
})

test('the bin starts on a Node that cannot run TypeScript', {
  skip: !existsSync('/usr/bin/node') && 'no other Node here',
}, async () => {
  const { stdout } = await promisify(execFile)('/usr/bin/node', [bin, '--help'])
  assert.match(stdout, /^Usage: zvm/)
  const failing = promisify(execFile)('/usr/bin/node', [bin, 'run', guest('exit_code')])
  await assert.rejects(failing, { code: 1234 & 0xff })
})

const showSource = `
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  char line[256];
  for (int i = 0; i < argc; ++i) printf("%s%c", argv[i], i + 1 < argc ? ' ' : '\\n');
  FILE *file = fopen(argv[1], "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) return 1;
  printf("%s\\n%s\\n", line, getenv("COLOUR"));
  puts(fgets(line, sizeof line, stdin) == NULL ? "" : line);
  return 3;
}
`
