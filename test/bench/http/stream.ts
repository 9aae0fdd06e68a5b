// npm run bench -- stream [--mib N] [--json FILE]: N MiB (1024 by default) into a guest that copies
// its input to its output, and back to the client, beside a bare Fastify + @fastify/multipart that
// discards the same body in the same run. Tells throughput, their ratio and the peak memory of the
// service.
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { makeBody, putProgram, readGuest, startPeers, startService } from './servers.ts'

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
})
const sizeBytes = Number(values.mib) * 1024 ** 2
const chunk = Buffer.alloc(256 * 1024, 'the computation travels to the data ')

const peers = await startPeers()
const service = await startService({ ZVM_LOG_LEVEL: 'silent' })
let peakMiB = 0
const watch = setInterval(async () => {
  peakMiB = Math.max(peakMiB, await rssMiB(service.process.pid))
}, 50)
try {
  const program = await putProgram(service.url, await readGuest('bench/copy'))
  const channels = [{ alias: '/dev/stdin', source: 'part:input' }]
  const bytes = Buffer.from(JSON.stringify({ program, channels, timeoutMs: 600_000 }))
  const manifest = makeBody([{ name: 'manifest', type: 'application/json', bytes }])
  const start = Buffer.concat([
    manifest.subarray(0, manifest.lastIndexOf('--bench--')),
    Buffer.from('--bench\r\nContent-Disposition: form-data; name="input"; filename="f"\r\n\r\n'),
  ])
  const best = { discard: 0, copy: 0 }
  for (let round = 0; round < Number(values.rounds); ++round) {
    best.discard = Math.max(best.discard, await shoot(`${peers.url}/discard`, start, false))
    best.copy = Math.max(best.copy, await shoot(`${service.url}/v1/jobs`, start, true))
  }
  const ratio = best.copy / best.discard
  process.stdout.write(
    `multipart discard ${best.discard.toFixed(0)} MiB/s, in and out of a guest ` +
      `${best.copy.toFixed(0)} MiB/s: ${(100 * ratio).toFixed(0)} %; ` +
      `memory of the service at most ${peakMiB} MiB\n`,
  )
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify({ ...best, ratio, peakMiB })}\n`)
  }
} finally {
  clearInterval(watch)
  await Promise.all([peers.stop(), service.stop()])
}

/** MiB of input a second, until the last byte of the answer. */
async function shoot(url: string, start: Buffer, isCopy: boolean): Promise<number> {
  const startMs = performance.now()
  const request = httpRequest(url, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=bench' },
  })
  const received = once(request, 'response').then(([answer]) => receive(answer, isCopy))
  request.write(start)
  for (let left = sizeBytes; left > 0; left -= chunk.length) {
    if (!request.write(chunk.subarray(0, Math.min(left, chunk.length))))
      await once(request, 'drain')
  }
  request.end('\r\n--bench--\r\n')
  await received
  return sizeBytes / 1024 ** 2 / ((performance.now() - startMs) / 1000)
}

async function receive(answer: IncomingMessage, isCopy: boolean): Promise<void> {
  let size = 0
  let tail = ''
  for await (const piece of answer as AsyncIterable<Buffer>) {
    size += piece.length
    tail = (tail + piece.subarray(-2000).toString('latin1')).slice(-2000)
  }
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}: ${tail}`)
  if (!isCopy) return
  if (size < sizeBytes || !/"outcome":"exited","exitCode":0/.test(tail)) {
    throw new Error(`the answer is not whole: ${size} bytes, ${tail}`)
  }
}

async function rssMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
}
