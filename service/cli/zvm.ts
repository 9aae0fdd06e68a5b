#!/usr/bin/env node
// The `zvm` command. Thin: chooses the command, turns its failure into an exit status. That of
// `submit` is the guest's own; 125: refused or unreachable, 126: the guest did not exit by itself,
// 127: usage.
import { submit } from './submit.ts'
import { validate } from './validate.ts'

const usage = `usage: zvm serve
       zvm submit MANIFEST [NAME=FILE...] [--server URL] [--json]
       zvm validate NEXE [--server URL] [--json]
Environment: ZVM_SERVER (http://127.0.0.1:8080), and ZVM_* for serve: see GET /v1/limits
`

const [command, ...rest] = process.argv.slice(2)
try {
  switch (command) {
    case 'serve':
      await import('../main.ts')
      break
    case 'submit':
      process.exitCode = await submit(rest, process.env)
      break
    case 'validate':
      process.exitCode = await validate(rest, process.env)
      break
    default:
      process.stderr.write(usage)
      process.exitCode = 127
  }
} catch (error) {
  process.stderr.write(`zvm: ${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = error instanceof TypeError && 'code' in error ? 127 : 125
}
