// npm run soak [-- --jobs N --concurrency N --seed N] (0 jobs: overload only): mixed jobs against a
// service of its own while its workers are killed at random, then what is left of them; then how
// fast it refuses when it is overloaded. Fails when a job is lost or anything stays.
import { readdir, readFile, readlink } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runMix } from '../../service/api/mix.ts'
import {
  type BenchServer,
  bodyType,
  makeBody,
  putProgram,
  readGuest,
  startService,
} from './servers.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '64' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const agent = new Agent({ keepAlive: true })
const quiet = { ZVM_LOG_LEVEL: 'silent' }

const isClean = Number(values.jobs) === 0 || (await soak())
const isQuick = await overload()
process.exitCode = isClean && isQuick ? 0 : 1

async function soak(): Promise<boolean> {
  const service = await startService(quiet)
  try {
    const options = {
      url: service.url,
      pid: service.process.pid,
      jobs: Number(values.jobs),
      concurrency: Number(values.concurrency),
    }
    // Everything is loaded and every program is prepared before the counting begins.
    await runMix({ ...options, pid: undefined, jobs: 300, seed: 1 })
    const before = await stateOf(service)
    const startMs = performance.now()
    const { counts, kills } = await runMix({ ...options, seed: Number(values.seed) })
    const seconds = (performance.now() - startMs) / 1000
    await sleep(3000)
    const after = await stateOf(service)
    const told = [...counts.values()].reduce((sum, count) => sum + count, 0)
    print(`${told} of ${options.jobs} jobs accounted for in ${seconds.toFixed(1)} s`, counts)
    print(`${kills} workers killed, seed ${values.seed}; before and after`, [before, after])
    const { rssMiB: _, descriptors, ...mustBeZero } = after
    const isEmpty = Object.values(mustBeZero).every((count) => count === 0)
    return told === options.jobs && isEmpty && descriptors <= before.descriptors + 8
  } finally {
    await service.stop()
  }
}

async function stateOf({ url, process: { pid } }: BenchServer) {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const read = (name: string) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN)
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  return {
    admitted: read('zvm_jobs_admitted'),
    running: read('zvm_jobs_running'),
    busy: read('zvm_workers_busy'),
    leaks: read('zvm_native_leaks_total'),
    descriptors: await countDescriptors(pid),
    rssMiB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024),
  }
}

/** Without sockets: clients keep their connections. */
async function countDescriptors(pid: number | undefined): Promise<number> {
  const folder = `/proc/${pid}/fd`
  const links = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => 'socket:')),
  )
  return links.filter((link) => !link.startsWith('socket:')).length
}

/** 64 clients, room for 18 jobs of 100 ms each. */
async function overload(): Promise<boolean> {
  const service = await startService({ ...quiet, ZVM_QUEUE_MAX: '16', ZVM_CONCURRENCY_MAX: '2' })
  const refusedMs: number[] = []
  let served = 0
  try {
    const program = await putProgram(service.url, await readGuest('asm/spin'))
    const manifest = Buffer.from(JSON.stringify({ program, timeoutMs: 100 }))
    const body = makeBody([{ name: 'manifest', type: 'application/json', bytes: manifest }])
    // The first second is warming up, of both sides.
    const countMs = performance.now() + 1000
    const endMs = countMs + 5000
    const client = async (_: unknown, index: number) => {
      // Spread out: what one process of clients needs for itself is not the service's.
      await sleep((index * 100) / 64)
      while (performance.now() < endMs) {
        const startMs = performance.now()
        const { status, retryAfter } = await post(`${service.url}/v1/jobs`, body)
        if (status === 200) served += 1
        else if (status === 503 && retryAfter !== undefined) {
          if (startMs >= countMs) refusedMs.push(performance.now() - startMs)
        } else throw new Error(`status ${status}`)
        await sleep(50 + Math.random() * 100)
      }
    }
    await Promise.all(Array.from({ length: 64 }, client))
  } finally {
    agent.destroy()
    await service.stop()
  }
  refusedMs.sort((a, b) => a - b)
  const at = (share: number) => refusedMs[Math.floor(refusedMs.length * share)] ?? Number.NaN
  const [p50Ms, p99Ms, mostMs] = [at(0.5), at(0.99), at(1 - 1e-9)]
  print(`overload: ${served} served, ${refusedMs.length} refused`, { p50Ms, p99Ms, mostMs })
  return served > 0 && refusedMs.length > 0
}

/** Resolves with the head of the answer. Lighter than fetch, which takes longer than a refusal. */
function post(url: string, body: Buffer) {
  const headers = { 'content-type': bodyType, 'content-length': body.length }
  return new Promise<{ status: number | undefined; retryAfter: string | undefined }>(
    (resolve, reject) => {
      const call = request(url, { method: 'POST', headers, agent }, (answer) => {
        answer.on('error', reject).resume()
        const { statusCode: status } = answer
        resolve({ status, retryAfter: answer.headers['retry-after'] })
      })
      call.on('error', reject).end(body)
    },
  )
}

function print(what: string, detail: unknown): void {
  process.stdout.write(`${what}: `)
  console.log(detail)
}
