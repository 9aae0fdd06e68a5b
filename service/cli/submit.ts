// `zvm submit`: files to multipart, a tar answer to standard output and standard error, other
// channels to files in the current folder. Files are sent from disk, never read whole.
import { createWriteStream, openAsBlob } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { z } from 'zod'
import { outcomes } from '../job/report.ts'
import { partNamePattern } from '../job/source-url.ts'
import { readOptions } from './options.ts'

/** The exit status of the process. */
export async function submit(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const options = readOptions(args, env)
  const [manifest, ...parts] = options.operands
  if (manifest === undefined) throw new Error('submit needs a manifest')
  const form = new FormData()
  const type = manifest.endsWith('.json') ? 'application/json' : 'text/plain'
  form.append('manifest', await openAsBlob(manifest, { type }), 'manifest')
  for (const part of parts) {
    const equals = part.indexOf('=')
    if (equals < 1) throw new Error(`not NAME=FILE: ${part}`)
    form.append(part.slice(0, equals), await openAsBlob(part.slice(equals + 1)), 'part')
  }
  const answer = await fetch(`${options.server}/v1/jobs`, {
    method: 'POST',
    body: form,
    headers: { accept: 'application/x-tar' },
  })
  if (answer.status !== 200 || answer.body === null) {
    process.stderr.write(`${await answer.text()}\n`)
    return 125
  }
  const report = await takeParts(Readable.fromWeb(answer.body))
  if (options.json) process.stderr.write(`${JSON.stringify(report)}\n`)
  if (report.outcome !== 'exited') {
    process.stderr.write(`zvm: ${report.outcome}: ${report.reason ?? ''}\n`)
    return 126
  }
  return (report.exitCode ?? 0) & 0xff
}

const reportSchema = z.looseObject({
  outcome: z.enum(outcomes),
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
})
type ShortReport = z.infer<typeof reportSchema>

async function takeParts(body: Readable): Promise<ShortReport> {
  const archive = extract()
  const fed = pipeline(body, archive)
  let report: ShortReport | undefined
  for await (const entry of archive) {
    const { name } = entry.header
    const bytes = Readable.from(entry as AsyncIterable<Buffer>, { objectMode: false })
    if (name === 'report.json') {
      report = reportSchema.parse(JSON.parse(Buffer.concat(await bytes.toArray()).toString()))
    } else if (name === 'stdout' || name === 'stderr') {
      for await (const chunk of bytes) process[name].write(chunk)
    } else if (partNamePattern.test(name)) {
      await pipeline(bytes, createWriteStream(name))
    } else throw new Error('the server named a part that no file may be called')
  }
  await fed
  if (report === undefined) throw new Error('the answer has no report')
  return report
}
