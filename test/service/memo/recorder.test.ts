// What a recorder says of a job whose outputs did not come to their end, or were too many.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { readConfig } from '../../../service/config.ts'
import { parseManifest } from '../../../service/job/parse-manifest.ts'
import { makePlan } from '../../../service/job/plan.ts'
import { makeLostReport } from '../../../service/job/report.ts'
import { Recorder } from '../../../service/memo/recorder.ts'
import { loadNative } from '../../../service/native.ts'
import type { JobRun } from '../../../service/run/job-run.ts'
import { Output } from '../../../service/run/output.ts'

const { limits, nativeDir } = readConfig({})
const native = loadNative(nativeDir)
const text = '{"program":"part:p","channels":[{"alias":"/dev/stderr","sink":"null:"}]}'
const plan = makePlan(parseManifest(Buffer.from(text), 'json'), limits)

/** A job with one output, and a report that says how much was written to it. */
function begin(bytesMax: number) {
  const output = new Output('stdout', 'text/plain', () => undefined)
  const pipe = native.makePipe({ nonBlockingRead: true })
  const source = new Socket({ fd: pipe.write.release(), readable: false, writable: true })
  source.on('error', () => undefined)
  const run: Pick<JobRun, 'outputs'> = { outputs: [output] }
  const recorder = new Recorder(plan, run as JobRun, bytesMax)
  const collected = output.collect(pipe.read, limits, '')
  const counts = { reads: 0, readBytes: 0, writes: 1, etag: null }
  const finish = (writeBytes: number) =>
    recorder.finish({
      ...makeLostReport('exited', null, null),
      channels: [{ alias: '/dev/stdout', ...counts, writeBytes }],
    })
  return { output, source, collected, finish }
}

test('everything: the bytes in their order', async () => {
  const { source, collected, finish } = begin(10_000)
  source.write('one ')
  source.end('two')
  await collected
  assert.equal(Buffer.concat((await finish(7))?.flat() ?? []).toString(), 'one two')
})

test('a client that went before the end: nothing, although the guest exited', async () => {
  const { output, source, collected, finish } = begin(10_000)
  source.write('one ')
  await new Promise((resolve) => setImmediate(resolve))
  output.close()
  source.end('two')
  await collected.catch(() => undefined)
  assert.equal(await finish(7), undefined)
})

test('more than may be kept: nothing, also of many small pieces', async () => {
  const { source, collected, finish } = begin(10_000)
  for (let i = 0; i < 100; i++) {
    source.write('x')
    await new Promise((resolve) => setImmediate(resolve))
  }
  source.end()
  await collected
  assert.equal(await finish(100), undefined)
})

test('a job whose outputs have begun already: nothing', async () => {
  const output = new Output('stdout', 'text/plain', () => undefined)
  output.put(Buffer.from('early'))
  const run: Pick<JobRun, 'outputs'> = { outputs: [output] }
  const recorder = new Recorder(plan, run as JobRun, 10_000)
  const counts = { alias: '/dev/stdout', reads: 0, readBytes: 0, writes: 1, etag: null }
  const report = {
    ...makeLostReport('exited', null, null),
    channels: [{ ...counts, writeBytes: 5 }],
  }
  assert.equal(await recorder.finish(report), undefined)
})
