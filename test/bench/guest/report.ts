// The bench's figures as a table for people and as JSON for machines.
import type { Target } from './build.ts'

/** Least processor time of each target, in milliseconds; absent: does not exist there. */
export type Times = Partial<Record<Target, number>>

export interface Row {
  readonly name: string
  readonly times: Times
}

export function ratio(row: Row, target: Target): number | undefined {
  const { native } = row.times
  const time = row.times[target]
  return native === undefined || time === undefined ? undefined : time / native
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}

export function mean(rows: readonly Row[], target: Target): number | undefined {
  const ratios = rows.flatMap((row) => ratio(row, target) ?? [])
  return ratios.length === 0 ? undefined : geometricMean(ratios)
}

const cell = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(2))

/** Markdown, as docs/toolchain.md shows it. */
export function table(title: string, rows: readonly Row[], targets: readonly Target[]): string {
  const others = targets.filter((target) => target !== 'native')
  const lines = [
    `| ${title} | native ms | ${others.join(' | ')} |`,
    `|---|---:|${others.map(() => '---:|').join('')}`,
    ...rows.map(
      (row) =>
        `| ${row.name} | ${row.times.native?.toFixed(0)} | ` +
        `${others.map((target) => cell(ratio(row, target))).join(' | ')} |`,
    ),
    `| geometric mean | | ${others.map((target) => cell(mean(rows, target))).join(' | ')} |`,
  ]
  return lines.join('\n')
}
