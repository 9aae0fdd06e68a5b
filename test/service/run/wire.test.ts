// Frames against the golden ones that the native side is tested with (test/golden/wire/), and
// frames that no honest worker sends.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  decodeHello,
  decodeOutput,
  decodePrepared,
  decodeRefusal,
  decodeReport,
  encodePrepare,
  encodeStart,
  fillStart,
  frameTypeOf,
  programCheck,
  sessionIdOf,
} from '../../../service/run/wire.ts'

function golden(name: string): Buffer {
  const file = join(import.meta.dirname, '../../golden/wire', `${name}.hex`)
  return Buffer.from(readFileSync(file, 'latin1').replace(/\s/g, ''), 'hex')
}

const none = { reads: 0n, readBytes: 0n, writes: 0n, writeBytes: 0n }
const channels = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].map((alias, index) => ({
  alias,
  type: 0,
  etag: index === 1,
  sourceCount: 1,
  limits:
    index === 0
      ? { ...none, reads: 100n, readBytes: 65_536n }
      : { ...none, writes: 100n, writeBytes: 65_536n },
}))
const start = {
  memoryBytes: 33_554_432,
  wallMs: 5000,
  cpuMs: 1000,
  profile: 'zvm',
  memoryEtag: true,
  channels,
} as const

test('task frames are the golden ones, byte for byte', () => {
  assert.deepEqual(encodePrepare(11, 'zvm'), golden('prepare'))
  assert.deepEqual(encodeStart(12, start), golden('start'))
})

test('a start that names the mapped program sends no image', () => {
  const frame = encodeStart(12, { ...start, mappedSha256Hex: '0123456789abcdef'.repeat(4) })
  const expected = golden('start')
  expected.writeUInt16LE(3, 12)
  expected.writeUInt32LE(5, 52)
  expected.write('0123456789abcdef', 56, 'hex')
  assert.deepEqual(frame, expected)
})

test('snapshots: one is made, travels beside the image, or is named with it', () => {
  const mapped = { ...start, mappedSha256Hex: '0123456789abcdef'.repeat(4) }
  const snapshot = { nameHex: 'fedcba9876543210' }
  for (const [frame, fds, flags, name] of [
    [encodeStart(12, { ...start, snapshot: 'make' }), 5, 1 + 8, '00'.repeat(8)],
    [encodeStart(12, { ...mapped, snapshot: 'make' }), 4, 1 + 4 + 8, '0123456789abcdef'],
    [encodeStart(12, { ...start, snapshot }), 5, 1 + 16, snapshot.nameHex],
    [encodeStart(12, { ...mapped, snapshot }), 3, 1 + 4 + 16, snapshot.nameHex],
  ] as const) {
    const expected = golden('start')
    expected.writeUInt16LE(fds, 12)
    expected.writeUInt32LE(flags, 52)
    expected.write(name, 56, 'hex')
    assert.deepEqual(frame, expected)
  }
})

test('hello', () => {
  const frame = golden('hello')
  assert.equal(frameTypeOf(frame), 'hello')
  assert.deepEqual(decodeHello(frame), {
    pid: 4321,
    tasksMax: 1,
    imageVersion: 7,
    walls: 33,
    cpuFeatures: 0xabcdef,
    setupUs: 1500,
  })
})

test('prepared', () => {
  const frame = golden('prepared')
  assert.equal(sessionIdOf(frame), 11)
  assert.deepEqual(decodePrepared(frame), {
    valid: false,
    validated: true,
    profile: 'zvm',
    violationCount: 1,
    programBytes: 4097,
    sha256Hex: '',
    violations: [{ offset: 96, rule: 'bad-jump-target' }],
    code: 'validation-failed',
    message: 'validation failed',
  })
})

test('report', () => {
  assert.deepEqual(decodeReport(golden('report'), 3), {
    outcome: 'limited',
    validator: 'ok',
    profile: 'zvm',
    exitCode: -3,
    faultSignal: 11,
    faultAddress: 0x20040,
    wallUs: 5_000_123,
    cpuUs: 4300,
    peakMemoryBytes: 2 ** 20,
    memoryEtag: `sha256:${'a'.repeat(64)}`,
    programSha256Hex: 'b'.repeat(64),
    isMapped: false,
    hasSnapshot: false,
    channels: [
      {
        index: 1,
        reads: 0,
        readBytes: 0,
        writes: 2,
        writeBytes: 12,
        etag: `sha256:${'c'.repeat(64)}`,
      },
    ],
    reason: 'limit-wall-time',
    state: 'session timeout',
    records: [],
  })
})

test('a start whose inputs and outputs travel in frames', () => {
  const read = { ...none, reads: 100n, readBytes: 65_536n }
  const write = { ...none, writes: 100n, writeBytes: 65_536n }
  const template = encodeStart(0, {
    ...start,
    cpuMs: 0,
    memoryEtag: false,
    channels: [
      {
        alias: '/dev/stdin',
        type: 0,
        etag: false,
        sourceCount: 0,
        carriage: 'inline',
        limits: read,
      },
      {
        alias: '/dev/stdout',
        type: 0,
        etag: false,
        sourceCount: 0,
        carriage: 'inline',
        limits: write,
      },
      {
        alias: '/dev/stderr',
        type: 0,
        etag: false,
        sourceCount: 0,
        carriage: 'discard',
        limits: write,
      },
    ],
  })
  const image = { profile: 'zvm', mappedCheck: programCheck('a0a1a2a3a4a5a6a7'.repeat(4)) } as const
  const inputs = [{ channel: 0, bytes: Buffer.from('hello') }]
  assert.deepEqual(fillStart(template, 14, image, inputs), golden('start-inline'))
  const unmapped = fillStart(template, 14, { ...image, mappedCheck: undefined }, inputs)
  assert.equal(unmapped?.readUInt16LE(12), 1)
  assert.equal(unmapped?.readUInt32LE(52), 0)
  const big = [{ channel: 0, bytes: Buffer.alloc(65_536) }]
  assert.equal(fillStart(template, 14, image, big), undefined)
})

test('output records', () => {
  const frame = golden('output')
  const texts = decodeOutput(frame, 3).map(({ channel, bytes }) => [channel, bytes.toString()])
  assert.deepEqual(texts, [
    [1, 'one'],
    [2, 'two\n'],
  ])
})

test('output records that lie are refused', () => {
  const lies = [
    (frame: Buffer) => frame.subarray(0, -1),
    (frame: Buffer) => write(frame, 24, 3),
    (frame: Buffer) => write(frame, 28, 255),
    (frame: Buffer) => Buffer.concat([frame, Buffer.alloc(7)]),
  ]
  for (const lie of lies) {
    assert.throws(() => decodeOutput(lie(golden('output')), 3), { code: 'frame-invalid' })
  }
})

test('refusal', () => assert.equal(decodeRefusal(golden('refusal')), 'frame-field'))

test('a report that lies is refused', () => {
  const lies: readonly ((frame: Buffer) => Buffer)[] = [
    (frame) => frame.subarray(0, 300),
    (frame) => frame.subarray(0, -1),
    (frame) => Buffer.concat([frame, Buffer.alloc(1)]),
    (frame) => write(frame, 24, 9),
    (frame) => write(frame, 152, 200),
    (frame) => write(frame, 154, 255),
    (frame) => write(frame, 304, 3),
    (frame) => write(frame, 344, 0x41),
  ]
  for (const lie of lies) {
    assert.throws(() => decodeReport(lie(golden('report')), 3), { code: 'frame-invalid' })
  }
})

test('a job that does not fit into a frame is refused', () => {
  const [first] = channels
  assert.ok(first)
  const wide = Array.from({ length: 20 }, () => ({ ...first, alias: 'a'.repeat(8192) }))
  assert.throws(() => encodeStart(1, { ...start, channels: wide }), { code: 'frame-too-large' })
  const deep = Array.from({ length: 20 }, () => ({ ...first, sourceCount: 16 }))
  assert.throws(() => encodeStart(1, { ...start, channels: deep }), { code: 'frame-too-large' })
})

function write(frame: Buffer, at: number, byte: number): Buffer {
  frame[at] = byte
  return frame
}
