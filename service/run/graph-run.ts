// One graph from its room to its report: starts all sessions or none, joins them, ends all of them
// when one fails, and commits the objects that they have written when none has. Frees everything
// exactly once; whoever has the run must call `close`.
import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { Limits } from '../config.ts'
import { writesAtRandom } from '../job/channel.ts'
import type { GraphPlan, NodePlan } from '../job/graph-plan.ts'
import { linkReports } from '../job/link-report.ts'
import type { ObjectUrl } from '../job/node-url.ts'
import { makeGraphReport, type NodeReport } from '../job/report.ts'
import type { ObjectInfo, ObjectStore, Staging } from '../store/object.ts'
import { Changes } from './changes.ts'
import { type EndCause, type JobEnd, type JobRun, reportOfEnd } from './job-run.ts'
import { LinkPipes } from './links.ts'
import { Output } from './output.ts'
import { outputName, type Session, type SessionInputs } from './session.ts'
import type { ProgramSource, Sessions } from './sessions.ts'

export type GraphStart = {
  readonly plan: GraphPlan
  readonly programOf: (url: NodePlan['program']) => ProgramSource
  readonly inputs: SessionInputs
  readonly tenant: string
}

/** Rejects as Sessions.startAll does; then nothing runs and nothing is left. */
export async function startGraph(
  { plan, programOf, inputs, tenant }: GraphStart,
  sessions: Sessions,
  store: ObjectStore,
  limits: Limits,
  signal: AbortSignal,
): Promise<JobRun> {
  const links = new LinkPipes(sessions.native, plan.links, limits.linkBytesMax)
  try {
    const openLink: SessionInputs['openLink'] = (url, end) => links.open(url, end)
    const starts = plan.nodes.map((node) => {
      const program = programOf(node.program)
      return { plan: node, program, inputs: { ...inputs, openLink } }
    })
    const started = await sessions.startAll(starts, tenant, signal)
    links.allStarted()
    const nodes = plan.nodes.flatMap((node, at): RunningNode[] => {
      const session = started[at]
      const digest = starts[at]?.program.digest
      return session === undefined || digest === undefined ? [] : [{ node, session, digest }]
    })
    return new RunningGraph(plan, nodes, links, store.stage(), sessions.scratchDir, limits)
  } catch (error) {
    links.close()
    throw error
  }
}

const storeFailed = { outcome: 'failed', reason: 'store-failed' } as const

type RunningNode = {
  readonly node: NodePlan
  readonly session: Session
  readonly digest: ProgramSource['digest']
}

class RunningGraph implements JobRun {
  readonly sessionIds: readonly number[]
  readonly outputs: readonly Output[]
  readonly left: Promise<void>
  readonly ended: Promise<JobEnd>
  failure: Error | undefined
  readonly #changes = new Changes()
  #cause: EndCause | undefined
  /** The node that ended the graph; nodes that were cancelled for it are not to blame. */
  #failed: NodeReport | undefined
  readonly #plan: GraphPlan
  readonly #nodes: readonly RunningNode[]
  readonly #links: LinkPipes
  readonly #staging: Staging
  readonly #scratchDir: string
  readonly #limits: Limits
  readonly #collected: Promise<void>[] = []

  constructor(
    plan: GraphPlan,
    nodes: readonly RunningNode[],
    links: LinkPipes,
    staging: Staging,
    scratchDir: string,
    limits: Limits,
  ) {
    this.#plan = plan
    this.#nodes = nodes
    this.sessionIds = nodes.map(({ session }) => session.id)
    this.#links = links
    this.#staging = staging
    this.#scratchDir = scratchDir
    this.#limits = limits
    this.outputs = plan.responses.map(
      ({ name, contentType }) => new Output(name, contentType, this.#changes.ring),
    )
    const reports = Promise.all(nodes.map((each, at) => this.#watch(each, at)))
    for (const each of nodes) this.#collectPipes(each)
    this.left = reports.then(() => undefined)
    this.ended = this.#finish(reports)
  }

  changed(): Promise<void> {
    return this.#changes.next()
  }

  cancel(): void {
    this.#stop('cancel')
  }

  fail(error: Error): void {
    this.failure ??= error
    this.#stop('cancel')
  }

  close(): void {
    this.#stop('cancel')
    this.#staging.discard()
    this.#links.close()
    for (const output of this.outputs) output.close()
    for (const { session } of this.#nodes) session.abandon()
  }

  #stop(cause: EndCause): void {
    this.#cause ??= cause
    for (const { session } of this.#nodes) session.cancel()
  }

  async #watch({ node, session, digest }: RunningNode, at: number): Promise<NodeReport> {
    const end = await session.ended
    this.#links.nodeEnded(at)
    const report = { node: node.name, ...reportOfEnd(end, digest, this.#cause) }
    if (report.outcome !== 'exited' && this.#failed === undefined) {
      this.#failed = report
      this.#stop('node')
    }
    return report
  }

  #collectPipes({ node, session }: RunningNode): void {
    for (const channel of node.channels) {
      for (const source of channel.sources) {
        if (source.kind !== 'response' && source.kind !== 'object') continue
        const pipe = session.pipes.get(outputName(source))
        if (pipe === undefined) continue
        const bytes = new Socket({ fd: pipe.release(), readable: true, writable: false })
        this.#collected.push(
          source.kind === 'object'
            ? this.#stage(source, channel.contentType, bytes)
            : this.#collect(source.name, bytes),
        )
      }
    }
  }

  async #collect(name: string, bytes: Readable): Promise<void> {
    const output = this.outputs.find((each) => each.name === name)
    const whole = output?.collect(bytes, this.#limits, this.#scratchDir).catch(() => false)
    if (!(await whole)) this.#stop('spool')
  }

  async #stage({ bucket, key }: ObjectUrl, contentType: string, bytes: Readable): Promise<void> {
    try {
      await this.#staging.add({ bucket, key }, bytes, { contentType, metadata: {} })
    } catch {
      bytes.destroy()
      this.#stop('store')
    }
  }

  /** Outputs that were written at random are whole only now. */
  async #takeFiles(): Promise<void> {
    for (const { node, session } of this.#nodes) {
      for (const channel of node.channels.filter(writesAtRandom)) {
        for (const source of channel.sources) {
          if (source.kind !== 'response' && source.kind !== 'object') continue
          const file = session.files.get(outputName(source))
          if (file === undefined || file.fd < 0) continue
          const { size } = fstatSync(file.fd)
          if (source.kind === 'object') {
            const bytes = Readable.from(file.chunks(0, size), { objectMode: false })
            await this.#stage(source, channel.contentType, bytes)
            file.close()
          } else this.outputs.find(({ name }) => name === source.name)?.adopt(file, size)
        }
      }
    }
  }

  async #finish(reports: Promise<NodeReport[]>): Promise<JobEnd> {
    const nodes = await reports
    await Promise.all(this.#collected)
    await this.#takeFiles()
    this.#links.close()
    const isGood = this.#cause === undefined && nodes.every(({ exitCode }) => exitCode === 0)
    const objects = isGood ? this.#commit() : []
    this.#staging.discard()
    const failed = this.#failed ?? (this.#cause === 'store' ? storeFailed : undefined)
    const links = linkReports(this.#plan, nodes, this.#limits.reportLinksMax)
    return { report: { ...makeGraphReport(nodes, objects, failed), links }, native: undefined }
  }

  #commit(): readonly ObjectInfo[] {
    try {
      const written = this.#staging.commit()
      return this.#plan.objectsWritten.flatMap(({ bucket, key }) =>
        written.filter((object) => object.bucket === bucket && object.key === key),
      )
    } catch {
      this.#cause = 'store'
      return []
    }
  }
}
