// Listens to what a job writes, within a bound, and tells at its end whether it heard all of it.
// Never makes a guest or a client wait; what does not fit is forgotten.
import { close, openSync, read } from 'node:fs'
import { promisify } from 'node:util'
import type { GraphPlan } from '../job/graph-plan.ts'
import { type Plan, responsesOf } from '../job/plan.ts'
import type { Report } from '../job/report.ts'
import type { JobRun } from '../run/job-run.ts'
import type { Output } from '../run/output.ts'

/** The bytes of every response, in the order of the plan. */
export type Recorded = readonly (readonly Buffer[])[]

const readAsync = promisify(read)

/** A response, and where its bytes are counted: undefined node = the job's only one. */
type Written = {
  readonly node: string | undefined
  readonly alias: string
  readonly isFile: boolean
}

/** Memory of a chunk besides its bytes: a guest may write one byte at a time. */
const chunkCostBytes = 256

type Track = { chunks: Buffer[]; sizeBytes: number; fd: number | undefined }

export class Recorder {
  #roomBytes: number
  #isWhole = true
  readonly #written: readonly Written[]
  readonly #tracks: readonly Track[]

  /** To be made before the job's outputs have any bytes. */
  constructor(plan: Plan | GraphPlan, run: JobRun, bytesMax: number) {
    this.#roomBytes = bytesMax
    this.#written = writtenOf(plan)
    this.#tracks = run.outputs.map((output) => this.#listen(output))
  }

  /**
   * Undefined when something was missed: too much was written, or the client had gone before it had
   * all. `report` is that of a job whose outputs have all ended.
   */
  async finish(report: Report): Promise<Recorded | undefined> {
    try {
      for (const track of this.#tracks) await readFile(track)
    } catch {
      this.#isWhole = false
    } finally {
      for (const { fd } of this.#tracks) if (fd !== undefined) close(fd)
    }
    const isComplete = this.#written.every((written, at) => {
      const sizeBytes = this.#tracks[at]?.sizeBytes
      return written.isFile || sizeBytes === writtenBytes(report, written)
    })
    if (!this.#isWhole || !isComplete) return undefined
    return this.#tracks.map(({ chunks }) => chunks)
  }

  #listen(output: Output): Track {
    const track: Track = { chunks: [], sizeBytes: 0, fd: undefined }
    if (output.sizeBytes > 0 || output.ended) this.#isWhole = false
    output.tap = {
      onChunk: (chunk) => {
        track.sizeBytes += chunk.length
        if (this.#hasRoom(chunk.length + chunkCostBytes)) track.chunks.push(chunk)
      },
      onFile: (fd, sizeBytes) => {
        track.sizeBytes = sizeBytes
        // A descriptor of its own: the output's is closed when the client has gone.
        if (this.#hasRoom(sizeBytes)) track.fd = openSync(`/proc/self/fd/${fd}`, 'r')
      },
    }
    return track
  }

  #hasRoom(sizeBytes: number): boolean {
    this.#isWhole &&= sizeBytes <= this.#roomBytes
    if (this.#isWhole) this.#roomBytes -= sizeBytes
    else for (const track of this.#tracks) track.chunks = []
    return this.#isWhole
  }
}

async function readFile(track: Track): Promise<void> {
  if (track.fd === undefined) return
  const bytes = Buffer.allocUnsafe(track.sizeBytes)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await readAsync(track.fd, bytes, done, bytes.length - done, done)
    if (bytesRead === 0) throw new Error('the file is shorter than its size')
    done += bytesRead
  }
  track.chunks = [bytes]
}

/** In the order of the plan's responses. */
function writtenOf(plan: Plan | GraphPlan): Written[] {
  const nodes = 'nodes' in plan ? plan.nodes : [{ name: undefined, channels: plan.channels }]
  return nodes.flatMap(({ name: node, channels }) =>
    channels.flatMap((channel) =>
      responsesOf(channel).map(({ isFile }) => ({ node, alias: channel.alias, isFile })),
    ),
  )
}

/** What the session says that the guest has written. */
function writtenBytes(report: Report, { node, alias }: Written): number | undefined {
  const of = node === undefined ? report : report.nodes?.find((each) => each.node === node)
  return of?.channels.find((channel) => channel.alias === alias)?.writeBytes
}
