// What `zvm` can be asked about a service: stored programs, objects, jobs. Like commands.ts: only
// names, options and help.
import type { Command } from 'commander'
import {
  cancelJob,
  fetchOutputs,
  followJob,
  type JobOptions,
  listJobs,
  type OutputsOptions,
  showJob,
} from './jobs.ts'
import { getObject, listObjects, putObject, removeObject } from './objects.ts'
import { json, withOutputs, withServer } from './options.ts'
import { getProgram, putProgram, type ServerOptions } from './programs.ts'

export function addServiceCommands(program: Command, onStatus: (status: number) => void): void {
  addPrograms(program)
  addObjects(program)
  addJobs(program, onStatus)
}

function addPrograms(program: Command): void {
  const programs = program.command('programs').description('programs that a service has stored')
  withServer(programs.command('put'))
    .description('validate and store; prints the digest, by which manifests name it')
    .argument('<nexe>')
    .addOption(json())
    .action((path: string, flags: ServerOptions) => putProgram(path, flags))
  withServer(programs.command('get'))
    .description('what is known of a stored program')
    .argument('<digest>')
    .addOption(json())
    .action((digest: string, flags: ServerOptions) => getProgram(digest, flags))
}

function addObjects(program: Command): void {
  const objects = program.command('objects').description("a service's own store: BUCKET/KEY")
  withServer(objects.command('put'))
    .description('store a file; prints the digest of its bytes')
    .argument('<bucket/key>')
    .argument('<file>')
    .option('--type <media-type>', 'its media type', 'application/octet-stream')
    .addOption(json())
    .action((name: string, file: string, flags: ServerOptions & { type: string }) =>
      putObject(name, file, flags),
    )
  withServer(objects.command('get'))
    .description('fetch one to standard output')
    .argument('<bucket/key>')
    .option('-o, --output <file>', 'or to a file')
    .addOption(json())
    .action((name: string, flags: ServerOptions & { output?: string }) => getObject(name, flags))
  withServer(objects.command('list'))
    .description('keys, sizes and digests of a bucket')
    .argument('<bucket>')
    .option('--prefix <text>', 'only keys that begin so')
    .addOption(json())
    .action((bucket: string, flags: ServerOptions & { prefix?: string }) =>
      listObjects(bucket, flags),
    )
  withServer(objects.command('delete'))
    .description('remove one')
    .argument('<bucket/key>')
    .addOption(json())
    .action((name: string, flags: ServerOptions) => removeObject(name, flags))
}

function addJobs(program: Command, onStatus: (status: number) => void): void {
  const jobs = program.command('jobs').description('jobs that were left with a service')
  withServer(jobs.command('list'))
    .description('all that the service still knows, latest first')
    .option('--state <state>', 'only those: queued, running, done, failed, cancelled, interrupted')
    .addOption(json())
    .action((flags: JobOptions & { state?: string }) => listJobs(flags))
  withServer(jobs.command('show'))
    .description('state, outputs and report of one')
    .argument('<id>')
    .addOption(json())
    .option(
      '--picture',
      'its nodes with their times, bytes and outcomes, and what went between them',
    )
    .action((id: string, flags: JobOptions & { picture?: boolean }) => showJob(id, flags))
  withServer(withOutputs(jobs.command('outputs')))
    .description('fetch what an ended job wrote; exit status as of submit')
    .usage('[options] ID')
    .argument('<id>')
    .action(async (id: string, flags: OutputsOptions) => onStatus(await fetchOutputs(id, flags)))
  withServer(jobs.command('cancel'))
    .description('stop one; one that has ended is forgotten')
    .argument('<id>')
    .addOption(json())
    .action((id: string, flags: JobOptions) => cancelJob(id, flags))
  withServer(program.command('logs'))
    .description('events of a job as they happen, until it ends')
    .argument('<id>')
    .addOption(json())
    .action((id: string, flags: JobOptions) => followJob(id, flags))
}
