// Options that all commands share.
import { parseArgs } from 'node:util'

export type Options = {
  readonly server: string
  readonly json: boolean
  readonly operands: readonly string[]
}

/** Throws TypeError (with a code) for options that do not exist. */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { server: { type: 'string' }, json: { type: 'boolean' } },
  })
  const server = values.server ?? env.ZVM_SERVER ?? 'http://127.0.0.1:8080'
  return { server: server.replace(/\/$/, ''), json: values.json ?? false, operands: positionals }
}
