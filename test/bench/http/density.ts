// npm run bench -- density [--sessions N] [--json FILE]: so many sessions that wait for their first
// byte at the same time, each in a worker of its own, started as a graph starts its nodes. Private
// memory (smaps_rollup), page tables and descriptors of each; descriptors of this process.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readConfig } from '../../../service/config.ts'
import {
  type ChannelOf,
  defaultContentType,
  missingStandard,
  readLimits,
} from '../../../service/job/channel.ts'
import { tryDigest } from '../../../service/job/digest.ts'
import type { SessionPlan, SessionSource } from '../../../service/job/plan.ts'
import { type SessionStart, Sessions } from '../../../service/run/sessions.ts'
import { nativeDir, readGuest } from './servers.ts'

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '1000' }, json: { type: 'string' } },
})
const count = Number(values.sessions)
const goalKib = 250

const scratchDir = await mkdtemp(join(tmpdir(), 'zvm-density-'))
const { limits } = readConfig({})
const sessions = new Sessions({
  nativeDir,
  scratchDir,
  reuse: 'tenant',
  limits: { ...limits, nodesRunningMax: count, workersSpare: 1 },
  onWorkerDeath: (error) => {
    throw error
  },
})
const input = sessions.native.makePipe()
try {
  await sessions.open()
  const bytes = await readGuest('asm/wait_input')
  const started = await sessions.startAll(makeStarts(bytes), 'bench', new AbortController().signal)
  await sleep(1000)
  const pids = sessions.workers.busyPids
  const rows = {
    'private memory, KiB': pids.map((pid) => privateKib(pid)),
    'page tables, KiB': pids.map((pid) => fieldKib(`/proc/${pid}/status`, 'VmPTE')),
    descriptors: pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length),
  }
  print(rows)
  for (const session of started) session.abandon()
  await Promise.all(started.map(({ ended }) => ended))
} finally {
  input.write.close()
  input.read.close()
  await sessions.close()
  await rm(scratchDir, { recursive: true })
}

function makeStarts(bytes: Buffer): SessionStart[] {
  const digest = tryDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  if (digest === undefined) throw new Error('a digest is one')
  const stdin: ChannelOf<SessionSource> = {
    alias: '/dev/stdin',
    type: 0,
    etag: false,
    limits: readLimits(),
    sources: [{ kind: 'part', name: 'in' }],
    contentType: defaultContentType,
  }
  const outputs = missingStandard(new Set([stdin.alias]), (name) => name).map((channel) => {
    return { ...channel, sources: [{ kind: 'null' as const }] }
  })
  const plan: SessionPlan = {
    memoryBytes: limits.memoryBytesDefault,
    memoryEtag: false,
    timeoutMs: 100_000,
    channels: [stdin, ...outputs],
    nvram: undefined,
  }
  const refuse = () => {
    throw new Error('this session has a pipe only')
  }
  const inputs = {
    openPart: () => input.read.duplicate(),
    openBlob: refuse,
    openObject: refuse,
    openLink: refuse,
  }
  const open = () => sessions.native.makeMemfd('program', bytes)
  return Array.from({ length: count }, () => ({ plan, program: { digest, open }, inputs }))
}

function privateKib(pid: number): number {
  const path = `/proc/${pid}/smaps_rollup`
  return fieldKib(path, 'Private_Clean') + fieldKib(path, 'Private_Dirty')
}

function fieldKib(path: string, field: string): number {
  const line = readFileSync(path, 'latin1').match(new RegExp(`^${field}:\\s+([0-9]+) kB$`, 'm'))
  if (line === null) throw new Error(`${path} has no ${field}`)
  return Number(line[1])
}

function print(rows: Readonly<Record<string, readonly number[]>>): void {
  const told: Record<string, object> = {}
  for (const [name, all] of Object.entries(rows)) {
    const sorted = [...all].sort((a, b) => a - b)
    const [least = 0, median = 0] = [sorted[0], sorted[sorted.length >> 1]]
    const most = sorted.at(-1) ?? 0
    const verdict = median <= goalKib ? 'met' : 'MISSED'
    const goal = name.startsWith('private') ? ` (goal: median <= ${goalKib}: ${verdict})` : ''
    process.stdout.write(
      `${count} waiting sessions, ${name}: least ${least}, median ${median}, most ${most}${goal}\n`,
    )
    told[name] = { least, median, most }
  }
  process.stdout.write(`descriptors of this process: ${readdirSync('/proc/self/fd').length}\n`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(told, null, 2)}\n`)
}
