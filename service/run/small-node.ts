// Nodes whose whole session fits into a frame: inputs of a few bytes, outputs in order. Tells which
// ones do, and packs their start frames, many into one `starts` frame (docs/wire.md §2.8).
import { type ChannelOf, canRead, canWrite, nvramAlias, writesAtRandom } from '../job/channel.ts'
import { type Digest, hexOf } from '../job/digest.ts'
import type { NodePlan } from '../job/graph-plan.ts'
import type { SessionSource } from '../job/plan.ts'
import type { FdHandle } from '../native.ts'
import type { SessionInputs } from './session.ts'
import { encodeStart, frameBytesMax, type Profile } from './wire.ts'
import {
  beginStarts,
  finishStarts,
  renumberStart,
  setInlineSize,
  setWithoutDescriptor,
  startBytes,
  startChannelBytes,
} from './wire-many.ts'

/** Start frame of one small node with its inputs. */
export const smallNodeBytesMax = 32_768

const nothing = Buffer.alloc(0)

/** The bytes of the inputs of nodes, read once for all that share them. */
export class SmallInputs {
  readonly #inputs: SessionInputs
  readonly #shared = new Map<string, Buffer | undefined>()

  constructor(inputs: SessionInputs) {
    this.#inputs = inputs
  }

  /**
   * What each channel reads, in the order of the node's channels; undefined when the node is not
   * small. Throws what opening throws.
   */
  tryRead(node: NodePlan): readonly Buffer[] | undefined {
    const bytes: Buffer[] = []
    let sizeBytes = startBytes
    for (const channel of node.channels) {
      if (!isInOrder(channel)) return undefined
      const own = canRead(channel.limits) ? this.#tryInput(node, channel) : nothing
      if (own === undefined) return undefined
      sizeBytes += startChannelBytes + Buffer.byteLength(channel.alias) + own.length
      bytes.push(own)
    }
    return sizeBytes > smallNodeBytesMax ? undefined : bytes
  }

  #tryInput(node: NodePlan, { alias, sources }: ChannelOf<SessionSource>): Buffer | undefined {
    const [source] = sources
    switch (source?.kind) {
      case 'null':
        return alias === nvramAlias && node.nvram !== undefined ? Buffer.from(node.nvram) : nothing
      case 'part':
        return this.#tryShared(`part:${source.name}`, () => this.#inputs.openPart(source.name))
      case 'sha256':
        return this.#tryShared(source.digest, () => this.#inputs.openBlob(source.digest))
      case 'object':
        return tryBytes(this.#inputs.openObject(source))
      default:
        return undefined
    }
  }

  #tryShared(name: string, open: () => FdHandle): Buffer | undefined {
    if (!this.#shared.has(name)) this.#shared.set(name, tryBytes(open()))
    return this.#shared.get(name)
  }
}

function isInOrder(channel: ChannelOf<SessionSource>): boolean {
  const [source] = channel.sources
  return channel.sources.length === 1 && source?.kind !== 'link' && !writesAtRandom(channel)
}

function tryBytes(handle: FdHandle): Buffer | undefined {
  try {
    const { sizeBytes, kind } = handle.stat()
    if (kind !== 'file' || sizeBytes > smallNodeBytesMax) return undefined
    return handle.read(0, sizeBytes)
  } finally {
    handle.close()
  }
}

/** Packs nodes of one program into `starts` frames. */
export class StartsPacker {
  readonly #program: Digest
  readonly #profile: Profile
  readonly #templates = new Map<string, Buffer>()
  #frame = nothing
  #sizeBytes = 0
  #isMapped = true

  constructor(program: Digest, profile: Profile) {
    this.#program = program
    this.#profile = profile
  }

  /** `isMapped`: else the frame's only descriptor is the image, for its first node. */
  begin(isMapped: boolean): void {
    this.#frame = Buffer.allocUnsafe(frameBytesMax)
    this.#sizeBytes = beginStarts
    this.#isMapped = isMapped
  }

  /** False when there is no room left in the frame; an empty one has room for any small node. */
  tryAdd(sessionId: number, node: NodePlan, inputs: readonly Buffer[]): boolean {
    const template = this.#templateOf(node)
    let sizeBytes = template.length
    for (const bytes of inputs) sizeBytes += bytes.length
    if (sizeBytes > frameBytesMax - this.#sizeBytes) return false
    const start = this.#sizeBytes
    const frame = this.#frame
    template.copy(frame, start)
    const isFirst = start === beginStarts
    renumberStart(frame, start, sizeBytes, sessionId, isFirst && !this.#isMapped)
    let at = start + template.length
    for (const [index, bytes] of inputs.entries()) {
      if (bytes.length === 0) continue
      setInlineSize(frame, start, index, bytes.length)
      at += bytes.copy(frame, at)
    }
    this.#sizeBytes = at
    return true
  }

  /** The frame, which the caller must not change. */
  finish(): Buffer {
    const frame = this.#frame.subarray(0, this.#sizeBytes)
    finishStarts(frame, this.#isMapped ? 0 : 1)
    return frame
  }

  /** Nodes of a group differ in their names and inputs only. */
  #templateOf(node: NodePlan): Buffer {
    let template = this.#templates.get(node.group)
    if (template === undefined) {
      template = encodeStart(0, {
        memoryBytes: node.memoryBytes,
        wallMs: node.timeoutMs,
        cpuMs: 0,
        profile: this.#profile,
        memoryEtag: node.memoryEtag,
        mappedSha256Hex: hexOf(this.#program),
        channels: node.channels.map(({ alias, type, etag, limits }) => {
          return { alias, type, etag, limits, sourceCount: 0 }
        }),
      })
      for (const [index, { limits, sources }] of node.channels.entries()) {
        const isDropped = canWrite(limits) && sources[0]?.kind === 'null'
        setWithoutDescriptor(template, index, isDropped ? 'discard' : 'inline')
      }
      this.#templates.set(node.group, template)
    }
    return template
  }
}
