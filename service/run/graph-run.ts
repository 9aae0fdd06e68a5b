// One graph whose nodes are linked, from its room to its report: starts all sessions or none, joins
// them, ends all of them when one fails, and commits the objects that they have written when none
// has. Frees everything exactly once; whoever has the run must call `close`. Graphs without links:
// loose-run.ts.
import type { Limits } from '../config.ts'
import type { GraphPlan, NodePlan } from '../job/graph-plan.ts'
import { GraphTally } from '../job/graph-report.ts'
import { linkReports } from '../job/link-report.ts'
import type { NodeReport } from '../job/report.ts'
import type { ObjectStore } from '../store/object.ts'
import { Changes } from './changes.ts'
import { GraphOutputs } from './graph-outputs.ts'
import { type EndCause, type JobEnd, type JobRun, reportOfEnd } from './job-run.ts'
import { LinkPipes } from './links.ts'
import type { Output } from './output.ts'
import type { Session, SessionInputs } from './session.ts'
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
    return new RunningGraph(plan, nodes, links, store, sessions.scratchDir, limits)
  } catch (error) {
    links.close()
    throw error
  }
}

export const storeFailed = { outcome: 'failed', reason: 'store-failed' } as const

type RunningNode = {
  readonly node: NodePlan
  readonly session: Session
  readonly digest: ProgramSource['digest']
}

class RunningGraph implements JobRun {
  readonly sessionIds: readonly number[]
  readonly left: Promise<void>
  readonly ended: Promise<JobEnd>
  failure: Error | undefined
  readonly #changes = new Changes()
  #cause: EndCause | undefined
  /** The node that ended the graph; nodes that were cancelled for it are not to blame. */
  #failed: NodeReport | undefined
  readonly #nodes: readonly RunningNode[]
  readonly #links: LinkPipes
  readonly #outputs: GraphOutputs
  readonly #tally: GraphTally
  readonly #plan: GraphPlan
  readonly #limits: Limits

  constructor(
    plan: GraphPlan,
    nodes: readonly RunningNode[],
    links: LinkPipes,
    store: ObjectStore,
    scratchDir: string,
    limits: Limits,
  ) {
    this.#plan = plan
    this.#limits = limits
    this.#nodes = nodes
    this.sessionIds = nodes.map(({ session }) => session.id)
    this.#links = links
    this.#tally = new GraphTally(plan.nodes, limits.reportNodesMax, true)
    this.#outputs = new GraphOutputs({
      plan,
      store,
      scratchDir,
      limits,
      onChange: this.#changes.ring,
      onFault: (fault) => this.#stop(fault),
    })
    const reports = Promise.all(nodes.map((each, at) => this.#watch(each, at)))
    for (const { node, session } of nodes) this.#outputs.collect(node, session)
    this.left = reports.then(() => undefined)
    this.ended = this.#finish(reports)
  }

  get outputs(): readonly Output[] {
    return this.#outputs.all
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
    this.#links.close()
    this.#outputs.close()
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
    this.#tally.add(at, node.group, report, this.#tally.keeps(report) ? report : undefined)
    if (report.outcome !== 'exited' && this.#failed === undefined) {
      this.#failed = report
      this.#stop('node')
    }
    return report
  }

  async #finish(nodeReports: Promise<readonly NodeReport[]>): Promise<JobEnd> {
    const reports = await nodeReports
    await this.#outputs.settled()
    for (const { node, session } of this.#nodes) await this.#outputs.takeFiles(node, session)
    this.#links.close()
    const isGood = this.#cause === undefined && this.#tally.hasSucceeded
    const objects = isGood ? this.#outputs.tryCommit() : []
    this.#outputs.discard()
    if (objects === undefined) this.#cause = 'store'
    const failed = this.#failed ?? (this.#cause === 'store' ? storeFailed : undefined)
    const links = linkReports(this.#plan, reports, this.#limits.reportLinksMax)
    return { report: { ...this.#tally.report(objects ?? [], failed), links }, native: undefined }
  }
}
