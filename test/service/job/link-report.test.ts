// Links in the report of a graph: bytes by node, by group when there are too many.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../service/config.ts'
import { parseJsonGraph } from '../../../service/job/graph-json.ts'
import { makeGraphPlan } from '../../../service/job/graph-plan.ts'
import { linkReports } from '../../../service/job/link-report.ts'

const graph = parseJsonGraph({
  nodes: [
    { name: 'map', count: 3, program: 'part:p', connect: ['map', 'red'] },
    { name: 'red', program: 'part:p' },
  ],
})
const plan = makeGraphPlan(graph, () => [], readConfig({}).limits)
/** Every channel of node n has moved n + 1 bytes. */
const reports = plan.nodes.map(({ channels }, at) => ({
  channels: channels.map(({ alias }) => {
    return { alias, reads: 1, readBytes: at + 1, writes: 1, writeBytes: at + 1, etag: null }
  }),
}))

test('every pair of nodes, in the order of the plan', () => {
  const links = linkReports(plan, reports, 100)
  assert.equal(links.length, 9)
  assert.deepEqual(links[2], {
    from: 'map-1',
    to: 'red',
    links: 1,
    writtenBytes: 1,
    readBytes: 4,
  })
})

test('groups when there are more than fit; a node that told nothing has moved nothing', () => {
  const links = linkReports(plan, reports.with(0, { channels: [] }), 8)
  assert.deepEqual(links, [
    { from: 'map', to: 'map', links: 6, writtenBytes: 10, readBytes: 10 },
    { from: 'map', to: 'red', links: 3, writtenBytes: 5, readBytes: 12 },
  ])
})
