// Traces, logs and metrics of a real service: spans of a job reach a collector under the client's
// trace, ids join the lines of the log, and what is switched off is not even loaded.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { noTracing, openTracing } from '../../../service/trace.ts'
import { postForm, submit, waitFor } from './async-calls.ts'
import { spawnService } from './spawned.ts'

type SentSpan = { name: string; traceId: string; spanId: string; parentSpanId?: string }
type Sent = { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }

test('a job is a trace; ids join the lines of the log; bytes and stages count', async () => {
  const spans: SentSpan[] = []
  const collector = createServer(async (request, answer) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    const sent = JSON.parse(Buffer.concat(chunks).toString()) as Sent
    spans.push(...sent.resourceSpans.flatMap((each) => each.scopeSpans.flatMap((s) => s.spans)))
    answer.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const { port } = collector.address() as AddressInfo
  const dataDir = await mkdtemp(join(tmpdir(), 'zvm-trace-'))
  const service = await spawnService(dataDir, {
    ZVM_OTEL: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  })
  const traceId = 'a'.repeat(32)
  const traceparent = `00-${traceId}-${'b'.repeat(16)}-01`
  const headers = { traceparent, 'x-request-id': 'my.request-1' }
  const answer = await postForm(service.url, 'hello', {}, {}, headers)
  assert.equal(answer.headers.get('x-request-id'), 'my.request-1')
  await answer.text()
  const bad = await fetch(`${service.url}/healthz`, { headers: { 'x-request-id': 'a b' } })
  assert.notEqual(bad.headers.get('x-request-id'), 'a b')
  const { id } = await submit(service.url, 'hello')
  await waitFor(service.url, id, 'done')
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  assert.match(metrics, /^zvm_jobs_total\{outcome="exited",tenant="default"\} 2$/m)
  assert.match(metrics, /^zvm_job_start_seconds_count 2$/m)
  assert.match(metrics, /^zvm_async_jobs_kept 1$/m)
  const bytesIn = /^zvm_http_bytes_total\{direction="in",tenant="default"\} (\d+)$/m.exec(metrics)
  assert.ok(Number(bytesIn?.[1]) > 200_000, 'two programs of 197 KB')
  await service.end('SIGTERM')
  collector.close()
  await rm(dataDir, { recursive: true })

  const mine = spans.filter((span) => span.traceId === traceId)
  const names = mine.map(({ name }) => name).sort()
  assert.deepEqual(names, ['prepare', 'queue', 'response', 'run', 'upload', 'zvm.job'])
  const root = mine.find(({ name }) => name === 'zvm.job')
  assert.equal(root?.parentSpanId, 'b'.repeat(16))
  for (const span of mine) {
    if (span !== root) assert.equal(span.parentSpanId, root?.spanId)
  }
  assert.equal(spans.filter(({ name }) => name === 'zvm.job').length, 2)
  const ended = service.log.find(
    ({ reqId, msg }) => reqId === 'my.request-1' && msg === 'job ended',
  )
  assert.deepEqual(ended?.sessionIds, [1])
  const runs = service.log.find(({ jobId, msg }) => jobId === id && msg === 'job runs')
  assert.deepEqual(runs?.sessionIds, [2])
  const accepted = service.log.find(({ jobId, msg }) => jobId === id && msg === 'job accepted')
  assert.equal(accepted?.reqId, runs?.reqId)
})

test('switched off, OpenTelemetry is not even asked for', async () => {
  const source = await readFile(join(import.meta.dirname, '../../../service/trace.ts'), 'utf8')
  assert.ok(!/^import .*opentelemetry/m.test(source), 'a static import would always load it')
  const tracing = await openTracing('off')
  assert.equal(tracing, noTracing)
})
