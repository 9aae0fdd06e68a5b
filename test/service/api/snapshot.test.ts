// Jobs that start from the checkpoint of their program: a snapshot is made at the first one, kept
// for those like it and nobody else, and changes nothing of what comes out.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pack } from 'tar-stream'
import { postForm, submit } from './async-calls.ts'
import { buildGuest } from './c-guest.ts'
import { partsOf } from './multipart.ts'
import { type Server, startServer } from './server.ts'

type Guest = Uint8Array<ArrayBuffer>
type Told = { text: string; snapshot: string | undefined; exitCode: number; reads: number }

let server: Server
let guest: Guest
before(async () => {
  const tenants = { ZVM_TENANT_HEADER: 'x-tenant', ZVM_SNAPSHOTS_MAX: '3' }
  server = await startServer(tenants)
  guest = await buildGuest('checkpoint')
})
after(() => server.settle())

async function makeImage(greeting: string): Promise<Guest> {
  const archive = pack()
  archive.entry({ name: 'etc/greeting', mtime: new Date(0) }, greeting)
  archive.finalize()
  return new Uint8Array(Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Buffer>)))
}

async function run(
  fields: object = {},
  { program = guest, tenant = 'one', image = 'hello', input = 'some input' } = {},
): Promise<Told> {
  const manifest = {
    args: ['checkpoint', 'argument'],
    env: { NAME: 'value' },
    image: 'part:image',
    channels: [{ alias: '/dev/stdin', source: 'part:input' }],
    snapshot: true,
    ...fields,
  }
  const inputs = { image: await makeImage(image), input }
  const answer = await postForm(server.url, program, manifest, inputs, { 'x-tenant': tenant })
  const parts = await partsOf(answer)
  const report = JSON.parse(parts.get('report') ?? '') as {
    exitCode: number
    snapshot?: string
    channels: { reads: number }[]
  }
  const reads = report.channels.reduce((sum, channel) => sum + channel.reads, 0)
  const text = parts.get('stdout') ?? ''
  return { text, snapshot: report.snapshot, exitCode: report.exitCode, reads }
}

const expected = '1 0 hello|argument|value|some input\n'

test('the first job makes a snapshot, later ones start from it, told everything anew', async () => {
  const first = await run()
  assert.deepEqual([first.text, first.snapshot, first.exitCode], [expected, 'made', 3])
  for (const [name, input] of [
    ['a', 'one'],
    ['b', 'two'],
    ['c', ''],
  ] as const) {
    const fields = { args: ['x', name], env: { NAME: input } }
    const told = await run(fields, { input })
    assert.equal(told.text, `1 0 hello|${name}|${input}|${input}\n`)
    assert.equal(told.snapshot, 'used')
  }
  const without = await run({ snapshot: false })
  assert.equal(without.snapshot, undefined)
  assert.equal(without.text, '2 1 hello|argument|value|some input\n')
  assert.ok((await run()).reads < without.reads, 'what came before the checkpoint was read again')
})

test('a hundred jobs from a snapshot, many at once, are equal', async () => {
  await run()
  for (let row = 0; row < 10; row++) {
    const told = await Promise.all(Array.from({ length: 10 }, () => run()))
    for (const each of told) assert.deepEqual([each.text, each.snapshot], [expected, 'used'])
  }
})

test('other tenants, images, memory and channels have snapshots of their own', async () => {
  assert.equal((await run({}, { tenant: 'two' })).snapshot, 'made')
  assert.equal((await run({}, { tenant: 'two' })).snapshot, 'used')
  const other = await run({}, { image: 'good evening' })
  assert.deepEqual([other.snapshot, other.text.includes('good evening')], ['made', true])
  assert.equal((await run({ memoryBytes: 48 << 20 })).snapshot, 'made')
  assert.ok(server.app.sessions.snapshots.count <= 3, 'the oldest are gone')
  assert.equal((await run()).snapshot, 'made')
})

test('jobs that come together wait for one snapshot', async () => {
  const { snapshots } = server.app.sessions
  const madeBefore = snapshots.made
  const told = await Promise.all(Array.from({ length: 8 }, () => run({}, { tenant: 'three' })))
  for (const each of told) assert.equal(each.text, expected)
  assert.equal(snapshots.made, madeBefore + 1)
})

test('programs without a snapshot run as they would', async () => {
  for (const flag of ['-DNONE', '-DEARLY', '-DLARGE']) {
    const program = await buildGuest('checkpoint', flag)
    for (let round = 0; round < 2; round++) {
      const told = await run({}, { program })
      assert.equal(told.snapshot, undefined, flag)
      const text = `${flag === '-DEARLY' ? 'early\n' : ''}2 1 ${expected.slice(4)}`
      assert.equal(told.text, text, flag)
    }
  }
})

test('asynchronous jobs too', async () => {
  const fields = { args: ['x', 'later'], snapshot: true }
  const headers = { prefer: 'respond-async', 'x-tenant': 'four' }
  for (const mark of ['made', 'used']) {
    const { id } = await submit(server.url, guest, fields, {}, headers)
    const answer = () => fetch(`${server.url}/v1/jobs/${id}`, { headers })
    while (!(await (await answer()).text()).includes('"state":"done"'));
    const job = (await (await answer()).json()) as { report: { snapshot?: string } }
    assert.equal(job.report.snapshot, mark)
  }
})
