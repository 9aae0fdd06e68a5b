// A job as a multipart body: streamed from its files, never read whole, in the order of the
// contract. The progress bar shows on a terminal only.
import { openAsBlob } from 'node:fs'
import { Readable } from 'node:stream'
import { Presets, SingleBar } from 'cli-progress'
import { type FileLike, FormDataEncoder, type FormDataLike } from 'form-data-encoder'
import { fileFailed, type JobFiles, type PartFile } from './job-files.ts'

export type Upload = {
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReadableStream<Uint8Array>
}

/** `onBytes` is told of every piece that leaves. Throws CliError for a file that is not there. */
export async function makeUpload(
  files: JobFiles,
  onBytes: (sizeBytes: number, totalBytes: number | undefined) => void,
): Promise<Upload> {
  const entries: [string, FileLike][] = []
  const type = files.form === 'json' ? 'application/json' : 'text/plain'
  entries.push(['manifest', asFile(new Blob([files.manifest], { type }), 'manifest')])
  for (const [name, file] of files.parts) entries.push([name, await openPart(name, file)])
  const form: FormDataLike = {
    append: () => {},
    getAll: (name) => entries.filter(([key]) => key === name).map(([, value]) => value),
    entries: () => entries[Symbol.iterator](),
    [Symbol.iterator]: () => entries[Symbol.iterator](),
    [Symbol.toStringTag]: 'FormData',
  }
  // Parts tell their length, so that the service need not search for their end.
  const encoder = new FormDataEncoder(form, { enableAdditionalHeaders: true })
  const total = encoder.contentLength === undefined ? undefined : Number(encoder.contentLength)
  async function* counted() {
    for await (const chunk of encoder) {
      yield chunk
      onBytes(chunk.length, total)
    }
  }
  const headers = { 'content-type': encoder.contentType }
  return { headers, body: Readable.toWeb(Readable.from(counted(), { objectMode: false })) }
}

async function openPart(name: string, file: PartFile): Promise<FileLike> {
  const type = 'application/octet-stream'
  if (file === 'stdin') {
    // Of unknown length, so the whole body is.
    return { ...common, name, type, size: Number.NaN, stream: () => process.stdin }
  }
  return asFile(await openAsBlob(file.path, { type }).catch(fileFailed(file.path)), name)
}

function asFile(blob: Blob, name: string): FileLike {
  const { type, size } = blob
  return { ...common, name, type, size, stream: () => blob.stream() }
}

const common = { lastModified: 0, [Symbol.toStringTag]: 'File' }

export type Progress = {
  onBytes(sizeBytes: number, totalBytes: number | undefined): void
  stop(): void
}

/** A bar on standard error when it is a terminal, else nothing. */
export function makeProgress(isWanted: boolean): Progress {
  if (!isWanted || !process.stderr.isTTY) return { onBytes: () => {}, stop: () => {} }
  const format = 'upload {bar} {percentage}% | {value}/{total} bytes | {eta_formatted} left'
  const options = {
    format,
    etaBuffer: 200,
    clearOnComplete: true,
    hideCursor: true,
    stream: process.stderr,
  }
  const bar = new SingleBar(options, Presets.shades_classic)
  let isStarted = false
  let sent = 0
  return {
    onBytes: (sizeBytes, totalBytes) => {
      if (totalBytes === undefined) return
      if (!isStarted) bar.start(totalBytes, 0)
      isStarted = true
      sent += sizeBytes
      bar.update(sent)
      if (sent >= totalBytes) bar.stop()
    },
    stop: () => {
      if (isStarted) bar.stop()
    },
  }
}
