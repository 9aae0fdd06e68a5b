// Options that several commands of `zvm` share, and how their values are read.
import { type Command, InvalidArgumentError, Option } from 'commander'

export function withOutputs(command: Command): Command {
  return command
    .option('-o, --output <name=file>', 'where an output goes ("-": standard output)', collect, [])
    .option('--output-dir <folder>', 'where outputs go that have no place of their own', '.')
    .option('--report <file>', 'write the report there')
    .option('--summary', 'print the cost and the channels to standard error')
    .addOption(json())
}

export function withServer(command: Command): Command {
  return command.addOption(
    new Option('-s, --server <url>', 'the service')
      .env('ZVM_SERVER')
      .default('http://127.0.0.1:8080'),
  )
}

export function json(): Option {
  return new Option('--json', 'machine-readable: reports and errors as one line of JSON')
}

export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

export function collectMore(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

export function count(text: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number is wanted.')
}
