// The tenant of a request, as its header says.
import type { FastifyRequest } from 'fastify'
import { tryTenant } from '../tenant/tenant.ts'
import { Problem } from './problem.ts'

/** Throws Problem when its name is none. */
export function tenantOf(
  request: FastifyRequest,
  config: { readonly tenantHeader: string },
): string {
  const { tenantHeader } = config
  const tenant = tryTenant(request.headers, tenantHeader)
  if (tenant !== undefined) return tenant
  throw new Problem('request-invalid', `${tenantHeader}: 1 to 64 letters, digits, dots, _ or -`)
}
