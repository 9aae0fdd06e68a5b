// `zvm objects`: the service's embedded store. Bytes are streamed both ways.
import { openAsBlob } from 'node:fs'
import { Readable } from 'node:stream'
import Table from 'cli-table3'
import { z } from 'zod'
import { Client, readJson } from './client.ts'
import { usageError } from './exit-status.ts'
import { fileFailed } from './job-files.ts'
import type { ServerOptions } from './programs.ts'
import { writeTo } from './sinks.ts'

const objectSchema = z.looseObject({ key: z.string(), sizeBytes: z.number(), etag: z.string() })
const listSchema = z.looseObject({ objects: z.array(objectSchema), next: z.string().nullable() })

/** `name`: BUCKET/KEY. Prints the etag, the digest of the bytes. */
export async function putObject(
  name: string,
  file: string,
  options: ServerOptions & { readonly type: string },
): Promise<void> {
  const answer = await new Client(options.server).send('PUT', pathOf(name), {
    body: await openAsBlob(file).catch(fileFailed(file)),
    headers: { 'content-type': options.type },
  })
  const object = await readJson(answer, objectSchema)
  process.stdout.write(`${options.json === true ? JSON.stringify(object) : object.etag}\n`)
}

export async function getObject(
  name: string,
  options: ServerOptions & { readonly output?: string },
): Promise<void> {
  const answer = await new Client(options.server).send('GET', pathOf(name))
  const sink = options.output === undefined ? 1 : { path: options.output }
  if (answer.body !== null) await writeTo(sink, Readable.fromWeb(answer.body))
}

export async function removeObject(name: string, options: ServerOptions): Promise<void> {
  await new Client(options.server).send('DELETE', pathOf(name))
}

/** All pages. */
export async function listObjects(
  bucket: string,
  options: ServerOptions & { readonly prefix?: string },
): Promise<void> {
  const client = new Client(options.server)
  const query = new URLSearchParams(options.prefix === undefined ? {} : { prefix: options.prefix })
  const table = new Table({
    head: ['key', 'bytes', 'etag'],
    colAligns: ['left', 'right', 'left'],
    style: { head: [], border: [] },
  })
  for (let hasMore = true; hasMore; ) {
    const path = `/v1/objects/${encodeURIComponent(bucket)}?${query}`
    const { objects, next } = await client.get(path, listSchema)
    for (const object of objects) {
      if (options.json === true) process.stdout.write(`${JSON.stringify(object)}\n`)
      else table.push([object.key, object.sizeBytes, object.etag])
    }
    hasMore = next !== null
    if (next !== null) query.set('after', next)
  }
  if (options.json !== true) process.stdout.write(`${table.toString()}\n`)
}

function pathOf(name: string): string {
  const [bucket = '', ...key] = name.split('/')
  if (bucket === '' || key.join('') === '') throw usageError(`not BUCKET/KEY: ${name}`)
  return `/v1/objects/${[bucket, ...key].map(encodeURIComponent).join('/')}`
}
