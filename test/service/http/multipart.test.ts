// The reader of multipart bodies: the same parts however the bytes are cut into chunks, and bodies
// that are refused.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { MultipartReader, tryBoundary } from '../../../service/http/multipart.ts'

type Part = readonly [name: string | undefined, bytes: string]

async function read(chunks: readonly Buffer[], boundary = 'B'): Promise<Part[]> {
  const reader = new MultipartReader(Readable.from(chunks, { objectMode: false }), boundary, 200)
  const parts: Part[] = []
  for (let head = await reader.nextPart(); head !== undefined; head = await reader.nextPart()) {
    const pieces: Buffer[] = []
    for (let piece = await reader.nextChunk(); piece; piece = await reader.nextChunk()) {
      assert.ok(piece.length > 0)
      pieces.push(Buffer.from(piece))
    }
    parts.push([head.name, Buffer.concat(pieces).toString('latin1')])
  }
  return parts
}

const cut = (body: string, size: number) => {
  const bytes = Buffer.from(body, 'latin1')
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  )
}
const part = (name: string, bytes: string, more = '') =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n${more}\r\n${bytes}\r\n`

// Whatever looks like the beginning of a boundary.
const contents = [
  '',
  '\r',
  '\r\n',
  '\r\n-',
  '\r\n--',
  '\r\n--A',
  '\r\r\n--\r\n\r\n',
  '--B',
  '\n--B--',
]

test('every cut gives the same parts', async () => {
  const expected = contents.map((bytes, index): Part => [`p${index}`, bytes])
  const counted = (bytes: string) => `Content-Length: ${bytes.length}\r\n`
  for (const more of [() => '', counted]) {
    const body = contents.map((bytes, index) => part(`p${index}`, bytes, more(bytes))).join('')
    for (let size = 1; size < 40; ++size) {
      assert.deepEqual(await read(cut(`${body}--B--\r\n`, size)), expected, `chunks of ${size}`)
    }
    assert.deepEqual(await read(cut(`\r\n${body}--B--`, 10_000)), expected)
  }
})

test('a part with a length of its own may contain its boundary', async () => {
  const bytes = '\r\n--B\r\nX: y\r\n\r\n'
  const body = `${part('a', bytes, `Content-Length: ${bytes.length}\r\n`)}--B--\r\n`
  for (let size = 1; size < 40; ++size)
    assert.deepEqual(await read(cut(body, size)), [['a', bytes]])
})

test('names', async () => {
  const named = async (disposition: string) =>
    (await read([Buffer.from(`--B\r\n${disposition}\r\n\r\nx\r\n--B--`)]))[0]?.[0]
  assert.equal(await named('content-disposition: FORM-DATA ; filename="a;b" ; name=x'), 'x')
  assert.equal(await named('Content-Disposition: form-data; name="a\\"b"'), 'a"b')
  assert.equal(await named('Content-Disposition: form-data; name="a"; name="b"'), undefined)
  assert.equal(await named('Content-Disposition: attachment; name="a"'), undefined)
  assert.equal(await named('Content-Disposition: form-data; name="a'), undefined)
  assert.equal(await named('X: y'), undefined)
})

const broken: readonly [string, string, string][] = [
  ['no end', part('a', 'x'), 'body-incomplete'],
  ['cut within a boundary', `${part('a', 'x')}--`, 'body-incomplete'],
  ['preamble without end', 'x'.repeat(5000), 'multipart-malformed'],
  ['epilogue without end', `${part('a', 'x')}--B--${'x'.repeat(5000)}`, 'multipart-malformed'],
  ['text behind a boundary', `--Bx\r\n${part('a', 'x')}`, 'multipart-malformed'],
  ['header without colon', '--B\r\nX\r\n\r\n--B--', 'multipart-malformed'],
  ['header twice', '--B\r\nX: 1\r\nx: 2\r\n\r\n\r\n--B--', 'multipart-malformed'],
  ['header folded', '--B\r\nX: 1\r\n y\r\n\r\n\r\n--B--', 'multipart-malformed'],
  ['header too long', `--B\r\nX: ${'y'.repeat(300)}\r\n\r\n\r\n--B--`, 'multipart-malformed'],
  ['header never ends', `--B\r\nX: ${'y'.repeat(3000)}`, 'multipart-malformed'],
  ['length too small', `${part('a', 'xyz', 'Content-Length: 2\r\n')}--B--`, 'multipart-malformed'],
  ['length too large', `${part('a', 'x', 'Content-Length: 3\r\n')}--B--`, 'multipart-malformed'],
  ['length is none', part('a', 'x', 'Content-Length: -1\r\n'), 'multipart-malformed'],
]
for (const [name, body, code] of broken) {
  test(`refused: ${name}`, async () => {
    for (const size of [1, 7, 10_000]) await assert.rejects(read(cut(body, size)), { code })
  })
}

test('boundaries', () => {
  assert.equal(tryBoundary('multipart/form-data; boundary="a b"'), 'a b')
  assert.equal(tryBoundary('multipart/form-data; charset=x; Boundary=----abc'), '----abc')
  for (const value of ['', '; boundary=', `; boundary=${'x'.repeat(71)}`, '; boundary="a\\\r"']) {
    assert.equal(tryBoundary(`multipart/form-data${value}`), undefined)
  }
})
