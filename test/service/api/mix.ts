// Many jobs at once, a part of them with guests that crash, hang, flood or fail, clients that go,
// and workers that are killed. Every job is accounted for: what came of it is something that it may
// come to.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nativeDir } from './server.ts'

export type MixOptions = {
  readonly url: string
  /** Of the service: its children are killed. Undefined: none are. */
  readonly pid: number | undefined
  /** One kill for so many jobs. */
  readonly jobsPerKill?: number
  readonly jobs: number
  readonly concurrency: number
  readonly seed: number
}

/** What came of how many. */
export type MixResult = { readonly counts: ReadonlyMap<string, number>; readonly kills: number }

type Kind = {
  readonly name: string
  /** Of a hundred jobs. */
  readonly share: number
  readonly guest: string
  readonly manifest: object
  readonly input?: Buffer
  readonly leaves?: boolean
  readonly expected: RegExp
}

const flood = Buffer.alloc(600_000, 'zvm ')
const kinds: readonly Kind[] = [
  { name: 'hello', share: 80, guest: 'hello', manifest: {}, expected: /^hello world\n exited 0$/ },
  { name: 'crash', share: 2, guest: 'crash', manifest: {}, expected: /^ trapped null$/ },
  {
    name: 'hang',
    share: 2,
    guest: 'spin',
    manifest: { timeoutMs: 60 },
    expected: /^ limited null$/,
  },
  { name: 'fail', share: 3, guest: 'exit', manifest: {}, expected: /exited [1-9]/ },
  {
    name: 'flood',
    share: 3,
    guest: 'copy',
    manifest: { channels: [{ alias: '/dev/stdin', source: 'part:input' }] },
    input: flood,
    expected: new RegExp(`^${flood.toString().slice(0, 8)}.* exited 0$`),
  },
  {
    name: 'leave',
    share: 5,
    guest: 'spin',
    manifest: { timeoutMs: 5000 },
    leaves: true,
    expected: /^left$/,
  },
]

/** Bytes of the guests by the names above. */
function readGuests(): Map<string, Uint8Array<ArrayBuffer>> {
  const read = (path: string) =>
    new Uint8Array(readFileSync(join(nativeDir, 'guest', `${path}.nexe`)))
  const crash = read('asm/hello')
  // The first bundle is all hlt; the text lies at 0x10000 in the file.
  crash.fill(0xf4, 0x1_0000, 0x1_0020)
  return new Map([
    ['hello', read('asm/hello')],
    ['spin', read('asm/spin')],
    ['exit', read('asm/exit_code')],
    ['copy', read('bench/copy')],
    ['crash', crash],
  ])
}

export async function runMix(options: MixOptions): Promise<MixResult> {
  const { url, jobs, concurrency, jobsPerKill = 100 } = options
  const random = makeRandom(options.seed)
  const stored = new Map<string, string>()
  for (const [name, body] of readGuests()) stored.set(name, await put(url, body))
  const counts = new Map<string, number>()
  let next = 0
  let kills = 0
  const runOne = async (index: number) => {
    if (options.pid !== undefined && index % jobsPerKill === jobsPerKill - 1) {
      kills += killOne(options.pid, random)
    }
    const kind = pick(random)
    const told = await post(url, kind, stored.get(kind.guest) ?? '', random)
    const isGood = kind.expected.test(told)
    // A kill costs the session that had begun, if any; nothing else may go wrong.
    assert.ok(isGood || /worker-died$/.test(told), `${kind.name}: ${told.slice(0, 500)}`)
    const name = isGood ? kind.name : 'killed'
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const client = async () => {
    while (next < jobs) await runOne(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, client))
  return { counts, kills }
}

async function put(url: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await fetch(`${url}/v1/programs`, { method: 'PUT', headers, body })
  const { program } = (await answer.json()) as { program?: string }
  assert.ok(program !== undefined)
  return program
}

async function post(
  url: string,
  { manifest, input, leaves }: Kind,
  program: string,
  random: () => number,
): Promise<string> {
  const form = new FormData()
  const text = JSON.stringify({ program, ...manifest })
  form.append('manifest', new Blob([text], { type: 'application/json' }))
  if (input !== undefined) form.append('input', new Blob([new Uint8Array(input)]))
  const gone = new AbortController()
  const init = { method: 'POST', body: form, signal: gone.signal }
  if (leaves === true) sleep(random() * 60).then(() => gone.abort())
  try {
    const answer = await fetch(`${url}/v1/jobs`, init)
    const body = Buffer.from(await answer.arrayBuffer()).toString('latin1')
    return answer.ok ? summaryOf(body) : body
  } catch (error) {
    if (gone.signal.aborted) return 'left'
    throw error
  }
}

/** Standard output, outcome and exit code; the reason when there is an unusual one. */
function summaryOf(body: string): string {
  const [, output = ''] = /name="stdout".*?\r\n\r\n(.*?)\r\n--zvm/s.exec(body) ?? []
  const report = JSON.parse(/\{"outcome".*\}/.exec(body)?.[0] ?? '{}')
  const died = report.reason === 'worker-died' ? ' worker-died' : ''
  return `${output} ${report.outcome} ${report.exitCode}${died}`
}

/** Any child: a worker that waits, runs, or judges a program. */
function killOne(pid: number, random: () => number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')
  const victim = Number(children[Math.floor(random() * children.length)])
  if (!(victim > 1)) return 0
  try {
    process.kill(victim, 'SIGKILL')
    return 1
  } catch {
    return 0
  }
}

function pick(random: () => number): Kind {
  const [first, ...others] = kinds
  const total = kinds.reduce((sum, { share }) => sum + share, 0)
  let at = random() * total
  for (const kind of others) {
    at -= kind.share
    if (at < 0) return kind
  }
  return first as Kind
}

/** Uniform in [0, 1), the same for the same seed. */
function makeRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
