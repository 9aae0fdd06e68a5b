// The JSON form of a manifest. Strict: unknown fields are errors; every mistake is reported at
// once, each with its JSON pointer (RFC 6901). Pure.
import { z } from 'zod'
import { ManifestError, type ManifestIssue } from './errors.ts'
import { finishManifest, type Manifest } from './manifest.ts'
import { memoFields, readMemoWish } from './memo-wish.ts'
import { issuesOf, nodeFields, type Report, readNode, type UrlRules } from './node-json.ts'
import { parseSourceUrl, type SourceUrl } from './source-url.ts'

/** Shape of a manifest of one node. */
export const manifestSchema = z.strictObject({
  ...nodeFields,
  ...memoFields,
  snapshot: z.boolean().optional(),
})
const urlRules: UrlRules<SourceUrl> = {
  parse: parseSourceUrl,
  sources: ['part', 'sha256', 'null'],
  sinks: ['response', 'null'],
}

/** Throws ManifestError. */
export function parseJsonManifest(value: unknown): Manifest {
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw new ManifestError(parsed.error.issues.flatMap(issuesOf))
  const issues: ManifestIssue[] = []
  const report: Report = (code, detail, pointer) => issues.push({ code, detail, pointer })
  const { cache, verify, snapshot = false, ...node } = parsed.data
  const memo = readMemoWish({ cache, verify }, report)
  const draft = readNode(node, '', urlRules, report)
  if (draft === undefined || issues.length > 0) throw new ManifestError(issues)
  const count = draft.channels.length
  return finishManifest({ ...draft, memo, snapshot }, (index) => ({
    pointer: index === undefined || index >= count ? '' : `/channels/${index}`,
  }))
}
