// npm run bench -- group [--nodes N] [--rounds N] [--json FILE]: one request whose graph has many
// small nodes without links; sessions a second from the first byte of the request to the last of
// the answer. The answer is checked.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { bodyType, makeBody, putProgram, readGuest, startService } from './servers.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
})
const count = Number(values.nodes)
const goalPerSecond = 30_000

const service = await startService()
try {
  const program = await putProgram(service.url, await readGuest('asm/hello'))
  const rows: Record<string, object> = {}
  const stderr = { alias: '/dev/stderr', sink: 'null:' }
  for (const [name, channels] of [
    ['stdout of every node in the answer', [stderr]],
    ['stdout and stderr in the answer', []],
  ] as const) {
    const times = await measure({ nodes: [{ name: 'hello', program, count, channels }] })
    const perSecond = times.map((ms) => (1000 * count) / ms).sort((a, b) => b - a)
    const [best = 0] = perSecond
    const median = perSecond[perSecond.length >> 1] ?? 0
    const verdict = best >= goalPerSecond ? 'met' : 'MISSED'
    const goal = `(goal >= ${goalPerSecond}: ${verdict})`
    const numbers = `best ${best.toFixed(0)} sessions/s, median ${median.toFixed(0)}`
    process.stdout.write(`group of ${count} hello nodes, ${name}: ${numbers} ${goal}\n`)
    rows[name] = { nodes: count, best, median }
  }
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  }
} finally {
  await service.stop()
}

async function measure(manifest: object): Promise<number[]> {
  const bytes = Buffer.from(JSON.stringify(manifest))
  const body = new Uint8Array(makeBody([{ name: 'manifest', type: 'application/json', bytes }]))
  const headers = { 'content-type': bodyType }
  const times: number[] = []
  for (let round = 0; round < Number(values.rounds); ++round) {
    const startMs = performance.now()
    const answer = await fetch(`${service.url}/v1/jobs`, { method: 'POST', headers, body })
    const text = Buffer.from(await answer.arrayBuffer()).toString('latin1')
    times.push(performance.now() - startMs)
    const hellos = text.split('hello world\n').length - 1
    if (answer.status !== 200 || hellos !== count || !text.includes('"outcome":"exited"')) {
      throw new Error(`${answer.status}, ${hellos} of ${count}: ${text.slice(-2000)}`)
    }
  }
  return times
}
