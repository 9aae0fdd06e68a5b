// Types of native/build/zvm.node: worker processes, frames with descriptors, memory files, pipes.
// The only importer is service/native.ts. What the frames mean: docs/wire.md. No guest code and no
// validator runs in this process.
//
// JavaScript may pass anything: a wrong shape throws a TypeError and nothing has happened.
// Everything else that fails throws a NativeError.

/** `code`: an errno name ("ENOENT", "EMFILE"), or one of the words below. Plain Error object. */
export interface NativeError extends Error {
  name: 'NativeError'
  code: string
  /** The call that failed ("open", "sendmsg"), where a call did. */
  syscall?: string
}
// handle-closed   an FdHandle was used after close() or release()
// worker-gone     the worker has ended, or its socket is closed
// frame-size      send() with an empty frame or one above frameSizeMax
// frame-fds       send() with more descriptors than frameFdsMax

export const wireVersion: number
/** 65536 bytes. */
export const frameSizeMax: number
/** 253 descriptors. */
export const frameFdsMax: number
/** The validator's rules, in the order of their codes: name as in `prepared` frames, one line
 *  for people. */
export const rules: readonly { readonly name: string; readonly reason: string }[]

/** An owned descriptor, always close-on-exec. Must be closed or released; one that is garbage
 *  collected while open is closed then and counted in stats().leakedHandles. */
export class FdHandle {
  private constructor()
  /** The number, -1 once closed or released. */
  readonly fd: number
  readonly closed: boolean
  /** Idempotent. */
  close(): void
  /** Gives the number away: whoever takes it (net.Socket, fs) must close it. */
  release(): number
  /** A second handle of the same open file. */
  duplicate(): FdHandle
  /** What fstat says. */
  stat(): { sizeBytes: number; kind: 'file' | 'pipe' | 'socket' | 'character-device' | 'other' }
  /** True for a memory file with all four seals: an image that a worker may map. */
  isSealed(): boolean
  /** Bytes of a regular file or memory file from `offset` on, at most `sizeBytes` (≤ 64 MiB).
   *  Synchronous: for memory files and small files. */
  read(offset: number, sizeBytes: number): Buffer
  /** Sets the file offset to 0: a memory file that was filled through its offset is read from
   *  its start. */
  rewind(): void
}

export interface OpenOptions {
  write?: boolean
  /** Creates the file, which must not exist. Implies write. */
  createNew?: boolean
  mode?: number
}
/** Opens for reading unless told otherwise; never waits for a FIFO (O_NONBLOCK), never follows
 *  a final link, takes no controlling terminal. */
export function openFile(path: string, options?: OpenOptions): FdHandle
/** /dev/null for reading and writing: empty input, discarded output. */
export function openNull(): FdHandle
/** Takes over a number that this process owns. */
export function adoptFd(fd: number): FdHandle
/** `sizeBytes`: wish for the kernel's buffer (rounded up; less when the user's quota is used
 *  up). Our ends block; net.Socket and fs streams set their own end to non-blocking, the
 *  worker's stays as it is. `nonBlockingRead`: our read end is non-blocking at once, so that
 *  fs.readSync can never wait for a writer. */
export function makePipe(options?: { sizeBytes?: number; nonBlockingRead?: boolean }): {
  read: FdHandle
  write: FdHandle
  sizeBytes: number
}
/** A memory file with these bytes, offset 0. `seal`: nobody can ever change it. Not executable. */
export function makeMemfd(name: string, bytes?: Uint8Array, options?: { seal?: boolean }): FdHandle
/** The empty memory file that a `prepare` frame needs. */
export function makeImageFile(): FdHandle

export type WorkerRole = 'prepare' | 'session'

export interface SpawnOptions {
  /** Absolute path of zvm-worker. */
  path: string
  role: WorkerRole
  /** Tasks after which it ends, 0 to 255; 0 = no bound; absent = 1. Role prepare takes 1. */
  tasksMax?: number
  /** Backstops as resource limits; 0 or absent = leave. */
  limits?: { cpuSeconds?: number; fileSizeBytes?: number; addressSpaceBytes?: number }
  /** Standard error of the worker; absent = /dev/null. It is silent unless its set-up fails. */
  stderr?: FdHandle
}

export interface ExitStatus {
  /** Exit status, null when a signal ended it. */
  code: number | null
  /** "SIGKILL", … or null. */
  signal: string | null
}

export interface WorkerEvents {
  /** One frame, a fresh Buffer of its own. Its header has been checked (magic, version, size,
   *  type 1, 3, 5, 6, 7 or 9 from the worker); the body has not. The first frame is the hello. */
  onFrame(frame: Buffer): void
  /** Last callback, exactly once, after all frames: the process is gone and reaped.
   *  `wireError`: the worker sent what is no frame of this version and was killed for it.
   *  `unread`: the last frame that `send` took was never received: its task has not begun. */
  onExit(status: ExitStatus, wireError: string | null, unread: boolean): void
}

/** Starts a process: own process group, empty environment, dies with the thread that called
 *  this. Throws when it cannot be started; a failed set-up is told by onExit (code 82).
 *  Callbacks come from the event loop, never from inside a call. An open worker keeps the event
 *  loop alive. */
export function spawnWorker(options: SpawnOptions, events: WorkerEvents): Worker

export class Worker {
  private constructor()
  readonly pid: number
  readonly exited: boolean
  /** Sends one frame with the descriptors of `fds`, which stay the caller's (the worker has its
   *  own copies once this returns). False: the socket is full, try again later (does not happen
   *  while a worker has one frame at a time). The same handle may be given many times. */
  send(frame: Uint8Array, fds?: readonly FdHandle[]): boolean
  /** Ends one session and no other: one that is over is left over, one whose frame the worker has
   *  not seen yet is cancelled when it begins. The report still comes. False when the worker had
   *  already ended. */
  cancel(sessionId: number | bigint): boolean
  /** The worker ends: SIGTERM cancels the session that runs, whichever it is. Never hits another
   *  process: goes through a pidfd. False when it had already ended. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): boolean
  /** Kills it if need be (SIGKILL); onExit still comes. Idempotent. */
  close(): void
  /** No onFrame until resume(): frames wait in the socket, then the worker in its write. Its end
   *  is told nevertheless, behind all its frames. */
  pause(): void
  resume(): void
  ref(): void
  unref(): void
}

/** What moves, between a client's socket and our end of a guest's pipe. `socketFd`: a number that
 *  stays the caller's; nobody else may read (receive) or write (send) the socket meanwhile. */
export type PumpOrder =
  /** Exactly `sizeBytes` into the pipe; without a reader they are thrown away. */
  | { kind: 'receive'; socketFd: number; pipe: FdHandle; sizeBytes: number }
  /** What comes before the first `delimiter` (1 to 256 bytes) within the next `bodyLeftBytes`. */
  | {
      kind: 'receive-until'
      socketFd: number
      pipe: FdHandle
      delimiter: Uint8Array
      /** What had been read and may be its beginning; shorter than it. */
      begun: Uint8Array
      bodyLeftBytes: number
      contentBytesMax: number
    }
  /** All that the pipe gives, in chunks of HTTP/1.1 (without the last one) or as it is. */
  | { kind: 'send'; pipe: FdHandle; socketFd: number; isChunked: boolean }

export interface PumpEnd {
  /** done: all of it. delimiter: found. too-large: above contentBytesMax. source-ended: the client
   *  or its body ended too early. sink-gone: the client does not take its answer any more.
   *  stopped: by stop(). failed: see `code`. */
  end: 'done' | 'delimiter' | 'too-large' | 'source-ended' | 'sink-gone' | 'stopped' | 'failed'
  code: string | null
  /** Of the stream, what was thrown away included. */
  contentBytes: number
  /** send: what the chunk that has begun lacks; its CRLF follows when this is above 0. */
  chunkLeftBytes: number
  /** receive-until: what was read behind the delimiter, or what may be its beginning. send: what has
   *  to be sent before anything else. */
  rest: Buffer
}

/** Starts a thread for one stream; both descriptors are copied, the pipe becomes non-blocking.
 *  `onEnd`: exactly once, from the event loop, never from inside a call, when the copies are
 *  closed. A running pump keeps the event loop alive. */
export function startPump(order: PumpOrder, onEnd: (end: PumpEnd) => void): Pump

export class Pump {
  private constructor()
  /** Through the socket so far, framing included. */
  readonly socketBytes: number
  /** How long it has waited for its source so far. */
  readonly sourceWaitMs: number
  /** What it waits for at this moment. */
  readonly waitsFor: 'source' | 'sink' | null
  /** Ends it at the next byte that it would have to wait for, or sooner. Idempotent. */
  stop(): void
}

/** For tests and metrics. */
export function stats(): {
  openHandles: number
  leakedHandles: number
  /** Not yet exited. */
  workers: number
  framesSent: number
  framesReceived: number
  /** That run, and ever started. */
  pumps: number
  pumpsStarted: number
}
