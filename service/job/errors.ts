// What can be wrong with a manifest or a plan: closed sets of codes, and the place. Pure data;
// HTTP statuses are given to them in http/problem.ts, nowhere else.

export const manifestCodes = [
  'manifest-empty',
  'manifest-encoding',
  'manifest-too-large',
  'json-syntax',
  'json-field',
  'unknown-field',
  'too-many-lines',
  'control-character',
  'missing-equals',
  'missing-key',
  'value-too-long',
  'unknown-key',
  'duplicate-key',
  'empty-value',
  'missing-keyword',
  'invalid-version',
  'invalid-number',
  'number-out-of-range',
  'memory-fields-invalid',
  'memory-etag-invalid',
  'invalid-timeout',
  'unsupported-key',
  'channel-fields-invalid',
  'channel-sources-invalid',
  'channel-alias-invalid',
  'channel-alias-duplicate',
  'channel-type-invalid',
  'channel-etag-invalid',
  'channel-limits-negative',
  'channel-without-direction',
  'channel-direction',
  'channel-count-too-large',
  'channel-standard-missing',
  'response-name-duplicate',
  'response-name-reserved',
  'part-name-reserved',
  'source-syntax',
  'source-scheme',
  'source-host-path',
  'args-invalid',
  'nvram-conflict',
  'nvram-too-large',
  'wildcard-syntax',
  'node-name-duplicate',
  'node-unknown',
  'connect-self',
  'connect-duplicate',
  'object-collision',
] as const
export type ManifestCode = (typeof manifestCodes)[number]

/** One mistake and where it is: a JSON pointer, or line and column (from 1, columns in bytes). */
export type ManifestIssue = {
  readonly code: ManifestCode
  readonly detail: string
  readonly pointer?: string
  readonly line?: number
  readonly column?: number
}

/** At least one issue; the JSON form lists all of them, the classic form ends at the first. */
export class ManifestError extends Error {
  readonly issues: readonly ManifestIssue[]
  constructor(issues: readonly ManifestIssue[]) {
    super(issues[0]?.detail ?? 'manifest refused')
    this.name = 'ManifestError'
    this.issues = issues
  }
}

export const planCodes = [
  'memory-above-limit',
  'timeout-above-limit',
  'limit-above-limit',
  'nodes-above-limit',
  'links-above-limit',
  'wildcard-empty',
  'wildcard-arity',
  'wildcard-too-broad',
  'wildcard-capture',
  'node-collision',
  'alias-collision',
  'channel-unusable',
  'response-collision',
  'object-conflict',
  'channels-above-limit',
] as const
export type PlanCode = (typeof planCodes)[number]

/** `pointer`: the field of the manifest that asks for it, where one does. */
export type PlanIssue = {
  readonly code: PlanCode
  readonly detail: string
  readonly pointer?: string
}

/** A well-formed manifest that this service cannot satisfy. */
export class PlanError extends Error {
  readonly issues: readonly PlanIssue[]
  constructor(issues: readonly PlanIssue[]) {
    super(issues[0]?.detail ?? 'plan refused')
    this.name = 'PlanError'
    this.issues = issues
  }
}
