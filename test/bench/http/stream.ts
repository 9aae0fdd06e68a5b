// npm run bench -- stream [--size 256M] [--rounds N] [--only TEXT] [--json FILE]: a large input
// into a guest that copies it to its output, and back to the client, in every form that a request
// may have, beside a bare Fastify + @fastify/multipart that discards the same body in the same run.
// Tells throughput, their ratio, CPU seconds a GiB of the service and of its workers, and its peak
// memory.
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { pack } from 'tar-stream'
import { putProgram, readGuest, startPeers, startService } from './servers.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '256M' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const gib = 1024 ** 3
/** Of the clock in /proc/PID/stat. */
const ticksPerSecond = 100
const sizeBytes = sizeOf(values.size)
const chunk = Buffer.alloc(256 * 1024, 'the computation travels to the data ')

type Body = {
  readonly type: string
  readonly start: Buffer
  readonly end: Buffer
  readonly isChunked?: boolean
}
type Shot = {
  readonly name: string
  readonly path: string
  readonly method: 'POST' | 'PUT'
  readonly body: Body
  /** Least that the answer has. */
  readonly answerBytes: number
}
type Result = {
  name: string
  mibPerS: number
  ratio: number
  serviceCpu: number
  workerCpu: number
}

const peers = await startPeers()
const service = await startService({ ZVM_LOG_LEVEL: 'silent' })
const pid = Number(service.process.pid)
let peakMiB = 0
const watch = setInterval(async () => {
  peakMiB = Math.max(peakMiB, await rssMiB())
}, 50)
try {
  const program = await putProgram(service.url, await readGuest('bench/copy'))
  const input = { alias: '/dev/stdin', source: 'part:input' }
  const nowhere = { alias: '/dev/stdout', sink: 'null:' }
  const both = JSON.stringify({ program, channels: [input], timeoutMs: 600_000 })
  const onlyIn = JSON.stringify({ program, channels: [input, nowhere], timeoutMs: 600_000 })
  const job = { path: '/v1/jobs', method: 'POST' } as const
  const inOut = { ...job, answerBytes: sizeBytes }
  const raw = { type: 'application/octet-stream', start: Buffer.alloc(0), end: Buffer.alloc(0) }
  const shots: readonly Shot[] = [
    { name: 'multipart: in and out', body: multipart(both), ...inOut },
    { name: 'multipart: in', ...job, body: multipart(onlyIn), answerBytes: 0 },
    { name: 'multipart, chunked: in and out', body: multipart(both, true), ...inOut },
    { name: 'x-tar: in and out', body: await tar(both), ...inOut },
    { name: 'x-tar: in', ...job, body: await tar(onlyIn), answerBytes: 0 },
    { name: 'object: in', path: '/v1/objects/bench/o', method: 'PUT', body: raw, answerBytes: 0 },
  ]
  const discard = { ...inOut, name: 'discard', path: '/discard', answerBytes: 0 }
  const results = new Map<string, Result>()
  let bare = 0
  for (let round = 0; round < Number(values.rounds); ++round) {
    bare = Math.max(bare, await shoot(peers.url, { ...discard, body: multipart(both) }))
    for (const shot of shots.filter(({ name }) => name.includes(values.only))) {
      const before = await cpuOf()
      const mibPerS = await shoot(service.url, shot)
      const after = await cpuOf()
      const scale = gib / sizeBytes
      const [serviceCpu, workerCpu] = [
        after.service - before.service,
        after.workers - before.workers,
      ]
      const result = {
        name: shot.name,
        mibPerS,
        ratio: 0,
        serviceCpu: serviceCpu * scale,
        workerCpu: workerCpu * scale,
      }
      const old = results.get(shot.name)
      if (old === undefined || old.mibPerS < mibPerS) results.set(shot.name, result)
    }
  }
  const lines = [...results.values()].map((result) => ({ ...result, ratio: result.mibPerS / bare }))
  process.stdout.write(
    `${values.size} each way; bare multipart discard ${bare.toFixed(0)} MiB/s; ` +
      `memory of the service at most ${peakMiB} MiB\n\n` +
      '| stream | MiB/s | of the discard | service CPU s/GiB | workers CPU s/GiB |\n' +
      '|---|---:|---:|---:|---:|\n',
  )
  for (const { name, mibPerS, ratio, serviceCpu, workerCpu } of lines) {
    const percent = `${(100 * ratio).toFixed(0)} %`
    const cpu = `${serviceCpu.toFixed(2)} | ${workerCpu.toFixed(2)}`
    process.stdout.write(`| ${name} | ${mibPerS.toFixed(0)} | ${percent} | ${cpu} |\n`)
  }
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify({ bare, peakMiB, lines })}\n`)
  }
} finally {
  clearInterval(watch)
  await Promise.all([peers.stop(), service.stop()])
}

function sizeOf(text: string): number {
  const [, digits, unit = 'M'] = /^(\d+)([MG])?$/.exec(text) ?? []
  if (digits === undefined) throw new Error('--size: a number and M or G')
  return Number(digits) * (unit === 'G' ? gib : 1024 ** 2)
}

function multipart(manifest: string, isChunked = false): Body {
  const head = (name: string, type: string) =>
    `--bench\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n` +
    `Content-Type: ${type}\r\n\r\n`
  const start = `${head('manifest', 'application/json')}${manifest}\r\n`
  return {
    type: 'multipart/form-data; boundary=bench',
    start: Buffer.from(start + head('input', 'application/octet-stream')),
    end: Buffer.from('\r\n--bench--\r\n'),
    isChunked,
  }
}

async function tar(manifest: string): Promise<Body> {
  const archive = pack()
  const pieces: Buffer[] = []
  archive.on('data', (piece) => pieces.push(piece as Buffer))
  archive.entry({ name: 'manifest' }, manifest)
  archive.entry({ name: 'input', size: sizeBytes })
  await new Promise((resolve) => setTimeout(resolve, 10))
  return { type: 'application/x-tar', start: Buffer.concat(pieces), end: Buffer.alloc(1024) }
}

/** MiB of input a second, until the last byte of the answer. */
async function shoot(url: string, { path, method, body, answerBytes }: Shot): Promise<number> {
  const startMs = performance.now()
  const length = body.start.length + sizeBytes + body.end.length
  const framing = body.isChunked === true ? {} : { 'content-length': length }
  const headers = { 'content-type': body.type, ...framing }
  const request = httpRequest(url + path, { method, headers })
  const received = once(request, 'response').then(([answer]) => receive(answer, answerBytes))
  request.write(body.start)
  for (let left = sizeBytes; left > 0; left -= chunk.length) {
    if (!request.write(chunk.subarray(0, Math.min(left, chunk.length))))
      await once(request, 'drain')
  }
  request.end(body.end)
  await received
  return sizeBytes / 1024 ** 2 / ((performance.now() - startMs) / 1000)
}

async function receive(answer: IncomingMessage, answerBytes: number): Promise<void> {
  let size = 0
  let tail = ''
  answer.on('data', (piece: Buffer) => {
    size += piece.length
    tail = piece.length < 2000 ? (tail + piece.toString('latin1')).slice(-2000) : ''
  })
  await once(answer, 'end')
  if ((answer.statusCode ?? 0) >= 300) throw new Error(`status ${answer.statusCode}: ${tail}`)
  if (size < answerBytes) throw new Error(`the answer is not whole: ${size} bytes, ${tail}`)
  if (answerBytes > 0 && !/"outcome":"exited","exitCode":0/.test(tail)) {
    throw new Error(`the report is another: ${tail}`)
  }
}

/** Seconds so far, of the service with all its threads and of the processes that it started. */
async function cpuOf(): Promise<{ service: number; workers: number }> {
  const tasks = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'latin1').catch(() => '')),
  )
  const children = lists.flatMap((list) => list.trim().split(' ').filter(Boolean))
  const workers = await Promise.all(children.map((child) => secondsOf(Number(child))))
  return { service: await secondsOf(pid), workers: workers.reduce((sum, each) => sum + each, 0) }
}

async function secondsOf(process: number): Promise<number> {
  const stat = await readFile(`/proc/${process}/stat`, 'latin1').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond
}

async function rssMiB(): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}
