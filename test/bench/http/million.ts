// npm run bench -- million [--sessions N] [--json FILE]: a million hello sessions through the
// service, ten thousand in a request. Memory, page tables and descriptors of the service and of its
// workers at the first hundredth and at the end: nothing may grow with the number of sessions.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bodyType, makeBody, putProgram, readGuest, startService } from './servers.ts'

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '1000000' }, json: { type: 'string' } },
})
const requestNodes = 10_000
const requests = Math.max(2, Math.ceil(Number(values.sessions) / requestNodes))
const flatWithin = 1.02

type Use = Readonly<Record<string, number>>

const service = await startService({ ZVM_WORKERS_SPARE: '1' })
try {
  const program = await putProgram(service.url, await readGuest('asm/hello'))
  const channels = [
    { alias: '/dev/stdout', sink: 'null:' },
    { alias: '/dev/stderr', sink: 'null:' },
  ]
  const manifest = { nodes: [{ name: 'hello', program, count: requestNodes, channels }] }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const body = new Uint8Array(makeBody([{ name: 'manifest', type: 'application/json', bytes }]))
  const startMs = performance.now()
  await post(body)
  const first = use()
  for (let i = 1; i < requests; ++i) await post(body)
  const seconds = (performance.now() - startMs) / 1000
  const last = use()
  const total = requests * requestNodes
  process.stdout.write(`${total} sessions in ${seconds.toFixed(1)} s\n`)
  for (const [name, before] of Object.entries(first)) {
    const after = last[name] ?? Number.NaN
    const verdict = after <= before * flatWithin ? 'met' : 'MISSED'
    process.stdout.write(
      `${name}: ${before} after ${requestNodes}, ${after} after ${total} ` +
        `(goal: x ${flatWithin}: ${verdict})\n`,
    )
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ total, seconds, first, last }, null, 2)}\n`)
  }
} finally {
  await service.stop()
}

async function post(body: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = { 'content-type': bodyType }
  const answer = await fetch(`${service.url}/v1/jobs`, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!text.includes(`"succeeded":${requestNodes}`)) throw new Error(text.slice(0, 2000))
}

/** Of the service, and the largest of its workers that have run sessions. */
function use(): Use {
  const pid = service.process.pid ?? 0
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
  const workers = children.trim().split(' ').map(Number)
  const most = (of: (pid: number) => number) => Math.max(...workers.map(of))
  return {
    'service, resident KiB': statusKib(pid, 'VmRSS'),
    'service, page tables KiB': statusKib(pid, 'VmPTE'),
    'service, descriptors': descriptors(pid),
    'a worker, resident KiB': most((each) => statusKib(each, 'VmRSS')),
    'a worker, page tables KiB': most((each) => statusKib(each, 'VmPTE')),
    'a worker, descriptors': most(descriptors),
    workers: workers.length,
  }
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function statusKib(pid: number, field: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'latin1').match(`${field}:\\s+([0-9]+) kB`)
  if (line === null) throw new Error(`no ${field}`)
  return Number(line[1])
}
