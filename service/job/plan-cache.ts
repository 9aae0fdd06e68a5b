// Plans of manifests that come again and again: small ones of one node, by their bytes. A plan
// depends on the manifest and the limits of the service alone, so what is remembered is never
// stale; what depends on more (objects that a wildcard finds) is not here.
import { isGraph, type ManifestForm, parseJobManifest } from './parse-manifest.ts'
import { makePlan, type Plan, type PlanLimits } from './plan.ts'

/** Larger manifests are planned anew each time. */
export const manifestBytesKept = 8192

export class PlanCache<Extra> {
  /** In the order of their last use. */
  readonly #plans = new Map<string, { readonly plan: Plan; readonly extra: Extra }>()
  readonly #limits: PlanLimits & { readonly plansMax: number }
  readonly #extraOf: (plan: Plan) => Extra

  /** `extraOf`: what else is made of a plan, once. Pure. */
  constructor(limits: PlanLimits & { readonly plansMax: number }, extraOf: (plan: Plan) => Extra) {
    this.#limits = limits
    this.#extraOf = extraOf
  }

  /** Undefined for a graph or a large manifest. Throws ManifestError, PlanError. */
  get(
    bytes: Buffer,
    form: ManifestForm,
  ): { readonly plan: Plan; readonly extra: Extra } | undefined {
    if (bytes.length > manifestBytesKept) return undefined
    const key = `${form} ${bytes.toString('latin1')}`
    const known = this.#plans.get(key)
    if (known !== undefined) {
      this.#plans.delete(key)
      this.#plans.set(key, known)
      return known
    }
    const manifest = parseJobManifest(bytes, form)
    if (isGraph(manifest)) return undefined
    const plan = makePlan(manifest, this.#limits)
    const made = { plan, extra: this.#extraOf(plan) }
    for (const oldest of this.#plans.keys()) {
      if (this.#plans.size < this.#limits.plansMax) break
      this.#plans.delete(oldest)
    }
    if (this.#limits.plansMax > 0) this.#plans.set(key, made)
    return made
  }
}
