// `zvm validate`: verdicts of zvm-validate on this machine, for one file after the other.
import { execFile } from 'node:child_process'
import { z } from 'zod'
import { CliError, statusRefused } from './exit-status.ts'
import { runTool, toolPath } from './native-tool.ts'

export type ValidateOptions = {
  readonly json?: boolean | undefined
  readonly profile?: string | undefined
}

const verdictBytesMax = 64 * 1024 * 1024
const verdictSchema = z.object({
  valid: z.boolean(),
  profile: z.string(),
  violation_count: z.number(),
  violations: z.array(z.looseObject({ offset: z.number(), rule: z.string(), reason: z.string() })),
})

/** The worst status: 0 valid, 1 refused, 2 unusable. Throws CliError. */
export async function validate(
  files: readonly string[],
  { json, profile }: ValidateOptions,
): Promise<number> {
  const switches = profile === undefined ? [] : [`--profile=${profile}`]
  let worst = 0
  for (const file of files) {
    const args = [...switches, file]
    const status =
      json === true ? await tellAsJson(file, args) : await runTool('zvm-validate', args)
    worst = Math.max(worst, status)
  }
  return worst
}

/** One line: the verdict, or why there is none. */
async function tellAsJson(file: string, args: readonly string[]): Promise<number> {
  const { status, stdout, stderr } = await runQuietly(['--json', ...args])
  const about =
    status === 2
      ? { valid: false, error: stderr.trim().replace(/^zvm-validate: /, '') }
      : readVerdict(stdout)
  process.stdout.write(`${JSON.stringify({ file, ...about })}\n`)
  return status
}

function readVerdict(text: string) {
  const { violation_count: violationCount, ...verdict } = verdictSchema.parse(JSON.parse(text))
  return { ...verdict, violationCount }
}

function runQuietly(
  args: readonly string[],
): Promise<{ status: number; stdout: string; stderr: string }> {
  const tool = toolPath('zvm-validate')
  return new Promise((resolve, reject) => {
    execFile(tool, [...args], { maxBuffer: verdictBytesMax }, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code
      if (typeof status === 'number') resolve({ status, stdout, stderr })
      else reject(new CliError(statusRefused, 'not-started', `${tool} gave no verdict`))
    })
  })
}
