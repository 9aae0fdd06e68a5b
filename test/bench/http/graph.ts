// npm run bench -- graph [--mb N] [--rounds N] [--only link,sort,words] [--json FILE]: a link
// between two nodes beside the transports of Linux between two native processes, for several sizes
// of blocks; a sort of N MB (200) by 21 nodes beside the same program built for the host, its
// processes joined by pipes; a word count of 200 nodes over 200 objects. Everything in the same
// run, the best of the rounds (3).
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type NativeNode, runNative } from '../graph/native-graph.ts'
import { bodyType, makeBody, nativeDir, putProgram, startService } from './servers.ts'

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'link,sort,words' },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const root = join(import.meta.dirname, '../../..')
const out = join(nativeDir, 'bench-graph')
const runFile = promisify(execFile)
const blockSizes = [4096, 16_384, 65_536, 262_144, 1_048_576]
const transports = ['pipe', 'socket', 'splice']
const linkBytes = 1024 ** 3
/** As the service sizes the pipes of 220 links. */
const pipeBytes = 131_072
const figures: Record<string, unknown> = {}

await mkdir(out, { recursive: true })
const folder = await mkdtemp(join(tmpdir(), 'zvm-bench-'))
const service = await startService({ ZVM_LOG_LEVEL: 'silent' })
try {
  if (values.only.includes('link')) await benchLinks()
  if (values.only.includes('sort')) await benchSort(Number(values.mb) * 1e6)
  if (values.only.includes('words')) await benchWords(200)
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures)}\n`)
} finally {
  await service.stop()
  await rm(folder, { recursive: true })
}

async function benchLinks(): Promise<void> {
  const program = await putProgram(
    service.url,
    await build('blocks', ['test/bench/graph/blocks.c']),
  )
  const raw = join(out, 'transport')
  await runFile('gcc-12', ['-O2', join(root, 'test/bench/graph/transport.c'), '-o', raw])
  const rows: Record<string, number>[] = []
  for (const size of blockSizes) {
    const count = String(linkBytes / size)
    const best: Record<string, number> = { size, link: 0 }
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of transports) {
        const { stdout } = await runFile(raw, [kind, String(size), count])
        best[kind] = Math.max(best[kind] ?? 0, linkBytes / Number(stdout) / 1e9)
      }
      best.link = Math.max(best.link ?? 0, await shootLink(program, size, count))
    }
    rows.push(best)
    const cells = [...transports, 'link'].map((kind) => `${kind} ${best[kind]?.toFixed(2)}`)
    const copying = Math.max(best.pipe ?? 0, best.socket ?? 0)
    const of = (most: number) => `${((100 * (best.link ?? 0)) / most).toFixed(0)} %`
    process.stdout.write(
      `blocks of ${size}: ${cells.join(', ')} GB/s; a link is ${of(copying)} of the best that ` +
        `copies, ${of(Math.max(copying, best.splice ?? 0))} of the best\n`,
    )
  }
  figures.links = rows
}

/** GB/s, by the reader's clock. */
async function shootLink(program: string, size: number, count: string): Promise<number> {
  const timeoutMs = 60_000
  const nodes = [
    {
      name: 'send',
      program,
      args: ['blocks', 'send', String(size), count],
      timeoutMs,
      channels: [{ alias: '/dev/stdout', sink: 'node:take/stdin' }],
    },
    { name: 'take', program, args: ['blocks', 'take', String(size)], timeoutMs },
  ]
  const { text } = await post([manifestPart({ nodes })])
  const report = reportOf(text)
  return linkBytes / (report.nodes[1]?.wallMs ?? 0) / 1e6
}

async function benchSort(sizeBytes: number): Promise<void> {
  const share = sizeBytes / 4 / 10
  const step = Math.floor((2 ** 32 - 1) / (share * 10))
  const numbers = shuffled(Uint32Array.from({ length: share * 10 }, (_, index) => index * step))
  for (let part = 0; part < 10; part += 1) {
    const bytes = new Uint8Array(numbers.slice(part * share, (part + 1) * share).buffer)
    await writeFile(join(folder, `unsorted-${part + 1}`), bytes)
    await fetch(`${service.url}/v1/objects/unsorted/${part}`, { method: 'PUT', body: bytes })
  }
  const source = 'examples/disort/disort.c'
  const nexe = await build('disort', [source])
  const native = join(out, 'disort')
  const shim = ['-include', join(root, 'test/bench/graph/native_paths.h')]
  await runFile('gcc-12', ['-O2', ...shim, join(root, source), '-o', native])
  const text = await readFile(join(root, 'examples/disort/disort.json'), 'utf8')
  const { nodes } = JSON.parse(text) as { nodes: object[] }
  const parts = [
    manifestPart({ nodes: nodes.map((node) => ({ ...node, timeoutMs: 120_000 })) }),
    { name: 'disort', type: 'application/octet-stream', bytes: nexe },
  ]
  let [ours, theirs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < rounds; round += 1) {
    const where = join(folder, `sort-${round}`)
    theirs = Math.min(theirs, await runNative(native, sortNodes(where), where, pipeBytes))
    const startMs = performance.now()
    const answer = await post(parts)
    ours = Math.min(ours, (performance.now() - startMs) / 1000)
    if (!answer.text.includes('crc OK')) throw new Error(answer.text.slice(0, 2000))
    await rm(where, { recursive: true })
  }
  figures.sort = { sizeBytes, nativeSeconds: theirs, seconds: ours, ratio: ours / theirs }
  process.stdout.write(
    `sort of ${sizeBytes / 1e6} MB by 21 nodes: native ${theirs.toFixed(2)} s, ` +
      `here ${ours.toFixed(2)} s with its output stored: ${(ours / theirs).toFixed(2)} x\n`,
  )
}

function sortNodes(where: string): NativeNode[] {
  const group = (name: string) => Array.from({ length: 10 }, (_, index) => `${name}-${index + 1}`)
  return [
    { name: 'man', connect: group('src') },
    ...group('src').map((name) => {
      const stdin = join(folder, `un${name.replace('src', 'sorted')}`)
      return { name, stdin, connect: [...group('dst'), 'man'] }
    }),
    ...group('dst').map((name) => ({ name, stdout: join(where, `${name}.out`), connect: ['man'] })),
  ]
}

async function benchWords(count: number): Promise<void> {
  const words = Array.from({ length: 20_000 }, (_, at) => `word-${(at * 7919) % 5003}`)
  const texts = words.map((word) =>
    word.replaceAll(/[0-9]/g, (digit) => 'abcdefghij'[+digit] ?? ''),
  )
  const body = texts.join(' ')
  for (let at = 0; at < count; at += 1) {
    const key = String(at).padStart(3, '0')
    await fetch(`${service.url}/v1/objects/texts/${key}.txt`, { method: 'PUT', body })
  }
  const folderOf = 'examples/mapreduce'
  const nexe = await build('wordcount', [`${folderOf}/wordcount.c`, `${folderOf}/mapreduce.c`])
  const program = await putProgram(service.url, nexe)
  const nodes = [
    {
      name: 'map',
      program,
      connect: ['red'],
      channels: [{ alias: '/dev/stdin', source: 'file:texts/*.txt' }],
    },
    { name: 'red', program, channels: [{ alias: '/dev/stdout', sink: 'response:counts' }] },
  ]
  const startMs = performance.now()
  const { text } = await post([manifestPart({ nodes })])
  const seconds = (performance.now() - startMs) / 1000
  const report = reportOf(text)
  const reportBytes = JSON.stringify(report).length
  figures.words = { nodes: report.nodes.length, seconds, reportBytes }
  process.stdout.write(
    `word count, ${count} objects, ${report.nodes.length} nodes: ${seconds.toFixed(2)} s, ` +
      `report of ${(reportBytes / 1024).toFixed(0)} KiB\n`,
  )
}

async function build(name: string, sources: readonly string[]): Promise<Buffer> {
  const nexe = join(out, `${name}.nexe`)
  const files = sources.map((source) => join(root, source))
  await runFile(join(nativeDir, 'zvm-cc'), ['-O2', ...files, '-o', nexe])
  return readFile(nexe)
}

function manifestPart(manifest: object) {
  const bytes = Buffer.from(JSON.stringify(manifest))
  return { name: 'manifest', type: 'application/json', bytes }
}

async function post(parts: Parameters<typeof makeBody>[0]): Promise<{ text: string }> {
  const init = { method: 'POST', headers: { 'content-type': bodyType } }
  const body = new Uint8Array(makeBody(parts))
  const answer = await fetch(`${service.url}/v1/jobs`, { ...init, body })
  const text = await answer.text()
  if (answer.status !== 200 || !text.includes('"outcome":"exited","exitCode":0')) {
    throw new Error(`status ${answer.status}: ${text.slice(-2000)}`)
  }
  return { text }
}

function reportOf(text: string): { readonly nodes: readonly { readonly wallMs: number }[] } {
  const line = text.split('\n').find((each) => each.startsWith('{"outcome"'))
  return JSON.parse(line ?? '{}')
}

function shuffled(values: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  let state = 1
  for (let index = values.length - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const other = state % (index + 1)
    const swapped = values[index] ?? 0
    values[index] = values[other] ?? 0
    values[other] = swapped
  }
  return values
}
