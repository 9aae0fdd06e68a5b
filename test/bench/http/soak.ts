// npm run soak [-- --jobs N --concurrency N --seed N]: mixed jobs against a service of its own
// while its workers are killed at random, then what is left of them; then how fast it refuses when
// it is overloaded. Fails when a job is lost or anything stays.
import { readdir, readFile, readlink } from 'node:fs/promises'
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
const quiet = { ZVM_LOG_LEVEL: 'silent' }

const isClean = await soak()
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
    const init = {
      method: 'POST',
      headers: { 'content-type': bodyType },
      body: new Uint8Array(body),
    }
    const endMs = performance.now() + 5000
    const client = async () => {
      while (performance.now() < endMs) {
        const startMs = performance.now()
        const answer = await fetch(`${service.url}/v1/jobs`, init)
        const ms = performance.now() - startMs
        await answer.arrayBuffer()
        if (answer.status === 200) served += 1
        else if (answer.status === 503 && answer.headers.has('retry-after')) refusedMs.push(ms)
        else throw new Error(`status ${answer.status}`)
        await sleep(100)
      }
    }
    await Promise.all(Array.from({ length: 64 }, client))
  } finally {
    await service.stop()
  }
  refusedMs.sort((a, b) => a - b)
  const at = (share: number) => refusedMs[Math.floor(refusedMs.length * share)] ?? Number.NaN
  const [p50Ms, p99Ms] = [at(0.5), at(0.99)]
  print(`overload: ${served} served, ${refusedMs.length} refused`, { p50Ms, p99Ms })
  return served > 0 && refusedMs.length > 0
}

function print(what: string, detail: unknown): void {
  process.stdout.write(`${what}: `)
  console.log(detail)
}
