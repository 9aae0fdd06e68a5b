// The addon against real worker processes: hello from program to report, cancel, death, hostile frames,
// and nothing left behind after a thousand sessions. Plain JavaScript: runs in Node 20 and 24.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const buildDir =
  process.env.ZVM_BUILD_DIR ?? fileURLToPath(new URL('../../native/build', import.meta.url))
const zvm = createRequire(import.meta.url)(`${buildDir}/zvm.node`)
const workerPath = `${buildDir}/zvm-worker`
const hello = `${buildDir}/guest/asm/hello.nexe`
const headerSize = 24

function frame(type, fdCount, body, sessionId = 7n) {
  const bytes = Buffer.alloc(headerSize + body.length)
  bytes.writeUInt32LE(0x574d565a, 0)
  bytes.writeUInt16LE(zvm.wireVersion, 4)
  bytes.writeUInt16LE(type, 6)
  bytes.writeUInt32LE(bytes.length, 8)
  bytes.writeUInt16LE(fdCount, 12)
  bytes.writeBigUInt64LE(sessionId, 16)
  body.copy(bytes, headerSize)
  return bytes
}

const prepareFrame = () => frame(2, 2, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))

function startFrame({ wallMs = 5000n } = {}) {
  const fixed = Buffer.alloc(40)
  fixed.writeBigInt64LE(33554432n, 0)
  fixed.writeBigUInt64LE(wallMs, 8)
  fixed.writeUInt16LE(3, 24)
  fixed.writeUInt8(1, 26)
  const aliases = ['/dev/stdin', '/dev/stdout', '/dev/stderr']
  const channels = aliases.map((alias, i) => {
    const channel = Buffer.alloc(48)
    channel.writeUInt16LE(alias.length, 0)
    channel.writeUInt8(1, 4)
    const limits = i === 0 ? [1000n, 1000n, 0n, 0n] : [0n, 0n, 1000n, 1000n]
    for (const [n, limit] of limits.entries()) channel.writeBigInt64LE(limit, 8 + 8 * n)
    return channel
  })
  return frame(4, 4, Buffer.concat([fixed, ...channels, Buffer.from(aliases.join(''))]))
}

// A worker as promises: `next()` gives the frames in order, `exit` the end.
function startWorker(role, options = {}) {
  const frames = []
  const waiting = []
  let exitCount = 0
  let tellExit
  let isUnread
  const exit = new Promise((resolve) => {
    tellExit = resolve
  })
  const worker = zvm.spawnWorker(
    { path: workerPath, role, ...options },
    {
      onFrame(bytes) {
        assert.equal(exitCount, 0, 'no frame after the exit')
        const taker = waiting.shift()
        if (taker) taker(bytes)
        else frames.push(bytes)
      },
      onExit(status, wireError, unread) {
        exitCount += 1
        assert.equal(exitCount, 1)
        for (const taker of waiting) taker(null)
        tellExit({ ...status, wireError })
        isUnread = unread
      },
    },
  )
  const next = () =>
    frames.length > 0
      ? Promise.resolve(frames.shift())
      : new Promise((resolve) => {
          waiting.push(resolve)
        })
  return { worker, next, exit, isUnread: () => isUnread }
}

async function prepare(path) {
  const { worker, next, exit } = startWorker('prepare')
  const program = zvm.openFile(path)
  const image = zvm.makeImageFile()
  assert.equal((await next()).readUInt16LE(6), 1)
  assert.equal(worker.send(prepareFrame(), [program, image]), true)
  program.close()
  const prepared = await next()
  assert.deepEqual(await exit, { code: 0, signal: null, wireError: null })
  return { prepared, image }
}

async function runHello(image) {
  const { worker, next, exit } = startWorker('session')
  const nothing = zvm.openNull()
  const output = zvm.makeMemfd('output')
  await next()
  worker.send(startFrame(), [image, nothing, output, nothing])
  nothing.close()
  const report = await next()
  const status = await exit
  const text = output.read(0, 100).toString()
  output.close()
  return { report, status, text }
}

/** Until the process has used some processor time that only a guest uses. */
async function untilBusy(pid) {
  const ticks = () => Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[13])
  while (ticks() < 3) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function untilState(pid, letter) {
  const state = () => /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  while (state() !== letter) await new Promise((resolve) => setTimeout(resolve, 1))
}

const openFds = () => readdirSync('/proc/self/fd').length
const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim()

test('hello: prepared, run, reported', async () => {
  const { prepared, image } = await prepare(hello)
  assert.equal(prepared.readUInt16LE(6), 3)
  assert.equal(prepared.readUInt8(24), 1)
  assert.equal(prepared.readBigUInt64LE(16), 7n)
  assert.equal(image.isSealed(), true)
  const { report, status, text } = await runHello(image)
  assert.equal(text, 'hello world\n')
  assert.equal(report.readUInt16LE(6), 5)
  assert.equal(report.readUInt8(24), 0)
  assert.deepEqual(status, { code: 0, signal: null, wireError: null })
  image.close()
})

test('a program that is none is refused with its reason, the image stays unsealed', async () => {
  const { prepared, image } = await prepare(fileURLToPath(import.meta.url))
  assert.equal(prepared.readUInt8(24), 0)
  assert.match(prepared.subarray(128).toString(), /^elf-not-elf|^elf-/)
  assert.equal(image.isSealed(), false)
  image.close()
})

test('a frame of another version is refused and ends the worker', async () => {
  const { worker, next, exit } = startWorker('session')
  await next()
  const bytes = startFrame()
  bytes.writeUInt16LE(99, 4)
  const nothing = zvm.openNull()
  worker.send(bytes, [nothing, nothing, nothing, nothing])
  nothing.close()
  const refusal = await next()
  assert.equal(refusal.readUInt16LE(6), 6)
  assert.equal(refusal.subarray(32).toString(), 'frame-version')
  assert.equal((await exit).code, 81)
})

test('an idle worker ends on SIGTERM, and on SIGKILL at any time', async () => {
  const idle = startWorker('session')
  await idle.next()
  assert.equal(idle.worker.kill('SIGTERM'), true)
  assert.deepEqual(await idle.exit, { code: 0, signal: null, wireError: null })
  assert.equal(idle.worker.kill('SIGKILL'), false)
  assert.throws(() => idle.worker.send(startFrame()), { code: 'worker-gone' })
  const killed = startWorker('prepare')
  killed.worker.close()
  assert.equal((await killed.exit).signal, 'SIGKILL')
})

test('a worker that dies tells whether it had received its last frame', async () => {
  const nothing = zvm.openNull()
  const { image } = await prepare(`${buildDir}/guest/asm/spin.nexe`)
  for (const isStopped of [true, false]) {
    const { worker, next, exit, isUnread } = startWorker('session')
    await next()
    if (isStopped) {
      process.kill(worker.pid, 'SIGSTOP')
      // The signal wakes it from its read: what comes before it has stopped would be received.
      await untilState(worker.pid, 'T')
    }
    worker.send(startFrame(), [image, nothing, nothing, nothing])
    // One that runs takes the frame at once; its guest ends by no other means than the kill.
    if (!isStopped) await untilBusy(worker.pid)
    process.kill(worker.pid, 'SIGKILL')
    assert.deepEqual(await exit, { code: null, signal: 'SIGKILL', wireError: null })
    assert.equal(isUnread(), isStopped)
  }
  image.close()
  nothing.close()
})

test('a session that waits for its input is cancelled by SIGTERM with a report', async () => {
  const { image } = await prepare(`${buildDir}/guest/bench/copy.nexe`)
  const { worker, next, exit } = startWorker('session')
  await next()
  const input = zvm.makePipe()
  const nothing = zvm.openNull()
  worker.send(startFrame(), [image, input.read, nothing, nothing])
  setTimeout(() => worker.kill('SIGTERM'), 50)
  const report = await next()
  assert.equal(report.readUInt8(24), 3)
  assert.equal((await exit).code, 0)
  for (const handle of [image, input.read, input.write, nothing]) handle.close()
})

test('one worker, many sessions: named image, cancel of one session, end by SIGTERM', async () => {
  const { image } = await prepare(hello)
  const { worker, next, exit } = startWorker('session', { tasksMax: 0 })
  assert.equal((await next()).readUInt8(29), 0)
  const nothing = zvm.openNull()
  worker.send(startFrame(), [image, nothing, nothing, nothing])
  const first = await next()
  assert.equal(first.readUInt32LE(44) & 2, 2)
  const named = startFrame()
  named.writeUInt16LE(3, 12)
  named.writeUInt32LE(4, 52)
  named.write(first.toString('latin1', 224, 240), 56, 'hex')
  for (let i = 0; i < 100; i += 1) {
    const output = zvm.makeMemfd('output')
    worker.send(named, [nothing, output, nothing])
    assert.equal((await next()).readUInt8(24), 0)
    assert.equal(output.read(0, 100).toString(), 'hello world\n')
    output.close()
  }
  assert.equal(worker.cancel(7), true)
  assert.equal(worker.cancel(7n), true)
  for (const wrong of [-1, 0.5, '7', 2n ** 64n, undefined]) {
    assert.throws(() => worker.cancel(wrong), TypeError)
  }
  worker.kill('SIGTERM')
  assert.equal((await exit).code, 0)
  assert.equal(worker.cancel(7), false)
  for (const tasksMax of [-1, 256, 'many']) {
    assert.throws(() => startWorker('session', { tasksMax }), TypeError)
  }
  image.close()
  nothing.close()
})

test('wrong shapes throw and leave nothing behind', () => {
  const before = openFds()
  assert.throws(() => new zvm.FdHandle(), TypeError)
  assert.throws(() => new zvm.Worker(), TypeError)
  assert.throws(() => zvm.openFile(3), TypeError)
  assert.throws(() => zvm.openFile('/nowhere'), { name: 'NativeError', code: 'ENOENT' })
  assert.throws(() => zvm.makeMemfd('x', [1]), TypeError)
  assert.throws(
    () => zvm.spawnWorker({ path: 'worker', role: 'session' }, { onFrame() {}, onExit() {} }),
    TypeError,
  )
  assert.throws(
    () => zvm.spawnWorker({ path: '/nowhere', role: 'session' }, { onFrame() {}, onExit() {} }),
    { code: 'ENOENT' },
  )
  assert.throws(() => zvm.spawnWorker({ path: workerPath, role: 'session' }, {}), TypeError)
  const handle = zvm.openNull()
  handle.close()
  handle.close()
  assert.throws(() => handle.release(), { code: 'handle-closed' })
  assert.equal(openFds(), before)
})

test('a process that ends without a word is told by its exit alone', async () => {
  const { exit, next } = startWorker('session', { path: '/bin/false' })
  assert.equal(await next(), null)
  assert.deepEqual(await exit, { code: 1, signal: null, wireError: null })
})

test('1000 sessions leave no process, descriptor or handle', async () => {
  const { image } = await prepare(hello)
  const before = openFds()
  const handles = zvm.stats().openHandles
  const parallel = 4
  let left = 1000
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (left-- > 0) {
        const { text, report } = await runHello(image)
        assert.equal(text, 'hello world\n')
        assert.equal(report.readUInt8(24), 0)
      }
    }),
  )
  assert.equal(openFds(), before)
  assert.equal(children(), '')
  assert.equal(zvm.stats().openHandles, handles)
  assert.equal(zvm.stats().workers, 0)
  assert.equal(zvm.stats().leakedHandles, 0)
  image.close()
})

test('a service that ends while workers wait ends cleanly', () => {
  const script = `
    const zvm = require(process.argv[1])
    const path = process.argv[2]
    for (let i = 0; i < 4; ++i) {
      const worker = zvm.spawnWorker({ path, role: 'session' }, {
        onFrame() { worker.unref() },
        onExit() {}
      })
    }`
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    ['-e', script, `${buildDir}/zvm.node`, workerPath],
    { encoding: 'utf8' },
  )
  assert.deepEqual([status, signal, stderr], [0, null, ''])
})
