// What the nodes of a graph write: outputs of the answer, and objects that are staged until all
// nodes have ended well. Bytes come from a session's pipes and files, or with its report.
import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { writesAtRandom } from '../job/channel.ts'
import type { GraphPlan, NodePlan } from '../job/graph-plan.ts'
import type { ObjectUrl } from '../job/node-url.ts'
import type { FdHandle } from '../native.ts'
import type { ObjectInfo, ObjectStore } from '../store/object.ts'
import { Output, type OutputLimits } from './output.ts'
import { outputName, type Session } from './session.ts'

/** What a graph's bytes can end it for. */
export type OutputFault = 'spool' | 'store'

export type GraphOutputsOptions = {
  readonly plan: GraphPlan
  readonly store: ObjectStore
  readonly scratchDir: string
  readonly limits: OutputLimits
  /** Some output changed. */
  readonly onChange: () => void
  readonly onFault: (fault: OutputFault) => void
}

export class GraphOutputs {
  readonly all: readonly Output[]
  readonly #byName: ReadonlyMap<string, Output>
  readonly #options: GraphOutputsOptions
  readonly #staging: ReturnType<ObjectStore['stage']>
  readonly #collected: Promise<void>[] = []

  constructor(options: GraphOutputsOptions) {
    this.#options = options
    const { plan, store, onChange } = options
    this.all = plan.responses.map(({ name, contentType }) => {
      return new Output(name, contentType, onChange)
    })
    this.#byName = new Map(this.all.map((output) => [output.name, output]))
    this.#staging = store.stage()
  }

  tryGet(name: string): Output | undefined {
    return this.#byName.get(name)
  }

  /** Takes what the session writes, from now on. */
  collect(node: NodePlan, session: Session): void {
    for (const channel of node.channels) {
      for (const source of channel.sources) {
        if (source.kind !== 'response' && source.kind !== 'object') continue
        const pipe = session.pipes.get(outputName(source))
        if (pipe === undefined) continue
        this.#collected.push(
          source.kind === 'object'
            ? this.stage(source, channel.contentType, new Socket({ fd: pipe.release() }))
            : this.#collectResponse(source.name, pipe),
        )
      }
    }
  }

  /** Outputs that were written at random are whole when the session has ended. */
  async takeFiles(node: NodePlan, session: Session): Promise<void> {
    for (const channel of node.channels.filter(writesAtRandom)) {
      for (const source of channel.sources) {
        if (source.kind !== 'response' && source.kind !== 'object') continue
        const file = session.files.get(outputName(source))
        if (file === undefined || file.fd < 0) continue
        const { size } = fstatSync(file.fd)
        if (source.kind === 'object') {
          const bytes = Readable.from(file.chunks(0, size), { objectMode: false })
          await this.stage(source, channel.contentType, bytes)
          file.close()
        } else this.tryGet(source.name)?.adopt(file, size)
      }
    }
  }

  /** Never rejects. */
  async stage({ bucket, key }: ObjectUrl, contentType: string, bytes: Readable): Promise<void> {
    try {
      await this.#staging.add({ bucket, key }, bytes, { contentType, metadata: {} })
    } catch {
      bytes.destroy()
      this.#options.onFault('store')
    }
  }

  /** When everything that was to be collected has been. */
  async settled(): Promise<void> {
    await Promise.all(this.#collected)
  }

  /** The objects in the order of the plan; undefined when the store does not take them. */
  tryCommit(): readonly ObjectInfo[] | undefined {
    try {
      const written = new Map(
        this.#staging.commit().map((object) => [`${object.bucket}/${object.key}`, object]),
      )
      return this.#options.plan.objectsWritten.flatMap(({ bucket, key }) => {
        const object = written.get(`${bucket}/${key}`)
        return object === undefined ? [] : [object]
      })
    } catch {
      return undefined
    }
  }

  /** Objects that are not committed are none. Idempotent. */
  discard(): void {
    this.#staging.discard()
  }

  /** Idempotent. */
  close(): void {
    this.discard()
    for (const output of this.all) output.close()
  }

  async #collectResponse(name: string, pipe: FdHandle): Promise<void> {
    const { limits, scratchDir, onFault } = this.#options
    const whole = this.tryGet(name)?.collect(pipe, limits, scratchDir)
    if (!(await whole?.catch(() => false))) onFault('spool')
  }
}
