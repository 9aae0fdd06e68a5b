// Whose request it is: the value of a configured header, which a proxy in front of the service
// sets. Decides who shares workers; nothing is authorised by it. Bounded where it becomes a label.

export const tenantPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Of requests without the header, and of all when no header is configured. */
export const defaultTenant = 'default'
/** Label of those that came after the first `tenantLabelsMax`. */
export const otherTenants = 'other'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** `header`: in lower case, '' = none is configured. Undefined when the value is no name. */
export function tryTenant(headers: Headers, header: string): string | undefined {
  const value = header === '' ? undefined : headers[header]
  if (value === undefined) return defaultTenant
  return typeof value === 'string' && tenantPattern.test(value) ? value : undefined
}

/** Names as labels of metrics: as many as come first. */
export class TenantLabels {
  readonly #known = new Set<string>()
  readonly #labelsMax: number

  constructor(labelsMax: number) {
    this.#labelsMax = labelsMax
  }

  labelOf(tenant: string): string {
    if (this.#known.has(tenant)) return tenant
    if (this.#known.size >= this.#labelsMax) return otherTenants
    this.#known.add(tenant)
    return tenant
  }
}
