// npm run bench -- http [--quick] [--seconds N] [--rounds N] [--json FILE]: requests a second and
// latency of small jobs of a stored program at concurrency 1 and 32, and their ratios to bare
// Fastify servers in the same run. Rounds are interleaved, so that all meet the same machine; the
// median of the rounds is told. --quick: within two minutes, without the policy `session`.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Load, type Shot, shoot } from './load.ts'
import {
  type BenchServer,
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
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
  },
})
const seconds = Number(values.seconds ?? (values.quick ? 1 : 3))
const rounds = Number(values.rounds ?? 5)
const concurrencies = [1, 32] as const

type Case = Shot & { readonly name: string }
type Results = ReadonlyMap<string, ReadonlyMap<number, Load>>

const names = {
  get: 'bare GET',
  json: 'bare POST of JSON',
  multipart: 'bare multipart echo',
  multipartLarge: 'bare multipart echo, 10 KB',
  jobJson: 'job, JSON body',
  job: 'job, multipart',
  jobLarge: 'job, multipart, 10 KB',
} as const

const peers = await startPeers()
// Neither logs.
const silent = { ZVM_LOG_LEVEL: 'silent' }
const tenant = await startService({ ...silent, ZVM_WORKER_REUSE: 'tenant' })
const session = values.quick
  ? undefined
  : await startService({ ...silent, ZVM_WORKER_REUSE: 'session' })
try {
  const results = await measure([
    ...peerCases(),
    ...(await jobCases(tenant, '')),
    ...(session === undefined ? [] : await jobCases(session, ', reuse session')),
  ])
  printTable(results)
  const ratios = ratiosOf(results)
  for (const { what, value, bound } of ratios) {
    process.stdout.write(`${what.padEnd(64)}${value.toFixed(2).padStart(7)}  (${bound})\n`)
  }
  if (values.json !== undefined) {
    const rows = Object.fromEntries(
      [...results].map(([name, row]) => [name, Object.fromEntries(row)]),
    )
    await writeFile(values.json, `${JSON.stringify({ rows, ratios }, null, 2)}\n`)
  }
} finally {
  await Promise.all([peers.stop(), tenant.stop(), session?.stop()])
}

/** Manifest, and two inputs of 5 KB: the guest does not read them, but they travel to it. */
function manifestOf(program: string, inputs: readonly string[]): Buffer {
  const channels = inputs.map((name) => ({ alias: `/dev/in/${name}`, source: `part:${name}` }))
  return Buffer.from(JSON.stringify({ program, channels }))
}

function bodiesOf(program: string): { json: Buffer; small: Buffer; large: Buffer } {
  const part = (bytes: Buffer): Part => ({ name: 'manifest', type: 'application/json', bytes })
  const text = Buffer.alloc(5 * 1024, 'zvm ')
  const inputs = ['a', 'b'].map((name) => ({ name, type: 'text/plain', bytes: text }))
  const json = manifestOf(program, [])
  return {
    json,
    small: makeBody([part(json)]),
    large: makeBody([part(manifestOf(program, ['a', 'b'])), ...inputs]),
  }
}

function peerCases(): Case[] {
  const { url } = peers
  const { json, small, large } = bodiesOf(`sha256:${'0'.repeat(64)}`)
  const multipart = { url: `${url}/multipart`, method: 'POST', type: bodyType } as const
  return [
    { name: names.get, url: `${url}/hello`, method: 'GET', expect: 'hello' },
    {
      name: names.json,
      url: `${url}/json`,
      method: 'POST',
      type: 'application/json',
      body: json,
      expect: 'sha256',
    },
    { name: names.multipart, ...multipart, body: small, expect: 'sha256' },
    { name: names.multipartLarge, ...multipart, body: large, expect: 'zvm zvm' },
  ]
}

async function jobCases({ url: base }: BenchServer, suffix: string): Promise<Case[]> {
  const program = await putProgram(base, await readGuest('asm/hello'))
  const { json, small, large } = bodiesOf(program)
  const job = { url: `${base}/v1/jobs`, method: 'POST', expect: '"exitCode":0' } as const
  return [
    { name: names.jobJson + suffix, ...job, type: 'application/json', body: json },
    { name: names.job + suffix, ...job, type: bodyType, body: small },
    { name: names.jobLarge + suffix, ...job, type: bodyType, body: large },
  ]
}

async function measure(cases: readonly Case[]): Promise<Results> {
  const all = new Map(cases.map(({ name }) => [name, new Map<number, Load[]>()]))
  // The first round is for warming up.
  for (let round = -1; round < rounds; ++round) {
    for (const one of cases) {
      for (const connections of concurrencies) {
        const load = await shoot(one, connections, round < 0 ? 1 : seconds)
        const known = all.get(one.name)?.get(connections) ?? []
        if (round >= 0) all.get(one.name)?.set(connections, [...known, load])
      }
    }
  }
  return new Map(
    [...all].map(([name, row]) => [
      name,
      new Map([...row].map(([at, loads]) => [at, middle(loads)])),
    ]),
  )
}

function middle(loads: readonly Load[]): Load {
  const median = (of: (load: Load) => number) =>
    loads.map(of).sort((a, b) => a - b)[loads.length >> 1] ?? Number.NaN
  return {
    perSecond: median(({ perSecond }) => perSecond),
    p50Us: median(({ p50Us }) => p50Us),
    p99Us: median(({ p99Us }) => p99Us),
    failures: loads.reduce((sum, { failures }) => sum + failures, 0),
  }
}

/** What issue 5 asks of the small jobs, and what else is worth knowing. */
function ratiosOf(results: Results) {
  const rate = (name: string) => results.get(name)?.get(32)?.perSecond ?? Number.NaN
  const p50 = (name: string) => results.get(name)?.get(1)?.p50Us ?? Number.NaN
  const rateRatio = (job: string, peer: string, bound = 'told only') => {
    return { what: `requests/s at 32: ${job} / ${peer}`, value: rate(job) / rate(peer), bound }
  }
  const p50Ratio = (job: string, peer: string, bound = 'told only') => {
    return { what: `p50 at 1: ${job} / ${peer}`, value: p50(job) / p50(peer), bound }
  }
  return [
    rateRatio(names.jobJson, names.get, 'at least 0.50'),
    rateRatio(names.jobJson, names.json),
    rateRatio(names.job, names.get),
    rateRatio(names.job, names.multipart),
    rateRatio(names.jobLarge, names.multipartLarge, 'at least 0.75'),
    p50Ratio(names.jobJson, names.get, 'at most 3.00'),
    p50Ratio(names.jobJson, names.json),
    p50Ratio(names.job, names.multipart),
    p50Ratio(names.jobLarge, names.multipartLarge, 'at most 3.00'),
  ]
}

function printTable(results: Results): void {
  const columns = ['at', 'per second', 'p50 us', 'p99 us', 'failures']
  process.stdout.write(`${'case'.padEnd(40)}${columns.map((c) => c.padStart(11)).join('')}\n`)
  for (const [name, row] of results) {
    for (const [at, { perSecond, p50Us, p99Us, failures }] of row) {
      const cells = [at, Math.round(perSecond), p50Us, p99Us, failures]
      process.stdout.write(
        `${name.padEnd(40)}${cells.map((cell) => String(cell).padStart(11)).join('')}\n`,
      )
    }
  }
}
