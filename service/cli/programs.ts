// `zvm programs`: the programs that a service has stored.
import { openAsBlob } from 'node:fs'
import { z } from 'zod'
import { Client, readJson } from './client.ts'
import { fileFailed } from './job-files.ts'

export type ServerOptions = { readonly server: string; readonly json?: boolean | undefined }

const programSchema = z.looseObject({
  program: z.string(),
  sizeBytes: z.number(),
  validator: z.string(),
  profile: z.string().nullable(),
  storedAt: z.string(),
})
type Program = z.infer<typeof programSchema>

/** Prints the digest, by which manifests name it. */
export async function putProgram(path: string, options: ServerOptions): Promise<void> {
  const answer = await new Client(options.server).send('PUT', '/v1/programs', {
    body: await openAsBlob(path).catch(fileFailed(path)),
    headers: { 'content-type': 'application/octet-stream' },
  })
  const program = await readJson(answer, programSchema)
  print(program, options, (stored) => stored.program)
}

export async function getProgram(digest: string, options: ServerOptions): Promise<void> {
  const path = `/v1/programs/${encodeURIComponent(digest)}`
  const program = await new Client(options.server).get(path, programSchema)
  print(program, options, ({ program: name, sizeBytes, validator, profile, storedAt }) =>
    [name, `${sizeBytes} bytes`, `validator ${validator}`, profile ?? '-', storedAt].join('  '),
  )
}

function print(program: Program, { json }: ServerOptions, format: (it: Program) => string): void {
  process.stdout.write(`${json === true ? JSON.stringify(program) : format(program)}\n`)
}
