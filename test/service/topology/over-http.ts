// A topology as one job at a service.
import assert from 'node:assert/strict'
import { z } from 'zod'
import { partsOf } from '../api/multipart.ts'
import { checkPrefix, checkWhole, data, type Side } from './expect.ts'
import { readersOf, type Topology } from './topologies.ts'

/** Of an endless source: until its nodes are stopped. */
const endlessMs = 250

const reportSchema = z.object({
  outcome: z.string(),
  reason: z.string().nullable(),
  exitCode: z.number().nullable(),
  nodes: z.array(
    z.object({
      node: z.string(),
      channels: z.array(
        z.object({
          alias: z.string(),
          readBytes: z.number(),
          writeBytes: z.number(),
          etag: z.string().nullable(),
        }),
      ),
    }),
  ),
})

/** `program`: digest of test/service/guests/topology.c. Fails when anything is not right. */
export async function runOverHttp(
  url: string,
  program: string,
  topology: Topology,
  isEndless: boolean,
): Promise<void> {
  const nodes = topology.nodes.map(({ name, readsFrom }) => {
    const readers = readersOf(topology, name)
    const isSource = readsFrom.length === 0
    return {
      name,
      program,
      timeoutMs: isEndless ? endlessMs : 60_000,
      ...(isSource && isEndless ? { args: ['source', 'endless'] } : {}),
      channels: [
        ...(isSource && !isEndless ? [{ alias: '/dev/stdin', source: 'part:data' }] : []),
        ...readers.map((to) => {
          return { alias: '/dev/out/*', sink: `node:${to}/in/*`, etag: true }
        }),
        { alias: '/dev/stdout', sink: 'response:*.out' },
      ],
    }
  })
  const form = new FormData()
  form.append('manifest', new Blob([JSON.stringify({ nodes })], { type: 'application/json' }))
  if (!isEndless) form.append('data', new Blob([new Uint8Array(data)]))
  const answer = await fetch(`${url}/v1/jobs`, { method: 'POST', body: form })
  if (answer.status !== 200) assert.fail(await answer.text())
  const parts = await partsOf(answer)
  const text = parts.get('report') ?? ''
  const report = reportSchema.parse(JSON.parse(text))
  const sides = new Map<string, Side>()
  for (const { node, channels } of report.nodes) {
    for (const { alias, readBytes, writeBytes, etag } of channels) {
      const isLink = alias.startsWith('/dev/in/') || alias.startsWith('/dev/out/')
      if (isLink) sides.set(`${node} ${alias}`, { bytes: readBytes + writeBytes, etag })
    }
  }
  if (isEndless) {
    assert.deepEqual([report.outcome, report.reason], ['limited', 'limit-wall-time'], text)
    checkPrefix(sides)
    return
  }
  assert.deepEqual([report.outcome, report.exitCode], ['exited', 0], text)
  const links = topology.nodes.flatMap(({ readsFrom }) => readsFrom)
  assert.equal(sides.size, 2 * links.length)
  checkWhole(sides)
  for (const { name } of topology.nodes) {
    if (readersOf(topology, name).length > 0) continue
    assert.ok(parts.get(`${name}.out`) === data.toString('latin1'), `bytes of ${name}`)
  }
}
