// The pipes between the nodes of a graph. A session gets its ends once; we keep a second read end
// until the reader has ended, and then read away what its writer still has to say: a node that has
// heard enough must not make its writer fail, and how far a writer got must not depend on time.
import { Socket } from 'node:net'
import type { Link, LinkUrl } from '../job/links.ts'
import type { FdHandle, Native } from '../native.ts'

const pipeBytesMin = 65_536
const pipeBytesMax = 1_048_576

type Pipe = { readonly read: FdHandle; readonly write: FdHandle }

export class LinkPipes {
  readonly #links: readonly Link[]
  readonly #pipes: Pipe[] = []
  readonly #drains = new Set<Socket>()

  /** `bytesMax`: buffers of all of them together. Throws a NativeError; then none is left. */
  constructor(native: Native, links: readonly Link[], bytesMax: number) {
    this.#links = links
    const fair = bytesMax / Math.max(links.length, 1)
    const sizeBytes = Math.min(Math.max(fair, pipeBytesMin), pipeBytesMax)
    try {
      for (const _link of links) this.#pipes.push(native.makePipe({ sizeBytes }))
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** For the session at this end, which closes it. */
  open({ link }: LinkUrl, end: 'read' | 'write'): FdHandle {
    const pipe = this.#pipes[link]
    if (pipe === undefined) throw new Error(`there is no link ${link}`)
    return pipe[end].duplicate()
  }

  /** Every session has its ends: from now on a pipe ends when its writer does. */
  allStarted(): void {
    for (const { write } of this.#pipes) write.close()
  }

  /** The node has ended: nobody reads its inputs any more. */
  nodeEnded(node: number): void {
    for (const [at, { to }] of this.#links.entries()) {
      const read = to === node ? this.#pipes[at]?.read : undefined
      if (read === undefined || read.closed) continue
      const drain = new Socket({ fd: read.release(), readable: true, writable: false })
      this.#drains.add(drain)
      drain.on('error', () => drain.destroy())
      drain.on('close', () => this.#drains.delete(drain))
      drain.resume()
    }
  }

  /** Idempotent. Writers that are left find a broken pipe. */
  close(): void {
    for (const { read, write } of this.#pipes) {
      read.close()
      write.close()
    }
    for (const drain of this.#drains) drain.destroy()
  }
}
