// What the pages of docs/ about the service say, against the code: variables, limits, metrics,
// manifests.
// ZVM_UPDATE_DOCS=1 writes the table of limits anew.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formOf } from '../../service/cli/job-files.ts'
import { limitTable, readConfig, variableOf } from '../../service/config.ts'
import { problemMarkdown, problemTable } from '../../service/http/problem.ts'
import { parseJsonGraph } from '../../service/job/graph-json.ts'
import { parseManifest } from '../../service/job/parse-manifest.ts'
import { makePlan } from '../../service/job/plan.ts'
import { Memo } from '../../service/memo/memo.ts'
import { MemoStore } from '../../service/memo/store.ts'
import { addAsyncMetrics, addMemoMetrics, makeMetrics } from '../../service/metrics.ts'
import { Scheduler } from '../../service/run/scheduler.ts'
import { Sessions } from '../../service/run/sessions.ts'

const root = join(import.meta.dirname, '../..')
const servicePage = join(root, 'docs/service.md')
const service = readFileSync(servicePage, 'utf8')
const job = readFileSync(join(root, 'docs/job.md'), 'utf8')
const graph = readFileSync(join(root, 'docs/graph.md'), 'utf8')
const limits = readConfig({}).limits

function makeLimitsTable(): string {
  const rows = Object.entries(limitTable).map(([name, [value, unit, about]]) => {
    const isMachine = name === 'concurrencyMax' || name === 'graphWorkersMax'
    const shown = isMachine ? 'processors, at least 2' : `${value} ${unit}`
    return `| \`${name}\` | \`${variableOf(name)}\` | ${shown} | ${about} |`
  })
  return ['| Limit | Variable | Default | Bounds |', '|---|---|---|---|', ...rows].join('\n')
}

test('docs/service.md: the table of limits is that of service/config.ts', () => {
  const [begin, end] = ['<!-- limits: begin -->\n', '<!-- limits: end -->']
  const [before = '', rest = ''] = service.split(begin)
  const [table = '', after = ''] = rest.split(end)
  if (process.env.ZVM_UPDATE_DOCS === '1') {
    writeFileSync(servicePage, `${before}${begin}${makeLimitsTable()}\n${end}${after}`)
    return
  }
  assert.equal(table.trim(), makeLimitsTable(), 'ZVM_UPDATE_DOCS=1 npm run test:service mends it')
})

test('docs/problems.md: the table is that of service/http/problem.ts', () => {
  const page = join(root, 'docs/problems.md')
  const [begin, end] = ['<!-- problems: begin -->\n', '<!-- problems: end -->']
  const [before = '', rest = ''] = readFileSync(page, 'utf8').split(begin)
  const [table = '', after = ''] = rest.split(end)
  if (process.env.ZVM_UPDATE_DOCS === '1') {
    writeFileSync(page, `${before}${begin}${problemMarkdown()}\n${end}${after}`)
    return
  }
  assert.equal(table.trim(), problemMarkdown(), 'ZVM_UPDATE_DOCS=1 npm run test:service mends it')
})

test('docs/service.md: every variable of service/config.ts, and no other', () => {
  const source = readFileSync(join(root, 'service/config.ts'), 'utf8')
  const read = new Set([...source.matchAll(/^\s+(ZVM_[A-Z_]+):/gm)].map(([, name]) => name))
  const told = new Set([...service.matchAll(/^\| `(ZVM_[A-Z_]+)` \|/gm)].map(([, name]) => name))
  assert.deepEqual([...told].sort(), [...read].sort())
  const { host, port, logLevel } = readConfig({})
  assert.match(service, new RegExp(`ZVM_HOST. \\| .${host}.`))
  assert.match(service, new RegExp(`ZVM_PORT. \\| .${port}.`))
  assert.match(service, new RegExp(`ZVM_LOG_LEVEL. \\| .${logLevel}.`))
})

test('docs/service.md: every metric of ours, and no other', async () => {
  const nativeDir = join(root, 'native/build')
  const onWorkerDeath = () => assert.fail('no worker is started')
  const sessions = new Sessions({
    nativeDir,
    scratchDir: '',
    reuse: 'tenant',
    limits,
    onWorkerDeath,
  })
  const { registry } = makeMetrics(new Scheduler(limits), sessions, 1)
  const none = { waiting: 0, active: 0, kept: 0, listeners: 0, inputBytes: 0 }
  addAsyncMetrics({ registry }, none)
  const folder = mkdtempSync(join(tmpdir(), 'zvm-docs-'))
  const onMismatch = () => assert.fail('nothing runs')
  const store = new MemoStore(folder, limits, '')
  const memo = new Memo(store, { runtime: '', recordBytesMax: 0, onMismatch })
  addMemoMetrics({ registry }, memo)
  const metrics = await registry.getMetricsAsJSON()
  await sessions.close()
  await memo.close()
  rmSync(folder, { recursive: true })
  const ours = metrics.map(({ name }) => name).filter((name) => name.startsWith('zvm_'))
  const told = [...service.matchAll(/^\| `(zvm_[a-z_]+)/gm)].map(([, name]) => name)
  assert.deepEqual([...told].sort(), [...ours].sort())
})

test('docs/service.md and docs/job.md: limits that the text names exist', () => {
  for (const [, name = ''] of `${service}${job}`.matchAll(
    /`([a-z][A-Za-z]+(?:Max|Default|Ms))`/g,
  )) {
    assert.ok(name in limitTable || name === 'timeoutMs', name)
  }
})

test('docs/job.md: its manifests are accepted, its problems exist', () => {
  const blocks = [...job.matchAll(/^```(?:json)?\n(.*?)^```/gms)].map(([, block = '']) => block)
  const manifests = blocks.filter((block) => /^Version =|"program": "part:/m.test(block))
  assert.equal(manifests.length, 2)
  for (const manifest of manifests) {
    const bytes = Buffer.from(manifest)
    assert.equal(makePlan(parseManifest(bytes, formOf(bytes)), limits).channels.length > 2, true)
  }
  for (const [, code = ''] of job.matchAll(/"code":"([a-z-]+)"/g))
    assert.ok(code in problemTable, code)
  assert.ok('source-host-path' in problemTable)
})

test('docs/graph.md: its manifests are accepted, its limits and problems exist', () => {
  const blocks = [...graph.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text = '']) => text)
  assert.equal(blocks.length, 1)
  for (const text of blocks) parseJsonGraph(JSON.parse(text))
  for (const [, name = ''] of graph.matchAll(/`([a-z]+[A-Za-z]*Max)`/g)) {
    assert.ok(name in limitTable, name)
  }
  const [, refused = ''] = graph.split('## 5.')
  for (const [, code = ''] of refused.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)) {
    assert.ok(code in problemTable, code)
  }
})
