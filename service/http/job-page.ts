// A job as a page: state, the picture of its nodes, a table of them, what it wrote. Everything that
// a user wrote is escaped; the page has no script and asks no other server.
import { bytesText, msText } from '../job/amounts.ts'
import { type AsyncJob, hasEnded } from '../job/async-state.ts'
import {
  type Box,
  boxHeight,
  boxWidth,
  type GroupLabel,
  makePicture,
  type Picture,
} from '../job/job-picture.ts'
import type { Report } from '../job/report.ts'
import { escapeHtml, pageHeaders } from './html.ts'

const refreshSeconds = 2

const style = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #667085; --page: #f6f7f9; --card: #fff;
  --rule: #d8dde5; --well: #2e9e6b; --unwell: #d1383d; --stopped: #b98a1d; --link: #4a72c4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #98a2b3; --page: #14181f;
  --card: #1d232d; --rule: #333c4a; --link: #7fa0e6; } }
body { margin: 0 auto; padding: 24px; max-width: 1280px; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, 'DejaVu Sans', sans-serif; }
h1 { font-size: 20px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 28px 0 8px; }
code { font-size: 12px; color: var(--dim); } a { color: var(--link); }
.state { display: inline-block; padding: 1px 10px; border-radius: 10px; color: #fff;
  background: var(--dim); font-size: 13px; vertical-align: 2px; }
.state.well { background: var(--well); } .state.unwell { background: var(--unwell); }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 12px 0; padding: 0; }
.facts div { color: var(--dim); } .facts b { color: var(--ink); font-weight: 600; }
.scroll { overflow: auto; background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; }
svg { display: block; margin: 0 auto; } svg text { fill: var(--ink); font-size: 12px; }
svg .name { font-weight: 600; } svg .small { fill: var(--dim); font-size: 10.5px; }
.box rect.card { fill: var(--card); stroke: var(--rule); }
.box rect.mark, .box rect.time { fill: var(--well); } .box rect.rail { fill: var(--rule); }
.box.unwell rect.mark, .box.unwell rect.time { fill: var(--unwell); }
.box.unwell rect.card { stroke: var(--unwell); }
.box.stopped rect.mark, .box.stopped rect.time { fill: var(--stopped); }
.arrow { fill: none; stroke: var(--link); } .arrow.back { stroke-dasharray: 5 4; }
.arrow:hover { opacity: 1; stroke: var(--ink); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 12px; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--dim); font-size: 12px; } .number { text-align: right; }
tr:last-child td { border-bottom: 0; } td.unwell { color: var(--unwell); }
`

export const jobPageHeaders = pageHeaders(style)

/** The whole page. */
export function renderJobPage(job: AsyncJob): string {
  const { id, state, report } = job
  const refresh = hasEnded(state) ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">`
  const isWell = state === 'done' && report?.outcome === 'exited' && report.exitCode === 0
  const mood = isWell ? ' well' : hasEnded(state) ? ' unwell' : ''
  const body = [
    `<h1>Job <span class="state${mood}" id="state">${state}</span></h1>`,
    `<code>${id}</code>`,
    report === undefined ? renderWaiting(job) : renderReport(report),
    renderOutputs(job),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">${refresh}
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>Job ${id}</title><style>${style}</style></head>
<body>${body.join('\n')}</body></html>
`
}

function renderWaiting({ problem }: AsyncJob): string {
  if (problem === undefined) return '<p>Its picture comes with its report.</p>'
  const { code = '', detail = '' } = problem
  return `<p><b>${escapeHtml(String(code))}</b>: ${escapeHtml(String(detail))}</p>`
}

function renderReport(report: Report): string {
  const picture = makePicture(report)
  const { outcome, exitCode, reason, failedNode, wallMs, cpuMs, peakMemoryBytes } = report
  const facts = [
    ['outcome', outcome === 'exited' ? `exited with ${exitCode}` : `${outcome}: ${reason}`],
    ...(failedNode == null ? [] : [['ended by', failedNode]]),
    ['time', msText(wallMs)],
    ['processor', msText(cpuMs)],
    ['memory', bytesText(peakMemoryBytes)],
  ]
  const items = facts.map(([name = '', value = '']) => {
    return `<div>${name} <b>${escapeHtml(value)}</b></div>`
  })
  return `<div class="facts">${items.join('')}</div>
<div class="scroll">${renderSvg(picture)}</div>
<h2>Nodes</h2><div class="scroll">${renderTable(picture.boxes)}</div>
${renderObjects(report)}`
}

function renderSvg({ width, height, boxes, arrows, labels }: Picture): string {
  const mostBytes = Math.max(1, ...arrows.map(({ bytes }) => bytes))
  const opacity = Math.min(0.75, Math.max(0.16, 14 / Math.max(arrows.length, 1)))
  const drawn = arrows.map(({ from, to, path, links, bytes, isBack }) => {
    const thickness = 1 + (3.5 * Math.log1p(bytes)) / Math.log1p(mostBytes) - (bytes > 0 ? 1 : 0)
    const [start, end] = [boxes[from]?.name ?? '', boxes[to]?.name ?? '']
    const count = links === 1 ? '' : `, ${links} links`
    const title = escapeHtml(`${start} → ${end}: ${bytesText(bytes)}${count}`)
    const look = `stroke-width="${thickness.toFixed(1)}" opacity="${opacity.toFixed(2)}"`
    const kind = isBack ? 'arrow back' : 'arrow'
    return `<path class="${kind}" d="${path}" ${look}><title>${title}</title></path>`
  })
  const longestMs = Math.max(1e-9, ...boxes.map(({ wallMs }) => wallMs))
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="nodes and links"
width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
${drawn.join('\n')}
${boxes.map((box) => renderBox(box, longestMs)).join('\n')}
${labels.map(renderLabel).join('\n')}
</svg>`
}

function renderLabel({ text, x, y }: GroupLabel): string {
  return `<text class="small" x="${x}" y="${y}">${escapeHtml(text)}</text>`
}

function renderBox(box: Box, longestMs: number): string {
  const { name, state, word, wallMs, cpuMs, readBytes, writtenBytes, channels, x, y } = box
  const shown = name.length > 17 ? `${name.slice(0, 16)}…` : name
  const title = [`${name}: ${word}, processor ${msText(cpuMs)}`, ...channels].join('\n')
  const rail = boxWidth - 24
  const time = Math.max(2, (rail * wallMs) / longestMs)
  const note =
    state === 'well' ? `in ${bytesText(readBytes)}, out ${bytesText(writtenBytes)}` : word
  return `<g class="box ${state}" transform="translate(${x} ${y})">
<title>${escapeHtml(title)}</title>
<rect class="card" width="${boxWidth}" height="${boxHeight}" rx="6"/>
<rect class="mark" x="6" y="7" width="4" height="${boxHeight - 14}" rx="2"/>
<text class="name" x="17" y="16">${escapeHtml(shown)}</text>
<text class="small" x="${boxWidth - 8}" y="16" text-anchor="end">${msText(wallMs)}</text>
<text class="small" x="17" y="28">${escapeHtml(note.slice(0, 30))}</text>
<rect class="rail" x="17" y="33" width="${rail}" height="3" rx="1.5"/>
<rect class="time" x="17" y="33" width="${time.toFixed(1)}" height="3" rx="1.5"/></g>`
}

function renderTable(boxes: readonly Box[]): string {
  const rows = boxes.map((box) => {
    const { name, state, word, wallMs, cpuMs, readBytes, writtenBytes } = box
    const numbers = [msText(wallMs), msText(cpuMs), bytesText(readBytes), bytesText(writtenBytes)]
    const cells = numbers.map((text) => `<td class="number">${text}</td>`)
    const [node, outcome] = [escapeHtml(name), escapeHtml(word)]
    return `<tr><td>${node}</td><td class="${state}">${outcome}</td>${cells.join('')}</tr>`
  })
  const heads = ['time', 'processor', 'read', 'written'].map((head) => {
    return `<th class="number">${head}</th>`
  })
  return `<table id="nodes"><thead><tr><th>node</th><th>outcome</th>${heads.join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`
}

function renderObjects({ objects = [] }: Report): string {
  if (objects.length === 0) return ''
  const rows = objects.map(({ bucket, key, sizeBytes }) => {
    const url = `/v1/objects/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
    return renderFile(url, `${bucket}/${key}`, sizeBytes)
  })
  return `<h2>Objects</h2><div class="scroll"><table>${rows.join('\n')}</table></div>`
}

function renderOutputs({ id, outputs }: AsyncJob): string {
  const full = outputs.filter(({ sizeBytes }) => sizeBytes > 0)
  if (full.length === 0) return ''
  const rows = full.map(({ name, sizeBytes }) => {
    return renderFile(`/v1/jobs/${id}/outputs/${encodeURIComponent(name)}`, name, sizeBytes)
  })
  const empty = outputs.length - full.length
  const more = empty === 0 ? '' : `<p>and ${empty} without bytes</p>`
  return `<h2>Outputs</h2><div class="scroll"><table>${rows.join('\n')}</table></div>${more}`
}

function renderFile(url: string, name: string, sizeBytes: number): string {
  const link = `<a href="${escapeHtml(url)}">${escapeHtml(name)}</a>`
  return `<tr><td>${link}</td><td class="number">${bytesText(sizeBytes)}</td></tr>`
}
