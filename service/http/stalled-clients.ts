// Clients that do not read their answer: a connection whose waiting bytes have not moved for
// `responseIdleMs` is cut, which frees whatever produces the answer. Covers every route.
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { clientIsSlow, writtenBytesOf } from './socket-pumps.ts'

type Seen = { readonly written: number; readonly waiting: number; readonly sinceMs: number }

/** Until the server closes. */
export function cutStalledClients(server: Server, responseIdleMs: number): void {
  const seen = new Map<Socket, Seen | undefined>()
  server.on('connection', (socket: Socket) => {
    seen.set(socket, undefined)
    socket.once('close', () => seen.delete(socket))
  })
  const timer = setInterval(
    () => {
      const nowMs = performance.now()
      for (const [socket, before] of seen) {
        const written = writtenBytesOf(socket)
        // What waits for a pump is in the kernel.
        const waiting = socket.writableLength + (clientIsSlow(socket) ? 1 : 0)
        const isSame = before?.written === written && before.waiting === waiting
        if (waiting === 0) seen.set(socket, undefined)
        else if (!isSame) seen.set(socket, { written, waiting, sinceMs: nowMs })
        else if (nowMs - before.sinceMs >= responseIdleMs) socket.destroy()
      }
    },
    Math.max(1, responseIdleMs / 4),
  ).unref()
  server.once('close', () => clearInterval(timer))
}
