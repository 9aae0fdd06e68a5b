// Bytes of requests and answers as the sockets saw them, for the metrics.
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'
import { tryTenant } from '../tenant/tenant.ts'
import { readBytesOf, writtenBytesOf } from './socket-pumps.ts'

export type Counted = { readonly read: number; readonly written: number }

/** `counted`: sockets are kept alive, and what was counted before is not counted again. */
export function countBytes(
  app: FastifyInstance,
  metrics: Metrics,
  tenantHeader: string,
  counted: WeakMap<Socket, Counted>,
): void {
  app.addHook('onResponse', async (request) => {
    const { socket } = request.raw
    const { read, written } = counted.get(socket) ?? { read: 0, written: 0 }
    const now = { read: readBytesOf(socket), written: writtenBytesOf(socket) }
    counted.set(socket, now)
    const tenant = metrics.tenants.labelOf(tryTenant(request.headers, tenantHeader) ?? 'default')
    metrics.bytes.inc({ direction: 'in', tenant }, now.read - read)
    metrics.bytes.inc({ direction: 'out', tenant }, now.written - written)
  })
}
