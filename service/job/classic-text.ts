// A plan as the text of a classic manifest: what `zvm-run` reads. Pure; the caller says by which
// name each source goes there.
import type { Channel } from './channel.ts'
import type { Plan } from './plan.ts'
import type { SourceUrl } from './source-url.ts'

/** `nameOf`: a path or fd:N, never with a comma or a semicolon. */
export function makeClassicText(
  plan: Plan,
  program: string,
  nameOf: (source: SourceUrl, channel: Channel) => string,
): string {
  const lines = [
    'Version = 20130611',
    `Program = ${program}`,
    `Memory = ${plan.memoryBytes}, ${plan.memoryEtag ? 1 : 0}`,
    `Timeout = ${Math.ceil(plan.timeoutMs / 1000)}`,
  ]
  for (const channel of plan.channels) {
    const sources = channel.sources.map((source) => nameOf(source, channel)).join(';')
    const { reads, readBytes, writes, writeBytes } = channel.limits
    const limits = [reads, readBytes, writes, writeBytes].join(', ')
    const etag = channel.etag ? 1 : 0
    lines.push(`Channel = ${sources}, ${channel.alias}, ${channel.type}, ${etag}, ${limits}`)
  }
  return `${lines.join('\n')}\n`
}
