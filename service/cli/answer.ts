// The answer of a job as it streams in: each part to its sink while the guest still runs, the
// report last. A part waits until the one before it is written (back-pressure to the service).
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { Dicer } from '@fastify/busboy'
import { CliError, statusRefused } from './exit-status.ts'
import { type CliReport, parseReport } from './report-view.ts'
import { type Sinks, writeTo } from './sinks.ts'

const reportBytesMax = 16 * 1024 * 1024
const namePattern = /;\s*name="([^"]*)"/

/** Throws CliError when the answer breaks off or is not a job's. */
export async function readAnswer(answer: Response, sinks: Sinks): Promise<CliReport> {
  const boundary = /boundary="?([^";]+)"?/.exec(answer.headers.get('content-type') ?? '')?.[1]
  if (boundary === undefined || answer.body === null) throw invalid('it is not multipart/mixed')
  const dicer = new Dicer({ boundary })
  let report: CliReport | undefined
  let written: Promise<void> = Promise.resolve()
  dicer.on('part', (part) => {
    // Names are in the header; bytes wait in the part until someone reads them.
    const name = new Promise<string>((resolve) => {
      part.on('header', (header) => resolve(nameOf(header)))
    })
    written = written.then(async () => {
      const partName = await name
      if (partName === 'report') report = parseReport(JSON.parse(await readText(part)))
      else await writeTo(sinks.sinkOf(partName), part)
    })
    written.catch((error) => dicer.destroy(error))
  })
  const body = Readable.fromWeb(answer.body)
  try {
    body.pipe(dicer)
    await Promise.race([
      once(dicer, 'finish'),
      once(body, 'error').then(([e]) => Promise.reject(e)),
    ])
    await written
  } catch (error) {
    body.destroy()
    if (error instanceof CliError) throw error
    throw invalid(error instanceof Error ? error.message : 'it broke off')
  }
  if (report === undefined) throw invalid('it has no report')
  return report
}

function nameOf(header: object): string {
  const [disposition] =
    (header as Record<string, string[] | undefined>)['content-disposition'] ?? []
  return namePattern.exec(disposition ?? '')?.[1] ?? ''
}

async function readText(part: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of part as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > reportBytesMax) throw invalid('its report is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function invalid(why: string): CliError {
  return new CliError(
    statusRefused,
    'answer-invalid',
    `the service's answer cannot be read: ${why}`,
  )
}
