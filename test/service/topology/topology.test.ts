// Every topology with and without an end, over HTTP and as classic sessions. TOPOLOGY_ROUNDS runs
// each so often, several at once, on a machine that has other work: npm run topologies -- 100.
import { type ChildProcess, spawn } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { z } from 'zod'
import { buildGuest } from '../api/c-guest.ts'
import { type Server, startServer } from '../api/server.ts'
import { runOverHttp } from './over-http.ts'
import { runOverTcp } from './over-tcp.ts'
import { topologies } from './topologies.ts'

const rounds = Number(process.env.TOPOLOGY_ROUNDS ?? 1)
const atOnce = 4
let server: Server
let program: string
const load: ChildProcess[] = []

before(async () => {
  server = await startServer({ ZVM_CONCURRENCY_MAX: String(atOnce) })
  const headers = { 'content-type': 'application/octet-stream' }
  const init = { method: 'PUT', body: await buildGuest('topology'), headers }
  const answer = await fetch(`${server.url}/v1/programs`, init)
  program = z.object({ program: z.string() }).parse(await answer.json()).program
  const spin = ['-e', 'for (;;);']
  if (rounds > 1) for (let at = 0; at < 2; at += 1) load.push(spawn(process.execPath, spin))
})
after(async () => {
  for (const child of load) child.kill('SIGKILL')
  if (load.length > 0) await Promise.all(load.map(goneOf))
  await server.settle()
})

const ways = {
  'over HTTP': (topology: Parameters<typeof runOverTcp>[0], isEndless: boolean) =>
    runOverHttp(server.url, program, topology, isEndless),
  'under zvm-run': runOverTcp,
}
for (const [way, run] of Object.entries(ways)) {
  describe(way, { concurrency: rounds > 1 ? 1 : atOnce }, () => {
    for (const topology of topologies) {
      for (const isEndless of [false, true]) {
        const title = `${topology.name}${isEndless ? ', endless source' : ''}`
        it(title, async () => {
          for (let done = 0; done < rounds; done += atOnce) {
            const count = Math.min(atOnce, rounds - done)
            await Promise.all(Array.from({ length: count }, () => run(topology, isEndless)))
          }
        })
      }
    }
  })
}

function goneOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('close', () => resolve())
  })
}
