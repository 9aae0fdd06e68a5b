// One worker process: asked one task at a time, watched from its start to its end. A worker that
// does not answer in time is killed; one that sends what it should not is killed by the addon.
//
//   starting ─hello─► idle ─ask─► busy ─answer─► idle (tasks left) │ ended
//       └──────────────── death at any time ───────────────────► ended
import { setPriority } from 'node:os'
import type { ExitStatus, FdHandle, Native, WorkerProcess, WorkerRole } from '../native.ts'
import { WorkerError } from './errors.ts'
import { decodeHello, decodeRefusal, frameTypeOf, type Hello } from './wire.ts'

export type WorkerState = 'starting' | 'idle' | 'busy' | 'ended'

export type WorkerOptions = {
  /** Absolute path of zvm-worker. */
  readonly path: string
  readonly role: WorkerRole
  readonly fileSizeBytes?: number
  /** From the start of the process to its hello. */
  readonly startMsMax: number
  /** 0 = no bound. */
  readonly tasksMax: number
}

export type WorkerEvents = {
  /** It said hello, or has become free again. */
  onIdle(worker: Worker): void
  /** Exactly once. `error`: why, unless it was ours to end it. */
  onEnd(worker: Worker, error: WorkerError | undefined): void
}

/** Many tasks under way: whoever talks sees every frame, then the end, in their order. */
export type Listener = {
  onFrame(frame: Buffer): void
  /** The process is gone, or was not heard of in time: nothing more will come. */
  onEnd(error: WorkerError): void
}

export type Talk = {
  /** False: the socket is full; there is room again behind the next frame that comes. */
  send(frame: Buffer, fds: readonly FdHandle[]): boolean
  /** A frame is awaited within so many milliseconds from now on; undefined = none is. */
  expect(withinMs: number | undefined): void
  /** Nothing is under way any more: the worker is idle again. */
  end(tasksDone: number): void
}

type OpenTalk = { readonly listener: Listener; timer: NodeJS.Timeout | undefined }

/** Who waits for a task. Exactly one of `onAnswer` and `onFailure` is called, once. */
export type TaskEvents = {
  /** A frame of inline outputs, before the answer. */
  onOutput(frame: Buffer): void
  onAnswer(frame: Buffer): void
  onFailure(error: WorkerError): void
}

type Task = { readonly events: TaskEvents; readonly timer: NodeJS.Timeout }

export class Worker {
  readonly role: WorkerRole
  /** Whose sessions it has run. */
  tenant: string | undefined
  /** Digest of the program that it keeps mapped for the next session. */
  mapped: string | undefined
  tasksDone = 0
  #state: WorkerState = 'starting'
  #hello: Hello | undefined
  #task: Task | undefined
  #talk: OpenTalk | undefined
  #isOurs = false
  #failure: WorkerError | undefined
  readonly #process: WorkerProcess
  readonly #events: WorkerEvents
  readonly #startTimer: NodeJS.Timeout

  /** Throws a NativeError when no process can be started. */
  constructor(native: Native, options: WorkerOptions, events: WorkerEvents) {
    const { path, role, tasksMax, fileSizeBytes = 0 } = options
    this.role = role
    this.#events = events
    this.#process = native.spawnWorker(
      { path, role, tasksMax, limits: { fileSizeBytes } },
      {
        onFrame: (frame) => this.#take(frame),
        onExit: (status, wireError, unread) => this.#end(status, wireError, unread),
      },
    )
    lowerPriority(this.#process.pid)
    this.#startTimer = setTimeout(
      () => this.#fail(new WorkerError('worker-start', 'no hello in time')),
      options.startMsMax,
    )
  }

  get pid(): number {
    return this.#process.pid
  }
  get state(): WorkerState {
    return this.#state
  }
  /** Throws before the hello. */
  get hello(): Hello {
    if (this.#hello === undefined) throw new Error('the worker has not said hello')
    return this.#hello
  }
  /** False once a signal was sent: it may end at any moment. */
  get isReusable(): boolean {
    return this.#state === 'idle' && !this.#isOurs
  }
  get isFresh(): boolean {
    return this.tasksDone === 0
  }

  /**
   * Sends a task and gives the answer's frame. `fds` stay the caller's and may be closed when this
   * returns (before the promise resolves). Rejects with WorkerError; above `deadlineMs` the
   * process is killed.
   */
  ask(frame: Buffer, fds: readonly FdHandle[], deadlineMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.start(frame, fds, deadlineMs, {
        onOutput: () => this.#fail(new WorkerError('worker-wire', 'an output without a channel')),
        onAnswer: resolve,
        onFailure: reject,
      })
    })
  }

  /** The same without a promise. `events` may be told before this returns. */
  start(frame: Buffer, fds: readonly FdHandle[], deadlineMs: number, events: TaskEvents): void {
    if (this.#state === 'ended') {
      events.onFailure(new WorkerError('worker-unread', 'it ended while idle'))
      return
    }
    if (this.#state !== 'idle') throw new Error(`the worker is ${this.#state}`)
    try {
      if (!this.#process.send(frame, fds)) throw new Error('the socket of the worker is full')
    } catch (error) {
      this.close()
      const cause = { cause: error }
      events.onFailure(new WorkerError('worker-unread', 'the task could not be sent', cause))
      return
    }
    this.#state = 'busy'
    this.#process.ref()
    const timer = setTimeout(
      () => this.#fail(new WorkerError('worker-overdue', `no answer in ${deadlineMs} ms`)),
      deadlineMs,
    )
    this.#task = { events, timer }
  }

  /** No `onOutput` until `resume`: the guest's writes wait. */
  pause(): void {
    this.#process.pause()
  }
  resume(): void {
    this.#process.resume()
  }

  /** Several frames under way, by one listener. Throws unless the worker is idle. */
  talk(listener: Listener): Talk {
    if (this.#state !== 'idle') throw new Error(`the worker is ${this.#state}`)
    const talk: OpenTalk = { listener, timer: undefined }
    this.#talk = talk
    this.#state = 'busy'
    this.#process.ref()
    return {
      send: (frame, fds) => {
        try {
          return this.#process.send(frame, fds)
        } catch (error) {
          this.#fail(new WorkerError('worker-died', 'frames could not be sent', { cause: error }))
          return true
        }
      },
      expect: (withinMs) => {
        clearTimeout(talk.timer)
        talk.timer = undefined
        if (withinMs === undefined || this.#talk !== talk) return
        const late = () =>
          this.#fail(new WorkerError('worker-overdue', `silent for ${withinMs} ms`))
        talk.timer = setTimeout(late, withinMs)
      },
      end: (tasksDone) => {
        clearTimeout(talk.timer)
        if (this.#talk !== talk) return
        this.#talk = undefined
        this.tasksDone += tasksDone
        this.#process.unref()
        if (this.#state === 'busy') this.#state = 'idle'
      },
    }
  }

  /** Ends this session and no other; its report still comes. */
  cancel(sessionId: number): void {
    this.#process.cancel(sessionId)
  }

  /** SIGTERM asks for a report with outcome cancelled, SIGKILL ends the process without one. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#isOurs = true
    this.#process.kill(signal)
  }

  /** Ends it, whatever it does. Idempotent; onEnd still comes. */
  close(): void {
    this.#isOurs = true
    if (this.#process.exited) return
    this.#process.ref()
    this.#process.close()
  }

  #take(frame: Buffer): void {
    try {
      const type = frameTypeOf(frame)
      if (this.#talk !== undefined && type !== 'refusal') this.#talk.listener.onFrame(frame)
      else if (type === 'report' || type === 'prepared') this.#answer(frame)
      else if (type === 'output') this.#takeOutput(frame)
      else if (type === 'hello') this.#greet(decodeHello(frame))
      else if (type === 'refusal') {
        this.#fail(new WorkerError('worker-refused', decodeRefusal(frame)))
      } else throw new Error(`a frame of type ${type}`)
    } catch (error) {
      this.#fail(new WorkerError('worker-wire', 'an unreadable frame', { cause: error }))
    }
  }

  #greet(hello: Hello): void {
    clearTimeout(this.#startTimer)
    this.#hello = hello
    this.#state = 'idle'
    // Waiting is no reason for the service to go on; a task is.
    this.#process.unref()
    this.#events.onIdle(this)
  }

  #takeOutput(frame: Buffer): void {
    if (this.#task === undefined) throw new Error('an output without a task')
    this.#task.events.onOutput(frame)
  }

  #answer(frame: Buffer): void {
    const task = this.#task
    if (task === undefined) throw new Error('an answer without a task')
    this.#task = undefined
    clearTimeout(task.timer)
    this.#process.unref()
    this.tasksDone += 1
    const { tasksMax } = this.hello
    if (tasksMax === 0 || this.tasksDone < tasksMax) this.#state = 'idle'
    else {
      this.#state = 'ended'
      this.close()
    }
    task.events.onAnswer(frame)
  }

  #fail(error: WorkerError): void {
    this.#failure ??= error
    this.#process.close()
    this.#giveUp(error)
  }

  #giveUp(error: WorkerError): void {
    const task = this.#task
    if (task === undefined) return
    this.#task = undefined
    clearTimeout(task.timer)
    task.events.onFailure(error)
  }

  #end(status: ExitStatus, wireError: string | null, unread: boolean): void {
    clearTimeout(this.#startTimer)
    this.#state = 'ended'
    const detail = wireError ?? status.signal ?? `status ${status.code}`
    const code = wireError !== null ? 'worker-wire' : unread ? 'worker-unread' : 'worker-died'
    const error = this.#failure ?? new WorkerError(code, detail)
    this.#giveUp(error)
    const talk = this.#talk
    this.#talk = undefined
    clearTimeout(talk?.timer)
    talk?.listener.onEnd(error)
    const isExpected = this.#isOurs && this.#failure === undefined
    this.#events.onEnd(this, isExpected ? undefined : error)
  }
}

/** Guests yield to the service, so that it answers however busy they are. */
const niceness = 5

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, niceness)
  } catch {
    // It has ended already, or the system does not let us: it runs like anybody else.
  }
}
