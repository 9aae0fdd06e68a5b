// `zvm submit`: a job for a service. Files go up as multipart, outputs come back as the guest
// writes; with `--async` the service is left with it and the job's id is printed.
import { z } from 'zod'
import { readAnswer } from './answer.ts'
import { Client, readJson } from './client.ts'
import { type ProgramOptions, readJobFiles } from './job-files.ts'
import { type ReportOptions, showReport } from './report-view.ts'
import { makeSinks } from './sinks.ts'
import { makeProgress, makeUpload } from './upload.ts'

export type SubmitOptions = ReportOptions & {
  readonly server: string
  readonly program: ProgramOptions
  readonly stdin: boolean
  readonly output: readonly string[]
  readonly outputDir: string
  readonly progress: boolean
  readonly async?: boolean | undefined
}

const acceptedSchema = z.looseObject({ id: z.string() })

/** The exit status of the command. Throws CliError. */
export async function submit(operands: readonly string[], options: SubmitOptions): Promise<number> {
  const client = new Client(options.server)
  const sinks = makeSinks(options.output, options.outputDir)
  const files = await readJobFiles(operands, options.program, options)
  const progress = makeProgress(options.progress)
  const { headers, body } = await makeUpload(files, progress.onBytes)
  const prefer = options.async === true ? { prefer: 'respond-async' } : {}
  try {
    const answer = await client.send('POST', '/v1/jobs', {
      headers: { ...headers, ...prefer, accept: 'multipart/mixed' },
      body,
      duplex: 'half',
    })
    progress.stop()
    if (options.async !== true) return await showReport(await readAnswer(answer, sinks), options)
    const job = await readJson(answer, acceptedSchema)
    process.stdout.write(options.json === true ? `${JSON.stringify(job)}\n` : `${job.id}\n`)
    return 0
  } finally {
    progress.stop()
  }
}
