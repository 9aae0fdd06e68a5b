// The report of a graph: sums over all nodes, a line for each group, and the reports of nodes: of
// all while they are few, else of those that did not exit with 0. Pure.
import { makeLostReport, type NodeReport, type Report, type WrittenObject } from './report.ts'

/** What is counted of every node, kept or not. */
export type NodeFacts = Pick<
  NodeReport,
  'outcome' | 'exitCode' | 'validator' | 'profile' | 'wallMs' | 'cpuMs' | 'peakMemoryBytes'
>

export type GroupReport = {
  readonly group: string
  readonly nodes: number
  /** Nodes that exited with 0. */
  readonly succeeded: number
  /** The longest, the sum, the largest. */
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakMemoryBytes: number
}

type GroupTally = { -readonly [Key in keyof GroupReport]: GroupReport[Key] }

export class GraphTally {
  readonly #keepsAll: boolean
  readonly #keptMax: number
  readonly #isTogether: boolean
  #peakSumBytes = 0
  readonly #groups = new Map<string, GroupTally>()
  readonly #kept = new Map<number, NodeReport>()
  /** Of the first node, in the order of the plan, that did not exit with 0. */
  #unwell: { readonly at: number; readonly exitCode: number | null } | undefined
  #isValid = true
  #profile: string | null = null

  /** `keptMax`: reports of nodes that are kept; `isTogether`: all nodes run at once. */
  constructor(nodes: readonly { group: string }[], keptMax: number, isTogether: boolean) {
    this.#keepsAll = nodes.length <= keptMax
    this.#keptMax = keptMax
    this.#isTogether = isTogether
    for (const { group } of nodes) this.#groupOf(group).nodes += 1
  }

  /** True when the report of such a node will be told. */
  keeps({ outcome, exitCode }: Pick<NodeFacts, 'outcome' | 'exitCode'>): boolean {
    if (this.#keepsAll) return true
    return (outcome !== 'exited' || exitCode !== 0) && this.#kept.size < this.#keptMax
  }

  /** Node `at` of the plan, once; `report` if it is kept. */
  add(at: number, group: string, facts: NodeFacts, report: NodeReport | undefined): void {
    if (report !== undefined) this.#kept.set(at, report)
    const isWell = facts.outcome === 'exited' && facts.exitCode === 0
    if (!isWell && (this.#unwell === undefined || at < this.#unwell.at)) {
      this.#unwell = { at, exitCode: facts.exitCode }
    }
    this.#isValid &&= facts.validator === 'ok'
    if (facts.profile !== null && this.#profile !== 'zvm') this.#profile = facts.profile
    const tally = this.#groupOf(group)
    if (isWell) tally.succeeded += 1
    tally.wallMs = Math.max(tally.wallMs, facts.wallMs)
    tally.cpuMs += facts.cpuMs
    tally.peakMemoryBytes = Math.max(tally.peakMemoryBytes, facts.peakMemoryBytes)
    this.#peakSumBytes += facts.peakMemoryBytes
  }

  #groupOf(group: string): GroupTally {
    let tally = this.#groups.get(group)
    if (tally === undefined) {
      tally = { group, nodes: 0, succeeded: 0, wallMs: 0, cpuMs: 0, peakMemoryBytes: 0 }
      this.#groups.set(group, tally)
    }
    return tally
  }

  get hasSucceeded(): boolean {
    return this.#unwell === undefined
  }

  /**
   * `failed`: the node that ended the graph, or what else did. The exit code is the first one that
   * is not 0.
   */
  report(
    objects: readonly WrittenObject[],
    failed: Pick<Report, 'outcome' | 'reason'> | NodeReport | undefined,
  ): Report {
    const node = failed !== undefined && 'node' in failed ? failed : undefined
    const groups = [...this.#groups.values()]
    const peakMaxBytes = groups.reduce((most, one) => Math.max(most, one.peakMemoryBytes), 0)
    const exitCode = this.#unwell === undefined ? 0 : this.#unwell.exitCode
    return {
      ...makeLostReport(failed?.outcome ?? 'exited', failed?.reason ?? null, null),
      exitCode: failed === undefined ? exitCode : null,
      validator: this.#isValid ? 'ok' : 'not-run',
      profile: this.#profile,
      wallMs: groups.reduce((most, { wallMs }) => Math.max(most, wallMs), 0),
      cpuMs: groups.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
      peakMemoryBytes: this.#isTogether ? this.#peakSumBytes : peakMaxBytes,
      fault: node?.fault ?? null,
      error: node?.error ?? null,
      failedNode: node?.node ?? null,
      groups,
      nodes: [...this.#kept].sort(([a], [b]) => a - b).map(([, report]) => report),
      objects: objects.map(({ bucket, key, sizeBytes, etag }) => ({
        bucket,
        key,
        sizeBytes,
        etag,
      })),
    }
  }
}
