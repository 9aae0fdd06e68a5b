// npm run bench -- http [--seconds N] [--json FILE]: requests a second and latency of small jobs at
// concurrency 1 and 32, beside bare Fastify echoes of the same bodies in the same run. Rounds are
// interleaved and the best of each is told, because the machine is shared.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import {
  bodyType,
  makeBody,
  type Part,
  putProgram,
  readGuest,
  startPeers,
  startService,
} from './servers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})

type Case = {
  readonly name: string
  readonly url: string
  readonly type: string
  readonly body: Buffer
}
type Result = { perSecond: number; p50Ms: number; p99Ms: number; failures: number }

const peers = await startPeers()
const services = {
  session: await startService({ ZVM_WORKER_REUSE: 'session' }),
  tenant: await startService({ ZVM_WORKER_REUSE: 'tenant' }),
}
try {
  const results = await measure(await makeCases())
  print(results)
  if (values.json !== undefined) {
    const rows = Object.fromEntries(
      [...results].map(([name, row]) => [name, Object.fromEntries(row)]),
    )
    await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  }
} finally {
  await Promise.all([peers.stop(), services.session.stop(), services.tenant.stop()])
}

async function makeCases(): Promise<Case[]> {
  const hello = await readGuest('asm/hello')
  const text = Buffer.alloc(10_240, 'zvm ')
  const manifestOf = (program: string, input: boolean): Part => {
    const channels = input ? [{ alias: '/dev/stdin', source: 'part:input' }] : []
    const bytes = Buffer.from(JSON.stringify({ program, channels }))
    return { name: 'manifest', type: 'application/json', bytes }
  }
  const input = { name: 'input', type: 'text/plain', bytes: text }
  const cases: Case[] = []
  for (const [reuse, { url }] of Object.entries(services)) {
    const program = await putProgram(url, hello)
    const jobs = `${url}/v1/jobs`
    const small = makeBody([manifestOf(program, false)])
    const large = makeBody([manifestOf(program, true), input])
    cases.push({ name: `job, reuse ${reuse}`, url: jobs, type: bodyType, body: small })
    cases.push({ name: `job with 10 KB, reuse ${reuse}`, url: jobs, type: bodyType, body: large })
    if (cases.length > 2) continue
    const octets = 'application/octet-stream'
    cases.push(
      { name: 'echo', url: `${peers.url}/echo`, type: octets, body: small },
      { name: 'multipart echo', url: `${peers.url}/multipart`, type: bodyType, body: small },
      { name: 'multipart echo, 10 KB', url: `${peers.url}/multipart`, type: bodyType, body: large },
    )
  }
  return cases
}

async function measure(cases: readonly Case[]): Promise<Map<string, Map<number, Result>>> {
  const best = new Map(cases.map(({ name }) => [name, new Map<number, Result>()]))
  for (let round = 0; round <= Number(values.rounds); ++round) {
    for (const one of cases) {
      for (const connections of [1, 32]) {
        const seconds = round === 0 ? 1 : Number(values.seconds)
        const result = await shoot(one, connections, seconds)
        const known = best.get(one.name)?.get(connections)
        // The first round is for warming up; failures are never forgotten.
        if (round === 0) continue
        if (known === undefined || result.perSecond > known.perSecond) {
          result.failures += known?.failures ?? 0
          best.get(one.name)?.set(connections, result)
        } else known.failures += result.failures
      }
    }
  }
  return best
}

async function shoot({ url, type, body }: Case, connections: number, seconds: number) {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })
  return {
    perSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failures: result.non2xx + result.errors,
  }
}

function print(results: ReadonlyMap<string, ReadonlyMap<number, Result>>): void {
  const echo = results.get('multipart echo')
  process.stdout.write(
    `${'case'.padEnd(32)}${'at'.padStart(4)}${'per second'.padStart(12)}${'p50 ms'.padStart(9)}` +
      `${'p99 ms'.padStart(9)}${'of multipart echo'.padStart(19)}${'failures'.padStart(10)}\n`,
  )
  for (const [name, row] of results) {
    for (const [connections, { perSecond, p50Ms, p99Ms, failures }] of row) {
      const ratio = perSecond / (echo?.get(connections)?.perSecond ?? Number.NaN)
      process.stdout.write(
        `${name.padEnd(32)}${String(connections).padStart(4)}${perSecond.toFixed(0).padStart(12)}` +
          `${p50Ms.toFixed(1).padStart(9)}${p99Ms.toFixed(1).padStart(9)}` +
          `${`${(100 * ratio).toFixed(1)} %`.padStart(19)}${String(failures).padStart(10)}\n`,
      )
    }
  }
}
