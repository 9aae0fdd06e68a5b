// The picture of a job for a terminal: a line for each node with its time as a bar, its bytes and
// its outcome, then what went from group to group. The same boxes as on the service's page.
import { bytesText, msText } from '../job/amounts.ts'
import { makePicture, type PicturedReport, type Unit, unitsOf } from '../job/job-picture.ts'

const barWidth = 24
const marks = { well: '✓', unwell: '✗', stopped: '–' } as const

/** Ends with a newline. Names of nodes and outcomes are plain text; aliases are not shown. */
export function renderJob(report: PicturedReport): string {
  const units = unitsOf(report)
  const longestMs = Math.max(1e-9, ...units.map(({ wallMs }) => wallMs))
  const rows = units.map((unit) => rowOf(unit, longestMs))
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, at) =>
        at >= 2 && at <= 4 ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const flows = flowsOf(report)
  return `${[...lines, ...(flows.length === 0 ? [] : ['', ...flows])].join('\n')}\n`
}

function rowOf(unit: Unit, longestMs: number): string[] {
  const { name, state, word, wallMs, readBytes, writtenBytes } = unit
  const bar = '█'.repeat(Math.max(1, Math.round((barWidth * wallMs) / longestMs)))
  const moved = [`in ${bytesText(readBytes)}`, `out ${bytesText(writtenBytes)}`]
  return [`${marks[state]} ${name}`, bar.padEnd(barWidth, '·'), msText(wallMs), ...moved, word]
}

function flowsOf(report: PicturedReport): string[] {
  const { boxes, arrows } = makePicture(report)
  const flows = new Map<string, { links: number; bytes: number }>()
  for (const { from, to, links, bytes } of arrows) {
    const key = `${boxes[from]?.group} → ${boxes[to]?.group}`
    const sum = flows.get(key) ?? { links: 0, bytes: 0 }
    flows.set(key, { links: sum.links + links, bytes: sum.bytes + bytes })
  }
  return [...flows].map(([key, { links, bytes }]) => {
    return `${key}: ${links === 1 ? '1 link' : `${links} links`}, ${bytesText(bytes)}`
  })
}
