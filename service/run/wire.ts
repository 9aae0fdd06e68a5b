// Frames between this service and its workers (docs/wire.md; native/wire/layout.h is the other
// side, test/golden/wire/ keeps both honest). Fixed offsets, little-endian, one allocation a frame.
// A worker is not trusted: every field of its frames is checked before it is used.

export const wireVersion = 1
const magic = 0x574d565a
export const headerBytes = 24
export const frameBytesMax = 65_536
/** Descriptors of one frame. */
export const frameFdsMax = 253

const startMemoryEtag = 1
const startMappedImage = 4
const startMakeSnapshot = 8
const startSnapshot = 16
const reportImageMapped = 2
const reportSnapshotMade = 4

const typeNames = [
  undefined,
  'hello',
  'prepare',
  'prepared',
  'start',
  'report',
  'refusal',
  'output',
  'starts',
  'reports',
] as const
export type FrameType = Exclude<(typeof typeNames)[number], undefined>
const channelFlags = { descriptors: 0, inline: 2, discard: 4 } as const
const recordHeaderBytes = 8

export const wireOutcomes = ['exited', 'trapped', 'limited', 'cancelled', 'failed'] as const
const validators = ['ok', 'failed', 'not-run'] as const
export const profiles = ['nacl', 'zvm'] as const
export type Profile = (typeof profiles)[number]
const algorithms = ['sha1', 'sha256'] as const

/** `field`: which one is wrong. For frames of ours: the job does not fit into a frame. */
export class WireError extends Error {
  readonly code: 'frame-invalid' | 'frame-too-large'
  constructor(code: 'frame-invalid' | 'frame-too-large', field: string) {
    super(`${code}: ${field}`)
    this.name = 'WireError'
    this.code = code
  }
}

export type Hello = {
  readonly pid: number
  /** 0 = no bound. */
  readonly tasksMax: number
  readonly imageVersion: number
  readonly walls: number
  readonly cpuFeatures: number
  readonly setupUs: number
}

export type Prepared = {
  readonly valid: boolean
  readonly validated: boolean
  readonly profile: Profile
  readonly violationCount: number
  readonly programBytes: number
  /** Of the program, hexadecimal; '' unless valid. */
  readonly sha256Hex: string
  readonly violations: readonly { readonly offset: number; readonly rule: string }[]
  readonly code: string
  readonly message: string
}

export type StartChannel = {
  readonly alias: string
  readonly type: number
  readonly etag: boolean
  /** Of descriptors that travel with the frame. */
  readonly sourceCount: number
  /**
   * Without descriptors: an input of no bytes or an output in frames, or an output that nobody
   * wants.
   */
  readonly carriage?: 'inline' | 'discard'
  readonly limits: {
    readonly reads: bigint
    readonly readBytes: bigint
    readonly writes: bigint
    readonly writeBytes: bigint
  }
}

export type Start = {
  readonly memoryBytes: number
  /** 0 = none. */
  readonly wallMs: number
  readonly cpuMs: number
  readonly profile: Profile
  readonly memoryEtag: boolean
  /** SHA-256 (hexadecimal) of the program that the worker has mapped: no image travels. */
  readonly mappedSha256Hex?: string
  /**
   * Make one, for which a descriptor travels, or start from one, which travels beside the image and
   * is mapped with it. `nameHex`: 16 digits, its name in this worker.
   */
  readonly snapshot?: 'make' | { readonly nameHex: string }
  readonly channels: readonly StartChannel[]
}

/** `channel`: its index in the start frame. */
export type InlineInput = { readonly channel: number; readonly bytes: Uint8Array }

export type ReportChannel = {
  /** In the start frame. */
  readonly index: number
  readonly reads: number
  readonly readBytes: number
  readonly writes: number
  readonly writeBytes: number
  /** `sha256:…`, null when not asked for. */
  readonly etag: string | null
}

export type ReportFrame = {
  readonly outcome: (typeof wireOutcomes)[number]
  readonly validator: (typeof validators)[number]
  readonly profile: Profile
  readonly exitCode: number
  readonly faultSignal: number
  readonly faultAddress: number
  readonly wallUs: number
  readonly cpuUs: number
  readonly peakMemoryBytes: number
  readonly memoryEtag: string | null
  /** '' when there was no image. */
  readonly programSha256Hex: string
  /** The worker goes on and keeps the program mapped: the next start may name it. */
  readonly isMapped: boolean
  /** The file for the snapshot holds one. */
  readonly hasSnapshot: boolean
  readonly channels: readonly ReportChannel[]
  readonly reason: string
  readonly state: string
  /** What was written to inline outputs since the last `output` frame. */
  readonly records: readonly OutputRecord[]
}

/** `channel`: its index in the start frame. The bytes are borrowed from the frame. */
export type OutputRecord = { readonly channel: number; readonly bytes: Buffer }

export function encodePrepare(sessionId: number, profile: Profile): Buffer {
  const frame = open('prepare', headerBytes + 8, 2, sessionId)
  frame[24] = profiles.indexOf(profile)
  return frame
}

/** Throws WireError when the job does not fit into one frame. */
export function encodeStart(sessionId: number, start: Start): Buffer {
  const { channels, mappedSha256Hex, snapshot } = start
  let size = 64 + 48 * channels.length
  let fds = mappedSha256Hex === undefined ? 1 : 0
  if (snapshot !== undefined && (snapshot === 'make' || mappedSha256Hex === undefined)) fds += 1
  for (const { alias, sourceCount } of channels) {
    size += Buffer.byteLength(alias)
    fds += sourceCount
  }
  if (size > frameBytesMax) throw new WireError('frame-too-large', 'channels and aliases')
  if (fds > frameFdsMax) throw new WireError('frame-too-large', 'sources of channels')
  const frame = open('start', size, fds, sessionId)
  writeCount(frame, 24, start.memoryBytes)
  writeCount(frame, 32, start.wallMs)
  writeCount(frame, 40, start.cpuMs)
  frame.writeUInt16LE(channels.length, 48)
  frame[50] = profiles.indexOf(start.profile)
  frame[51] = algorithms.indexOf('sha256')
  frame[52] = start.memoryEtag ? startMemoryEtag : 0
  if (mappedSha256Hex !== undefined) {
    frame[52] |= startMappedImage
    frame.set(programCheck(mappedSha256Hex), 56)
  }
  if (snapshot === 'make') frame[52] |= startMakeSnapshot
  else if (snapshot !== undefined) {
    frame[52] |= startSnapshot
    frame.write(snapshot.nameHex, 56, 'hex')
  }
  let at = 64
  let aliasAt = 64 + 48 * channels.length
  for (const { alias, type, etag, sourceCount, carriage = 'descriptors', limits } of channels) {
    const aliasBytes = frame.write(alias, aliasAt)
    aliasAt += aliasBytes
    frame.writeUInt16LE(aliasBytes, at)
    frame[at + 2] = type
    frame[at + 3] = (etag ? 1 : 0) | channelFlags[carriage]
    frame[at + 4] = sourceCount
    frame.writeBigInt64LE(limits.reads, at + 8)
    frame.writeBigInt64LE(limits.readBytes, at + 16)
    frame.writeBigInt64LE(limits.writes, at + 24)
    frame.writeBigInt64LE(limits.writeBytes, at + 32)
    at += 48
  }
  return frame
}

/**
 * One session of a `template` that encodeStart made without descriptors and without a mapped
 * program. `inputs`: of its inline channels that have bytes, in their order. Undefined when they
 * do not fit.
 */
export function fillStart(
  template: Buffer,
  sessionId: number,
  image: { readonly profile: Profile; readonly mappedCheck: Buffer | undefined },
  inputs: readonly InlineInput[],
): Buffer | undefined {
  let size = template.length
  for (const { bytes } of inputs) size += bytes.length
  if (size > frameBytesMax) return undefined
  const frame = Buffer.allocUnsafe(size)
  frame.set(template)
  frame.writeUInt32LE(size, 8)
  writeCount(frame, 16, sessionId)
  frame[50] = profiles.indexOf(image.profile)
  if (image.mappedCheck !== undefined) {
    frame[12] = 0
    frame[52] = (frame[52] ?? 0) | startMappedImage
    frame.set(image.mappedCheck, 56)
  }
  let at = template.length
  for (const { channel, bytes } of inputs) {
    frame.writeUInt32LE(bytes.length, 64 + 48 * channel + 40)
    frame.set(bytes, at)
    at += bytes.length
  }
  return frame
}

/** What a start frame says of the program that its worker has mapped. */
export function programCheck(sha256Hex: string): Buffer {
  return Buffer.from(sha256Hex.slice(0, 16), 'hex')
}

/** What kind of frame a worker sent. Throws WireError. The addon has checked the header. */
export function frameTypeOf(frame: Buffer): FrameType {
  if (frame.length < headerBytes) throw new WireError('frame-invalid', 'size')
  const name = typeNames[frame.readUInt16LE(6)]
  if (name === undefined) throw new WireError('frame-invalid', 'type')
  return name
}

export function sessionIdOf(frame: Buffer): number {
  return readCount(frame, 16)
}

/** Throws WireError, as all decoders. */
export function decodeHello(frame: Buffer): Hello {
  expect(frame, 64)
  return {
    pid: frame.readUInt32LE(24),
    tasksMax: frame.readUInt8(29),
    imageVersion: frame.readUInt32LE(32),
    walls: frame.readUInt32LE(36),
    cpuFeatures: frame.readUInt32LE(40),
    setupUs: readCount(frame, 48),
  }
}

export function decodePrepared(frame: Buffer): Prepared {
  expect(frame, 128)
  const kept = frame.readUInt16LE(48)
  const codeAt = 128 + 32 * kept
  const messageAt = codeAt + frame.readUInt16LE(50)
  const end = messageAt + frame.readUInt16LE(52)
  if (end !== frame.length) throw new WireError('frame-invalid', 'texts')
  const violations = []
  for (let at = 128; at < codeAt; at += 32) {
    violations.push({ offset: frame.readUInt32LE(at), rule: readPadded(frame, at + 4, 28) })
  }
  return {
    valid: frame[24] === 1,
    validated: frame[25] === 1,
    profile: wordAt(frame, 26, profiles),
    violationCount: readCount(frame, 32),
    programBytes: readCount(frame, 40),
    sha256Hex: readHex(frame, 56, 64),
    violations,
    code: frame.toString('latin1', codeAt, messageAt),
    message: frame.toString('utf8', messageAt, end),
  }
}

/** `channelCount`: of the start frame that it answers. */
export function decodeReport(frame: Buffer, channelCount: number): ReportFrame {
  expect(frame, 304)
  const count = frame.readUInt16LE(152)
  const reasonAt = 304 + 112 * count
  const stateAt = reasonAt + frame.readUInt16LE(154)
  const end = stateAt + frame.readUInt16LE(156)
  if (count > channelCount || end !== frame.length - frame.readUInt32LE(288)) {
    throw new WireError('frame-invalid', 'parts')
  }
  const algorithm = wordAt(frame, 27, algorithms)
  const digest = (at: number, size: number) =>
    size === 0 ? null : `${algorithm}:${readHex(frame, at, size)}`
  const channels = []
  for (let at = 304; at < reasonAt; at += 112) {
    const index = frame.readUInt16LE(at)
    if (index >= channelCount) throw new WireError('frame-invalid', 'channel')
    channels.push({
      index,
      reads: readCount(frame, at + 8),
      readBytes: readCount(frame, at + 16),
      writes: readCount(frame, at + 24),
      writeBytes: readCount(frame, at + 32),
      etag: digest(at + 40, Math.min(frame.readUInt8(at + 4), 64)),
    })
  }
  return {
    outcome: wordAt(frame, 24, wireOutcomes),
    validator: wordAt(frame, 25, validators),
    profile: wordAt(frame, 26, profiles),
    exitCode: frame.readInt32LE(28),
    faultSignal: frame.readUInt32LE(36),
    faultAddress: frame.readUInt32LE(40),
    wallUs: readCount(frame, 48),
    cpuUs: readCount(frame, 56) + readCount(frame, 64),
    peakMemoryBytes: readCount(frame, 80),
    memoryEtag: digest(160, Math.min(frame.readUInt8(158), 64)),
    programSha256Hex: readHex(frame, 224, 64),
    isMapped: (frame.readUInt32LE(44) & reportImageMapped) !== 0,
    hasSnapshot: (frame.readUInt32LE(44) & reportSnapshotMade) !== 0,
    channels,
    reason: frame.toString('latin1', reasonAt, stateAt),
    state: frame.toString('utf8', stateAt, end),
    records: readRecords(frame, end, channelCount),
  }
}

/** `channelCount`: of the start frame. */
export function decodeOutput(frame: Buffer, channelCount: number): OutputRecord[] {
  return readRecords(frame, headerBytes, channelCount)
}

/** Up to the end of the frame. */
function readRecords(frame: Buffer, start: number, channelCount: number): OutputRecord[] {
  const records: OutputRecord[] = []
  for (let at = start; at < frame.length; ) {
    if (recordHeaderBytes > frame.length - at) throw new WireError('frame-invalid', 'record')
    const channel = frame.readUInt16LE(at)
    const size = frame.readUInt32LE(at + 4)
    at += recordHeaderBytes
    if (channel >= channelCount || size > frame.length - at) {
      throw new WireError('frame-invalid', 'record')
    }
    records.push({ channel, bytes: frame.subarray(at, at + size) })
    at += size
  }
  return records
}

/** The name of the reason. */
export function decodeRefusal(frame: Buffer): string {
  expect(frame, 32)
  if (32 + frame.readUInt16LE(28) !== frame.length) throw new WireError('frame-invalid', 'name')
  return frame.toString('latin1', 32)
}

function open(type: FrameType, sizeBytes: number, fdCount: number, sessionId: number): Buffer {
  const frame = Buffer.alloc(sizeBytes)
  setHeader(frame, 0, type, sizeBytes, fdCount, sessionId)
  return frame
}

/** The header of the frame that begins at `at`. */
export function setHeader(
  frame: Buffer,
  at: number,
  type: FrameType,
  sizeBytes: number,
  fdCount: number,
  sessionId: number,
): void {
  frame.writeUInt32LE(magic, at)
  frame.writeUInt16LE(wireVersion, at + 4)
  frame.writeUInt16LE(typeNames.indexOf(type), at + 6)
  frame.writeUInt32LE(sizeBytes, at + 8)
  frame.writeUInt16LE(fdCount, at + 12)
  frame.writeUInt16LE(0, at + 14)
  writeCount(frame, at + 16, sessionId)
}

function expect(frame: Buffer, sizeBytes: number): void {
  if (frame.length < sizeBytes) throw new WireError('frame-invalid', 'size')
}

export function wordAt<T extends string>(frame: Buffer, at: number, words: readonly T[]): T {
  const word = words[frame.readUInt8(at)]
  if (word === undefined) throw new WireError('frame-invalid', `byte ${at}`)
  return word
}

/** A whole number of 64 bits, 0..2^53-1. */
function writeCount(frame: Buffer, at: number, value: number): void {
  frame.writeUInt32LE(value % 2 ** 32, at)
  frame.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4)
}

/** What is beyond an honest number, or negative, becomes the largest one. */
export function readCount(frame: Buffer, at: number): number {
  const value = frame.readUInt32LE(at + 4) * 2 ** 32 + frame.readUInt32LE(at)
  return Math.min(value, Number.MAX_SAFE_INTEGER)
}

/** '' when the field is empty. */
function readHex(frame: Buffer, at: number, sizeBytes: number): string {
  if (frame[at] === 0) return ''
  const text = frame.toString('latin1', at, at + sizeBytes)
  if (!/^[0-9a-f]+$/.test(text)) throw new WireError('frame-invalid', 'digest')
  return text
}

function readPadded(frame: Buffer, at: number, sizeBytes: number): string {
  return frame.toString('latin1', at, at + sizeBytes).replace(/\0+$/, '')
}
