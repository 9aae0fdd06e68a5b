// Hostile tar archives, block by block, as the image of a job and as a request body: refused with
// the documented problem, and the service goes on. What a library would not write is written here.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { postForm } from './async-calls.ts'
import { type Server, startServer } from './server.ts'

let server: Server
before(async () => {
  server = await startServer({
    ZVM_IMAGE_ENTRIES_MAX: '50',
    ZVM_IMAGE_CONTENT_BYTES_MAX: '100000',
    ZVM_PARTS_MAX: '8',
  })
})
after(() => server.settle())

type Fields = {
  name?: string
  size?: string | Buffer
  type?: string
  link?: string
  magic?: string
  prefix?: string
  checksum?: string
}

function header(fields: Fields): Buffer {
  const block = Buffer.alloc(512)
  block.write(fields.name ?? 'a', 0, 100, 'latin1')
  block.write(`0000644\0${'0000000\0'.repeat(2)}`, 100, 'latin1')
  const size = fields.size ?? '00000000000\0'
  if (typeof size === 'string') block.write(size, 124, 12, 'latin1')
  else size.copy(block, 124, 0, 12)
  block.write('00000000000\0        ', 136, 'latin1')
  block.write(fields.type ?? '0', 156, 'latin1')
  block.write(fields.link ?? '', 157, 100, 'latin1')
  block.write(fields.magic ?? 'ustar\x0000', 257, 8, 'latin1')
  block.write(fields.prefix ?? '', 345, 155, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(fields.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1')
  return block
}

function content(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}
const octal = (size: number) => `${size.toString(8).padStart(11, '0')}\0`
function pax(record: string, type = 'x'): Buffer {
  return Buffer.concat([header({ type, size: octal(record.length) }), content(record)])
}
const end = Buffer.alloc(1024)
const huge = Buffer.from([0x80, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
const negative = Buffer.concat([Buffer.alloc(10, 0xff), Buffer.from([0x80, 0])])
const many = (count: number) => Array.from({ length: count }, (_, at) => header({ name: `f${at}` }))

const cases: readonly [string, Buffer[], string?][] = [
  ['a checksum that is wrong', [header({ checksum: '000000\0 ' }), end]],
  ['a size that is huge', [header({ size: huge }), end]],
  ['a size that is negative', [header({ size: negative }), end]],
  ['a size that is above the limit', [header({ size: octal(200_000) }), end], 'limit-exceeded'],
  ['a size that is beyond the end', [header({ size: octal(5000) }), content('short')]],
  ['an end within a header', [header({}).subarray(0, 300)]],
  ['no magic and noise', [header({ magic: 'noise\x0000', name: '\x01\x02', type: 'Z' }), end]],
  ['a name with a zero in its pax record', [pax('12 path=a\0b\n'), header({}), end]],
  ['a pax path out of the root', [pax('16 path=../../x\n'), header({}), end]],
  ['a pax link out of the root', [pax('17 linkpath=/../x\n'), header({ type: '2' }), end]],
  ['a pax size above the limit', [pax('18 size=99999999999\n'), header({}), end], 'limit-exceeded'],
  ['a prefix out of the root', [header({ prefix: '../..', name: 'x' }), end]],
  ['a name of the root itself, twice', [header({ name: '/' }), header({ name: './' }), end]],
  ['an absolute name twice', [header({ name: '/a' }), header({ name: 'a' }), end]],
  ['a block device', [header({ type: '4' }), end]],
  ['a character device', [header({ type: '3' }), end]],
  ['a fifo', [header({ type: '6' }), end]],
  ['an unknown type', [header({ type: 'Q' }), end]],
  ['a hard link to itself', [header({ type: '1', link: 'a' }), end]],
  ['a hard link forward', [header({ type: '1', link: 'b' }), header({ name: 'b' }), end]],
  ['a hard link out', [header({ type: '1', link: '../../etc/passwd' }), end]],
  ['an absolute symbolic link out', [header({ type: '2', link: '/../etc/passwd' }), end]],
  ['too many entries', [...many(51), end], 'limit-exceeded'],
  [
    'a long name that is longer than any path',
    [header({ type: 'L', size: octal(2000) }), content('a/'.repeat(1000)), header({}), end],
  ],
  [
    'a long name without end',
    [header({ type: 'L', size: huge, name: '././@LongLink' }), content('a'.repeat(512))],
  ],
]

for (const [name, blocks, code = 'image-malformed'] of cases) {
  test(`image: ${name}`, async () => {
    const fs = new Uint8Array(Buffer.concat(blocks))
    const answer = await postForm(server.url, 'hello', { image: 'part:fs' }, { fs }, {})
    const body = (await answer.json()) as { code: string; status: number }
    assert.deepEqual(body.code, code, JSON.stringify(body))
    assert.equal(answer.status, code === 'limit-exceeded' ? 413 : 400)
  })
}

const manifestText = '{"program":"part:program"}'
const manifest = [
  header({ name: 'manifest', size: octal(manifestText.length) }),
  content(manifestText),
]
const bodies: readonly [string, Buffer[], number][] = [
  ['a checksum that is wrong', [header({ checksum: '000000\0 ' }), end], 400],
  ['a symbolic link', [header({ type: '2', name: 'manifest', link: '/etc/passwd' }), end], 400],
  ['a negative size', [header({ name: 'manifest', size: negative }), end], 400],
  ['a folder', [header({ type: '5', name: 'manifest' }), end], 400],
  ['a name with a slash', [header({ name: './manifest' }), end], 400],
  ['a manifest that is huge', [header({ name: 'manifest', size: huge }), end], 400],
  ['an end within the manifest', [header({ name: 'manifest', size: octal(999) })], 400],
  [
    'a program that is huge',
    [...manifest, header({ name: 'program', size: huge }), content('x')],
    400,
  ],
  ['two manifests', [...manifest, ...manifest, end], 400],
  ['too many members', [...manifest, ...many(20), end], 400],
]
for (const [name, blocks, status] of bodies) {
  test(`tar body: ${name}`, async () => {
    const body = new Uint8Array(Buffer.concat(blocks))
    const headers = { 'content-type': 'application/x-tar' }
    const answer = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body, headers })
    const text = await answer.text()
    assert.equal(answer.status, status, text)
    assert.equal((JSON.parse(text) as { status: number }).status, status)
  })
}
