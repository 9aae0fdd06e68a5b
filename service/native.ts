// The typed door to the addon: the only file that loads a .node. No guest code and no validator
// runs in this process; what the functions do: native/addon/zvm.d.ts.
import { openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as Addon from '../native/addon/zvm.d.ts'

export type Native = Pick<
  typeof Addon,
  | 'wireVersion'
  | 'frameFdsMax'
  | 'rules'
  | 'openFile'
  | 'openNull'
  | 'adoptFd'
  | 'makePipe'
  | 'makeMemfd'
  | 'makeImageFile'
  | 'spawnWorker'
  | 'startPump'
  | 'stats'
>
export type FdHandle = Addon.FdHandle
export type Pump = Addon.Pump
export type PumpEnd = Addon.PumpEnd
export type PumpOrder = Addon.PumpOrder
export type WorkerProcess = Addon.Worker
export type WorkerRole = Addon.WorkerRole
export type ExitStatus = Addon.ExitStatus

/** Throws when the addon is not built. The same folder gives the same addon. */
export function loadNative(nativeDir: string): Native {
  return createRequire(import.meta.url)(join(nativeDir, 'zvm.node')) as Native
}

/** A handle of its own for reading: position 0, and nothing can be written through it. */
export function reopen(native: Native, fd: number): FdHandle {
  return native.adoptFd(openSync(`/proc/self/fd/${fd}`, 'r'))
}
