// The parts of a request beyond its uploads: a graph that starts its nodes one after the other
// still needs them when the request has been read and closed.
import type { PartNames } from '../job/plan.ts'
import { type FdHandle, type Native, reopen } from '../native.ts'
import type { SessionInputs } from './session.ts'

export class HeldParts {
  readonly #native: Native
  readonly #parts = new Map<string, FdHandle>()

  /** Throws what opening throws; then none is left open. */
  constructor(
    native: Native,
    { programParts, inputParts }: PartNames,
    openPart: SessionInputs['openPart'],
  ) {
    this.#native = native
    try {
      for (const name of [...programParts, ...inputParts]) {
        if (!this.#parts.has(name)) this.#parts.set(name, openPart(name))
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** From its start, with an offset of its own. */
  open(name: string): FdHandle {
    const part = this.#parts.get(name)
    if (part === undefined) throw new Error(`there is no part ${name}`)
    return reopen(this.#native, part.fd)
  }

  /** Idempotent. */
  close(): void {
    for (const part of this.#parts.values()) part.close()
  }
}
