// What a manifest says reaches a program in C: arguments, environment, time, image, input, in both
// forms of the manifest, synchronously and not.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pack } from 'tar-stream'
import { postForm, submit, waitFor } from './async-calls.ts'
import { buildGuest } from './c-guest.ts'
import { partsOf } from './multipart.ts'
import { type Server, startServer } from './server.ts'

let server: Server
let told: Uint8Array<ArrayBuffer>
before(async () => {
  server = await startServer()
  told = await buildGuest('told')
})
after(() => server.settle())

async function makeImage(): Promise<Uint8Array<ArrayBuffer>> {
  const archive = pack()
  archive.entry({ name: 'etc', type: 'directory' })
  archive.entry({ name: 'etc/greeting' }, 'good morning')
  archive.entry({ name: 'latest', type: 'symlink', linkname: 'etc/greeting' })
  archive.finalize()
  return new Uint8Array(Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>)))
}

const args = ['told', '-l', 'two words', '"quoted"', '', 'a=b,c', 'naïve ☃', '#no comment', '\\x41']
const env = { LANG: 'C.UTF-8', GREETING: 'x, y = "z" ☃', EMPTY: '', STATUS: '7' }
const manifest = {
  args,
  env,
  time: 1_234_567_890,
  image: 'part:rootfs',
  channels: [{ alias: '/dev/stdin', source: 'part:input' }],
}

function expectTold(text: string): void {
  const lines = text.split('\n')
  const argLines = lines.filter((line) => line.startsWith('arg '))
  assert.deepEqual(
    argLines,
    args.map((arg, at) => `arg ${at}: [${arg}]`),
  )
  for (const [name, value] of Object.entries(env)) {
    assert.ok(lines.includes(`env: ${name}=${value}`), name)
  }
  assert.ok(lines.includes('time: 1234567890'))
  assert.ok(lines.includes('file: good morning'))
  assert.ok(lines.includes('link: good morning'))
  assert.ok(lines.includes('input: the input'))
}

test('args, env, time, image and input reach the program', async () => {
  const inputs = { rootfs: await makeImage(), input: 'the input' }
  const answer = await postForm(server.url, told, manifest, inputs, {})
  const parts = await partsOf(answer)
  expectTold(Buffer.from(parts.get('stdout') ?? '', 'latin1').toString())
  assert.equal(parts.get('stderr'), '')
  const report = JSON.parse(parts.get('report') ?? '') as { exitCode: number }
  assert.equal(report.exitCode, 7)
})

test('the same asynchronously', async () => {
  const inputs = { rootfs: await makeImage(), input: 'the input' }
  const { id } = await submit(server.url, told, manifest, inputs)
  const job = await waitFor(server.url, id, 'done')
  assert.equal(job.report?.exitCode, 7)
  expectTold(await (await fetch(server.url + job.outputs[0]?.url)).text())
})

test('a program that is told nothing', async () => {
  const parts = await partsOf(await postForm(server.url, told, {}, {}, {}))
  const lines = (parts.get('stdout') ?? '').split('\n')
  assert.ok(lines.includes('time: 0') && lines.includes('file: ') && lines.includes('input: '))
  assert.ok(!lines.some((line) => line.startsWith('arg 1')))
})

test('an image that the program may not leave or change is the same for the next job', async () => {
  const image = await makeImage()
  for (let count = 0; count < 2; count++) {
    const fields = { image: 'part:rootfs' }
    const parts = await partsOf(await postForm(server.url, told, fields, { rootfs: image }, {}))
    assert.match(parts.get('stdout') ?? '', /^file: good morning$/m)
  }
})
