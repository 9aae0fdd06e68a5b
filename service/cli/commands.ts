// What `zvm` can be asked: subcommands, their options and help. No work is done here; each action
// calls the file of its command.
import { Argument, Command, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { memoModes } from '../job/memo-wish.ts'
import { makeCompletion, type Shell, shells } from './completion.ts'
import type { ProgramOptions } from './job-files.ts'
import { runTool } from './native-tool.ts'
import { collectMore, count, json, withOutputs, withServer } from './options.ts'
import { plan } from './plan.ts'
import { type RunOptions, run } from './run.ts'
import { serve } from './serve.ts'
import { addServiceCommands } from './service-commands.ts'
import { type SubmitOptions, submit } from './submit.ts'
import { type ValidateOptions, validate } from './validate.ts'

const statuses = `
Exit status: the guest's own. 125: refused, unreachable or not built; 126: the guest did not exit
by itself; 127: wrong usage.`

const jobHelp = `
JOB is a manifest (JSON or classic text) with NAME=FILE for each part it names ("-" is standard
input), or a program (.nexe) with its arguments; there, @FILE grants the program that one file to
read. After "--" nothing is an option of zvm: zvm run --summary -- program.nexe -l @FILE`

/** `onStatus` gets the exit status of commands that pass one on. */
export function makeProgram(wantsJson: boolean, onStatus: (status: number) => void): Command {
  const program = new Command('zvm')
    .description('Runs untrusted native x86-64 programs in a sandbox, here or at a service.')
    .version(packageJson.version, '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const detail = text.trim().replace(/^error: /, '')
        write(wantsJson ? `${JSON.stringify({ code: 'usage', detail })}\n` : `zvm: ${detail}\n`)
      },
    })
    .addHelpText('after', statuses)
  program
    .command('serve')
    .description('start the HTTP service; ZVM_* variables configure it (docs/service.md)')
    .action(serve)
  addJobCommands(program, onStatus)
  addTools(program, onStatus)
  addServiceCommands(program, onStatus)
  program
    .command('completion')
    .description('print a completion script; its first line says how to use it')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => {
      process.stdout.write(makeCompletion(program, shell))
    })
  return program
}

type JobFlags = ProgramOptions & RunOptions & SubmitOptions

function addJobCommands(program: Command, onStatus: (status: number) => void): void {
  withJobOptions(program.command('run'))
    .description('run a job on this machine, without a service')
    .action(async (operands: string[], flags: JobFlags) => {
      onStatus(await run(operands, { ...flags, program: programOptionsOf(flags) }))
    })
  withServer(withJobOptions(program.command('submit')))
    .description('run a job at a service')
    .addOption(
      new Option(
        '--cache <mode>',
        'of a program without a manifest: whether kept results count',
      ).choices(memoModes),
    )
    .option('--async', 'leave the job with the service and print its id')
    .option('--no-progress', 'no progress bar on a terminal')
    .action(async (operands: string[], flags: JobFlags) => {
      onStatus(await submit(operands, { ...flags, program: programOptionsOf(flags) }))
    })
  program
    .command('plan')
    .description('print what a manifest comes to: channels, limits, parts, outputs')
    .argument('<manifest>')
    .option('--mermaid', 'draw a graph as a Mermaid flowchart')
    .option('--objects <folder>', 'buckets as folders, for wildcards of a graph')
    .addOption(json())
    .action(plan)
}

function addTools(program: Command, onStatus: (status: number) => void): void {
  program
    .command('validate')
    .description('judge programs on this machine; status 0 valid, 1 refused, 2 unusable')
    .argument('<nexe...>')
    .addOption(json())
    .option('--profile <name>', 'rule set: zvm (both) or nacl (classic rules only)')
    .action(async (files: string[], flags: ValidateOptions) => {
      onStatus(await validate(files, flags))
    })
  for (const [name, tool, language] of [
    ['cc', 'zvm-cc', 'C'],
    ['c++', 'zvm-c++', 'C++'],
  ] as const) {
    program
      .command(name)
      .description(`compile ${language} for the sandbox; takes the options of any compiler`)
      .argument('[options...]')
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (options: string[]) => onStatus(await runTool(tool, options)))
  }
}

function withJobOptions(command: Command): Command {
  return withOutputs(command.usage('[options] JOB...').argument('<job...>'))
    .option('--no-stdin', 'a program without a manifest gets an empty standard input')
    .option('--env <name=value>', 'variable of a program without a manifest', collectMore)
    .option('--image <tar>', 'root of its file tree')
    .option('--memory <bytes>', 'its memory', count)
    .option('--timeout <ms>', 'its wall-clock time', count)
    .addHelpText('after', jobHelp + statuses)
}

function programOptionsOf({ env, image, memory, timeout, cache }: JobFlags): ProgramOptions {
  return { env, image, memory, timeout, cache }
}
