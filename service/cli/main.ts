// The `zvm` command: parses, runs one subcommand, turns its failure into an exit status. What
// the commands are is said in commands.ts; the statuses in exit-status.ts.
import { CommanderError } from 'commander'
import { ManifestError, PlanError } from '../job/errors.ts'
import { makeProgram } from './commands.ts'
import { CliError, statusRefused, statusUsage } from './exit-status.ts'

const wantsJson = process.argv.slice(2).includes('--json')
// Whoever reads us may stop early (`zvm … | head`): that is no failure of ours to speak of.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(statusRefused)
})
try {
  await makeProgram(wantsJson, (status) => {
    process.exitCode = status
  }).parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are asked for, everything else is wrong usage; it has been printed.
    process.exitCode = error.exitCode === 0 ? 0 : statusUsage
  } else {
    const { status, code, detail, more } = describe(error)
    const line = wantsJson
      ? JSON.stringify({ code, detail, ...more })
      : [`zvm: ${titleOf(more)}${detail}`, ...placesOf(more)].join('\n     ')
    // A service that could not start has handlers of its own that would end with 0.
    process.stderr.write(`${line}\n`, () => process.exit(status))
  }
}

type Failure = {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly more: Readonly<Record<string, unknown>>
}

function describe(error: unknown): Failure {
  if (error instanceof CliError) {
    return { status: error.status, code: error.code, detail: error.message, more: error.more }
  }
  if (error instanceof ManifestError || error instanceof PlanError) {
    const [first, ...others] = error.issues
    const { code, detail, ...place } = first ?? { code: 'refused', detail: error.message }
    const more = others.length === 0 ? place : { ...place, errors: error.issues }
    return { status: statusRefused, code, detail, more }
  }
  const detail = error instanceof Error ? error.message : 'failed'
  return { status: statusRefused, code: 'internal', detail, more: {} }
}

/** What a service calls the problem, since its detail often goes without saying what of. */
function titleOf({ title }: Readonly<Record<string, unknown>>): string {
  return typeof title === 'string' ? `${title}: ` : ''
}

/** Where the mistake is, for people. */
function placesOf(more: Readonly<Record<string, unknown>>): string[] {
  const names = ['pointer', 'line', 'column', 'part', 'limit', 'offset', 'rule', 'reason']
  const place = names.flatMap((name) => (name in more ? [`${name} ${String(more[name])}`] : []))
  return place.length === 0 ? [] : [place.join(', ')]
}
