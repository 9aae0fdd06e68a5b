// `zvm validate`: judges a program by storing it (PUT /v1/programs). Status 0 accepted, 1 refused.
import { openAsBlob } from 'node:fs'
import { readOptions } from './options.ts'

export async function validate(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const options = readOptions(args, env)
  const [nexe] = options.operands
  if (nexe === undefined) throw new Error('validate needs a program')
  const answer = await fetch(`${options.server}/v1/programs`, {
    method: 'PUT',
    body: await openAsBlob(nexe),
    headers: { 'content-type': 'application/octet-stream' },
  })
  process.stdout.write(`${await answer.text()}\n`)
  if (answer.status === 201) return 0
  return answer.status === 422 ? 1 : 125
}
