// The examples of many nodes, compiled with zvm-cc and run over HTTP on real text and on data whose
// right answer is known without them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { partsOf } from '../api/multipart.ts'
import { nativeDir, type Server, startServer } from '../api/server.ts'

const root = join(import.meta.dirname, '../../..')
const out = join(nativeDir, 'examples')
const runFile = promisify(execFile)
const reportSchema = z.object({
  outcome: z.string(),
  exitCode: z.number().nullable(),
  nodes: z.array(z.object({ node: z.string(), outcome: z.string() })),
})

let server: Server
before(async () => {
  await mkdir(out, { recursive: true })
  server = await startServer()
})
after(() => server.settle())

async function compile(folder: string, name: string, sources: readonly string[]): Promise<Buffer> {
  const nexe = join(out, `${name}.nexe`)
  const files = sources.map((source) => join(root, 'examples', folder, source))
  await runFile(join(nativeDir, 'zvm-cc'), ['-O2', '-Wall', '-Wextra', ...files, '-o', nexe])
  return readFile(nexe)
}

async function run(manifest: string, name: string, nexe: Buffer): Promise<Map<string, string>> {
  const form = new FormData()
  const text = await readFile(join(root, 'examples', manifest))
  form.append('manifest', new Blob([new Uint8Array(text)], { type: 'application/json' }))
  form.append(name, new Blob([new Uint8Array(nexe)]))
  const answer = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
  if (answer.status !== 200) assert.fail(await answer.text())
  const parts = await partsOf(answer)
  const report = reportSchema.parse(JSON.parse(parts.get('report') ?? ''))
  assert.deepEqual([report.outcome, report.exitCode], ['exited', 0], parts.get('report'))
  assert.ok((parts.get('report')?.length ?? 0) < 1024 ** 2)
  return parts
}

async function put(path: string, body: Uint8Array<ArrayBuffer> | string): Promise<void> {
  const answer = await fetch(`${server.url}/v1/objects/${path}`, { method: 'PUT', body })
  assert.equal(answer.status, 201)
}
async function get(path: string): Promise<Buffer> {
  const answer = await fetch(`${server.url}/v1/objects/${path}`)
  assert.equal(answer.status, 200, path)
  return Buffer.from(await answer.arrayBuffer())
}

/** A few megabytes of English: the King James Bible of the package bible-kjv. */
async function readText(): Promise<string> {
  await runFile(join(root, 'native/packages.sh'), ['demo'])
  const { stdout } = await runFile('bible', ['-f', 'Gen1:1-Rev22:21'], { maxBuffer: 2 ** 24 })
  return stdout
}

function fnv1a(word: string): number {
  let hash = 2166136261
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, 16777619) >>> 0
  return hash
}

test('word count: 20 map and 5 reduce nodes agree with a count made here', async () => {
  const nexe = await compile('mapreduce', 'mr-wordcount', ['wordcount.c', 'mapreduce.c'])
  const text = await readText()
  const size = Math.ceil(text.length / 20)
  // Cut behind a line, so that no word is cut.
  const cuts = Array.from({ length: 21 }, (_, index) =>
    index === 20 ? text.length : index === 0 ? 0 : text.indexOf('\n', index * size) + 1,
  )
  for (let index = 0; index < 20; index += 1) {
    await put(
      `texts/${String(index).padStart(2, '0')}.txt`,
      text.slice(cuts[index], cuts[index + 1]),
    )
  }
  await run('mapreduce/wordcount.json', 'wordcount', nexe)

  const expected = new Map<number, number>()
  for (const word of text.match(/[A-Za-z-]+/g) ?? []) {
    expected.set(fnv1a(word), (expected.get(fnv1a(word)) ?? 0) + 1)
  }
  const found = new Map<number, number>()
  let last = -1
  for (let index = 1; index <= 5; index += 1) {
    const lines = (await get(`counts/red-${index}.txt`)).toString().trimEnd().split('\n')
    assert.ok(lines.length > 500, 'the ranges are of a like size')
    for (const line of lines) {
      const [, key = '', count = ''] = /^([0-9a-f]{8}) \[.+\]=([0-9]+)$/.exec(line) ?? []
      const hash = Number.parseInt(key, 16)
      assert.ok(hash > last, 'ascending over all reduce nodes')
      last = hash
      found.set(hash, Number(count))
    }
  }
  assert.deepEqual([...found].sort(), [...expected].sort())
})

test('terasort: four nodes sort what four nodes read', async () => {
  const nexe = await compile('mapreduce', 'terasort', ['terasort.c', 'mapreduce.c'])
  const records: string[] = []
  for (let part = 0; part < 4; part += 1) {
    const mine = Array.from({ length: 20_000 }, (_, index) => {
      const hash = createHash('sha256').update(`${part} ${index}`).digest('hex')
      const head = `${hash.slice(0, 10)} ${part} ${String(index).padStart(6, '0')}`
      return `${(head + hash.repeat(2)).slice(0, 99)}\n`
    })
    records.push(...mine)
    await put(`records/${part}`, mine.join(''))
  }
  await run('mapreduce/terasort.json', 'terasort', nexe)
  const sorted = await Promise.all([1, 2, 3, 4].map((index) => get(`sorted/red-${index}`)))
  for (const part of sorted) assert.ok(part.length > 1_000_000, 'balanced')
  const lines = Buffer.concat(sorted).toString('latin1').trimEnd().split('\n')
  const keys = lines.map((line) => line.slice(0, 10))
  assert.ok(
    keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') <= key),
    'in order',
  )
  const all = new Set(lines.map((line) => `${line}\n`))
  assert.equal(lines.length, records.length)
  assert.ok(
    records.every((record) => all.has(record)),
    'the same records',
  )
})

test('distributed sort: 21 nodes, every destination gets exactly its share', async () => {
  const nexe = await compile('disort', 'disort', ['disort.c'])
  const count = 200_000
  const step = Math.floor((2 ** 32 - 1) / count)
  const values = Uint32Array.from({ length: count }, (_, index) => index * step)
  let state = 1
  for (let index = count - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (index + 1)
    const swapped = values[index] ?? 0
    values[index] = values[other] ?? 0
    values[other] = swapped
  }
  const share = count / 10
  for (let part = 0; part < 10; part += 1) {
    const mine = values.slice(part * share, (part + 1) * share)
    await put(`unsorted/${part}`, new Uint8Array(mine.buffer))
  }
  const parts = await run('disort/disort.json', 'disort', nexe)
  const result = `Distributed sort complete, Test 1, ${count}, ${count}\ncrc OK\n`
  assert.equal(parts.get('result'), result)
  for (let part = 1; part <= 10; part += 1) {
    const bytes = await get(`sorted-numbers/dst-${part}`)
    assert.equal(bytes.length, share * 4)
    for (let index = 0; index < share; index += 1) {
      const value = bytes.readUInt32LE(index * 4)
      if (value !== ((part - 1) * share + index) * step) assert.fail(`${part}, ${index}: ${value}`)
    }
  }
})

test('request and reply: full reads both ways, then a hundred megabytes one way', async () => {
  const nexe = await compile('reqrep', 'reqrep', ['reqrep.c'])
  const parts = await run('reqrep/reqrep.json', 'reqrep', nexe)
  assert.equal(parts.get('left.stdout'), 'left sent 110000000 received 10000000\n')
  assert.equal(parts.get('right.stdout'), 'right sent 10000000 received 110000000\n')
})

test('line count: one node an object, the text of the documentation', async () => {
  const nexe = await compile('linecount', 'linecount', ['linecount.c'])
  const words = (count: number) => Array.from({ length: count }, (_, at) => `w${at}`).join(' \n')
  await put('mapreduce-data/mrdata1.txt', words(104))
  await put('mapreduce-data/mrdata2.txt', words(101))
  await put('mapreduce-data/mrdata3.txt', words(69))
  const manifest = (
    await readFile(join(root, 'examples/linecount/linecount.json'), 'utf8')
  ).replace('file:texts/', 'file:mapreduce-data/')
  const form = new FormData()
  form.append('manifest', new Blob([manifest], { type: 'application/json' }))
  form.append('linecount', new Blob([new Uint8Array(nexe)]))
  const answer = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
  const parts = await partsOf(answer)
  assert.equal(
    parts.get('counts'),
    ' 104 mapreduce-data/mrdata1.txt\n 101 mapreduce-data/mrdata2.txt\n' +
      '  69 mapreduce-data/mrdata3.txt\n 274 total\n',
  )
})
