// How the end of a job is told: nothing for a guest that exited, one line for one that did not,
// a table or JSON on request. Always on standard error: standard output belongs to the guest.
import { writeFile } from 'node:fs/promises'
import Table from 'cli-table3'
import { z } from 'zod'
import type { PicturedReport } from '../job/job-picture.ts'
import { outcomes } from '../job/report.ts'
import { CliError, statusOf, statusStopped } from './exit-status.ts'

const count = z.number()
/** What this command reads of a report; the rest is passed on. */
const reportSchema = z.looseObject({
  outcome: z.enum(outcomes),
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
  wallMs: count,
  cpuMs: count,
  peakMemoryBytes: count,
  cache: z.string().optional(),
  channels: z.array(
    z.looseObject({
      alias: z.string(),
      reads: count,
      readBytes: count,
      writes: count,
      writeBytes: count,
    }),
  ),
})
const picturedSchema = reportSchema.extend({
  failedNode: z.string().nullish(),
  nodes: z.array(reportSchema.extend({ node: z.string() })).optional(),
  groups: z
    .array(
      z.looseObject({
        group: z.string(),
        nodes: count,
        succeeded: count,
        wallMs: count,
        cpuMs: count,
      }),
    )
    .optional(),
  links: z
    .array(
      z.looseObject({
        from: z.string(),
        to: z.string(),
        links: count,
        writtenBytes: count,
        readBytes: count,
      }),
    )
    .optional(),
})
export type CliReport = z.infer<typeof reportSchema>

/** Throws CliError when it is no report, or one whose nodes or links cannot be drawn. */
export function parsePicturedReport(value: unknown): PicturedReport {
  const parsed = picturedSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CliError(statusStopped, 'answer-invalid', 'the report cannot be drawn')
}

export type ReportOptions = {
  readonly json?: boolean | undefined
  readonly summary?: boolean | undefined
  readonly report?: string | undefined
}

/** Throws CliError when it is no report. */
export function parseReport(value: unknown): CliReport {
  const parsed = reportSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CliError(statusStopped, 'answer-invalid', 'the answer has no report')
}

/** Tells it as the options ask; the exit status of the command. */
export async function showReport(report: CliReport, options: ReportOptions): Promise<number> {
  if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report)}\n`)
  if (options.json === true) process.stderr.write(`${JSON.stringify(report)}\n`)
  if (options.summary === true) process.stderr.write(`${summaryOf(report)}\n`)
  if (report.outcome === 'exited') return statusOf(report.exitCode ?? 0)
  if (options.json !== true) {
    process.stderr.write(
      `zvm: the program was ${wordOf(report)}: ${report.reason ?? 'no reason'}\n`,
    )
  }
  return statusStopped
}

function wordOf(report: CliReport): string {
  return report.outcome === 'failed' ? 'lost' : report.outcome
}

function summaryOf(report: CliReport): string {
  const cache = report.cache === undefined ? '' : ` (cache: ${report.cache})`
  const head = [report.outcome, `${report.exitCode ?? report.reason ?? ''}${cache}`]
  const cost = `wall ${report.wallMs} ms, CPU ${report.cpuMs} ms`
  const table = new Table({
    head: ['channel', 'reads', 'bytes read', 'writes', 'bytes written'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { alias, reads, readBytes, writes, writeBytes } of report.channels) {
    table.push([alias, reads, readBytes, writes, writeBytes])
  }
  return `${head.join(' ')}: ${cost}, memory ${report.peakMemoryBytes} bytes\n${table.toString()}`
}
