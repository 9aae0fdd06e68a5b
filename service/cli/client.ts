// HTTP calls of the command line: one base address, and every refusal as a CliError that carries
// the problem.
import { z } from 'zod'
import { CliError, statusRefused, usageError } from './exit-status.ts'

const problemSchema = z.looseObject({ code: z.string(), detail: z.string() })
/** A problem or other small answer is never larger. */
const smallBytesMax = 16 * 1024 * 1024

export class Client {
  readonly #base: URL

  /** Throws CliError. */
  constructor(server: string) {
    if (!URL.canParse(server)) throw usageError(`not a URL: ${server}`)
    this.#base = new URL(server.endsWith('/') ? server : `${server}/`)
  }

  /** The answer when its status is below 300. Throws CliError otherwise, or when unreachable. */
  async send(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path.replace(/^\//, ''), this.#base)
    let answer: Response
    try {
      answer = await fetch(url, { ...init, method })
    } catch (error) {
      if (init.signal?.aborted === true) throw error
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const why = cause instanceof Error && cause.message !== '' ? cause.message : 'no connection'
      const detail = `${this.#base.origin}: ${why}; is the service running (zvm serve)?`
      throw new CliError(statusRefused, 'unreachable', detail, {}, { cause: error })
    }
    if (answer.ok) return answer
    throw problemOf(answer.status, await readSmall(answer))
  }

  /** The JSON of an answer, checked. */
  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return readJson(await this.send('GET', path), schema)
  }
}

/** Throws CliError when the answer is not what the contract says. */
export async function readJson<T>(answer: Response, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(tryJson(await readSmall(answer)))
  if (parsed.success) return parsed.data
  throw new CliError(statusRefused, 'answer-invalid', `unexpected answer: ${parsed.error.message}`)
}

async function readSmall(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.length
    if (size > smallBytesMax) throw new CliError(statusRefused, 'answer-invalid', 'too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function problemOf(status: number, text: string): CliError {
  const problem = problemSchema.safeParse(tryJson(text))
  if (!problem.success) {
    return new CliError(statusRefused, 'answer-invalid', `HTTP status ${status} without a problem`)
  }
  const { code, detail, ...more } = problem.data
  return new CliError(statusRefused, code, detail, more)
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
