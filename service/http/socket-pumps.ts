// What native pumps do with the sockets of clients: bytes that Node has not seen, and who waits for
// whom. Counts and watches ask here, so that a stream is judged alike whoever moves it.
import type { Socket } from 'node:net'
import type { Native, Pump, PumpEnd, PumpOrder } from '../native.ts'

type Pumps = { receive?: Pump; send?: Pump; readBytes: number; writtenBytes: number }

const bySocket = new WeakMap<Socket, Pumps>()

function pumpsOf(socket: Socket): Pumps {
  const known = bySocket.get(socket)
  if (known !== undefined) return known
  const fresh = { readBytes: 0, writtenBytes: 0 }
  bySocket.set(socket, fresh)
  return fresh
}

/** The descriptor of a connection, undefined when it has none (any more). */
export function tryFd(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { readonly fd?: unknown } | null }
  const fd = handle?.fd
  return typeof fd === 'number' && fd >= 0 && !socket.destroyed ? fd : undefined
}

/** Bytes of the connection so far, whoever read them. */
export function readBytesOf(socket: Socket): number {
  const pumps = bySocket.get(socket)
  return socket.bytesRead + (pumps?.readBytes ?? 0) + (pumps?.receive?.socketBytes ?? 0)
}

export function writtenBytesOf(socket: Socket): number {
  const pumps = bySocket.get(socket)
  return socket.bytesWritten + (pumps?.writtenBytes ?? 0) + (pumps?.send?.socketBytes ?? 0)
}

/** True while a pump has bytes of the client for which the guest has no room. */
export function guestIsSlow(socket: Socket): boolean {
  return bySocket.get(socket)?.receive?.waitsFor === 'sink'
}

/** True while a pump has bytes for the client, which does not take them. */
export function clientIsSlow(socket: Socket): boolean {
  return bySocket.get(socket)?.send?.waitsFor === 'sink'
}

/** True while a pump reads the connection. */
export function isReceiving(socket: Socket): boolean {
  return bySocket.get(socket)?.receive !== undefined
}

/** Runs one pump on a socket; it stops when the socket closes. `onStart` gets it. */
export async function runPump(
  native: Native,
  socket: Socket,
  order: PumpOrder,
  onStart: (pump: Pump) => void,
): Promise<PumpEnd> {
  const pumps = pumpsOf(socket)
  const side = order.kind === 'send' ? 'send' : 'receive'
  const { promise, resolve } = Promise.withResolvers<PumpEnd>()
  const pump = native.startPump(order, resolve)
  const stop = () => pump.stop()
  pumps[side] = pump
  socket.once('close', stop)
  onStart(pump)
  const end = await promise
  socket.off('close', stop)
  delete pumps[side]
  pumps[side === 'send' ? 'writtenBytes' : 'readBytes'] += pump.socketBytes
  return end
}
