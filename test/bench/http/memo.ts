// npm run bench -- memo [--seconds N] [--rounds N] [--json FILE]: jobs whose result is kept, beside
// a bare Fastify that reads the same multipart request and answers with as many bytes. Rounds are
// interleaved and the best of each is told, because the machine is shared.
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { bodyType, makeBody, putProgram, readGuest, startPeers, startService } from './servers.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})

type Server = 'memo' | 'run' | 'echo'
type Best = { perSecond: number; p50Us: number; failures: number }
type Case = { readonly name: string; readonly shots: Readonly<Record<Server, Shot>> }
type Shot = { readonly url: string; readonly body: Buffer }

const peers = await startPeers()
const service = await startService({ ZVM_LOG_LEVEL: 'silent' })
try {
  const rows: object[] = []
  for (const one of await makeCases()) {
    for (const connections of [1, 32])
      rows.push(tell(one.name, connections, await best(one, connections)))
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`)
} finally {
  await Promise.all([peers.stop(), service.stop()])
}

async function makeCases(): Promise<Case[]> {
  const hello = await readGuest('asm/hello')
  const relay = await readGuest('asm/relay')
  const stored = await putProgram(service.url, hello)
  const input = (sizeBytes: number) => ({
    name: 'input',
    type: 'text/plain',
    bytes: Buffer.alloc(sizeBytes, 'zvm '),
  })
  const program = { name: 'program', type: 'application/octet-stream', bytes: relay }
  const channels = [{ alias: '/dev/stdin', source: 'part:input' }]
  return [
    await makeCase('hello, stored', { program: stored }, []),
    await makeCase('three parts, 10 KB', { program: 'part:program', channels }, [
      program,
      input(10_240),
    ]),
    await makeCase('three parts, 1 MB', { program: 'part:program', channels }, [
      program,
      input(1 << 20),
    ]),
  ]
}

async function makeCase(
  name: string,
  job: object,
  parts: Parameters<typeof makeBody>[0],
): Promise<Case> {
  const bodyOf = (more: object) => {
    const bytes = Buffer.from(JSON.stringify({ ...job, ...more }))
    return makeBody([{ name: 'manifest', type: 'application/json', bytes }, ...parts])
  }
  const url = `${service.url}/v1/jobs`
  const memo = { url, body: bodyOf({ cache: 'read-write' }) }
  const ask = async () => {
    const headers = { 'content-type': bodyType }
    const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(memo.body) })
    const { byteLength } = await answer.arrayBuffer()
    return { byteLength, cache: answer.headers.get('zvm-cache') }
  }
  await ask()
  const { byteLength, cache } = await ask()
  if (cache !== 'hit') throw new Error(`${name} is not kept: ${cache}`)
  const echo = { url: `${peers.url}/sized?bytes=${byteLength}`, body: memo.body }
  return { name, shots: { memo, echo, run: { url, body: bodyOf({}) } } }
}

async function best({ shots }: Case, connections: number): Promise<Record<Server, Best>> {
  const none = () => ({ perSecond: 0, p50Us: Number.POSITIVE_INFINITY, failures: 0 })
  const found = { memo: none(), run: none(), echo: none() }
  for (let round = 0; round <= Number(values.rounds); ++round) {
    for (const server of ['memo', 'echo', 'run'] as const) {
      // The first round is for warming up.
      const seconds = round === 0 ? 1 : Number(values.seconds)
      const result = await autocannon({
        url: shots[server].url,
        connections,
        duration: seconds,
        method: 'POST',
        headers: { 'content-type': bodyType },
        body: shots[server].body,
      })
      found[server].failures += result.non2xx + result.errors
      if (round === 0) continue
      const perSecond = result.requests.total / result.duration
      found[server].perSecond = Math.max(found[server].perSecond, perSecond)
      found[server].p50Us = Math.min(found[server].p50Us, result.latency.p50 * 1000)
    }
  }
  return found
}

function tell(name: string, connections: number, { memo, run, echo }: Record<Server, Best>) {
  const us = ({ perSecond }: Best) => 1e6 / perSecond
  const ratio = us(memo) / us(echo)
  const row = { name, connections, memoUs: us(memo), echoUs: us(echo), runUs: us(run), ratio }
  const failures = memo.failures + run.failures + echo.failures
  process.stdout.write(
    `${name.padEnd(20)} at ${String(connections).padStart(2)}: kept ${us(memo).toFixed(0)} µs, ` +
      `echo ${us(echo).toFixed(0)} µs, run ${us(run).toFixed(0)} µs a request; ` +
      `kept / echo ${ratio.toFixed(2)}${failures === 0 ? '' : `, ${failures} failures`}\n`,
  )
  return { ...row, failures }
}
