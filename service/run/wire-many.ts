// Frames that carry frames: many sessions to a worker, many reports back (docs/wire.md §2.8). Built
// in place and read in place, because there are tens of thousands a second. A worker is not
// trusted: sizes are checked before anything is read.
import { headerBytes, readCount, setHeader, WireError, wireOutcomes, wordAt } from './wire.ts'

/** A `start` frame without channels; what each channel adds, beside its alias and input. */
export const startBytes = 64
export const startChannelBytes = 48
/** Where the first start frame begins. */
export const beginStarts = headerBytes

const flagsAt = 52
const programCheckAt = 56
const mappedImage = 4
const reportBytes = 304
const reportChannelBytes = 112
const recordBytes = 8

/** Writes the header of a whole `starts` frame. */
export function finishStarts(frame: Buffer, fdCount: number): void {
  setHeader(frame, 0, 'starts', frame.length, fdCount, 0)
}

/** Makes the copy of a start frame at `at` that of another session. */
export function renumberStart(
  frame: Buffer,
  at: number,
  sizeBytes: number,
  sessionId: number,
  bringsImage: boolean,
): void {
  setHeader(frame, at, 'start', sizeBytes, bringsImage ? 1 : 0, sessionId)
  if (!bringsImage) return
  frame.writeUInt32LE(frame.readUInt32LE(at + flagsAt) & ~mappedImage, at + flagsAt)
  frame.fill(0, at + programCheckAt, at + startBytes)
}

/** Channel `index` of a start frame needs no descriptor. */
export function setWithoutDescriptor(
  start: Buffer,
  index: number,
  how: 'inline' | 'discard',
): void {
  const at = startBytes + startChannelBytes * index + 3
  start[at] = (start[at] ?? 0) | (how === 'inline' ? 2 : 4)
}

/** Of the inline input of channel `index` of the start frame at `at`. */
export function setInlineSize(frame: Buffer, at: number, index: number, sizeBytes: number): void {
  frame.writeUInt32LE(sizeBytes, at + startBytes + startChannelBytes * index + 40)
}

/** What every report says, without the objects that a whole report is made of. */
export type ReportHead = {
  sessionId: number
  outcome: (typeof wireOutcomes)[number]
  exitCode: number
  wallUs: number
  cpuUs: number
  peakMemoryBytes: number
  isMapped: boolean
  isZvm: boolean
  isValid: boolean
}

/** Calls `take` with where each report in a `reports` frame begins and ends. Throws WireError. */
export function eachReport(frame: Buffer, take: (at: number, end: number) => void): void {
  for (let at = headerBytes; at < frame.length; ) {
    const sizeBytes = frame.length - at >= headerBytes ? frame.readUInt32LE(at + 8) : 0
    if (sizeBytes < reportBytes || sizeBytes > frame.length - at || frame[at + 6] !== 5) {
      throw new WireError('frame-invalid', 'a report in a frame of many')
    }
    take(at, at + sizeBytes)
    at += sizeBytes
  }
}

/** Of the report at `at`. Throws WireError. */
export function readReportHead(frame: Buffer, at: number): ReportHead {
  return {
    sessionId: readCount(frame, at + 16),
    outcome: wordAt(frame, at + 24, wireOutcomes),
    exitCode: frame.readInt32LE(at + 28),
    wallUs: readCount(frame, at + 48),
    cpuUs: readCount(frame, at + 56) + readCount(frame, at + 64),
    peakMemoryBytes: readCount(frame, at + 80),
    isMapped: (frame.readUInt32LE(at + 44) & 2) !== 0,
    isZvm: frame[at + 26] === 1,
    isValid: frame[at + 25] === 0,
  }
}

/** Where the records of its outputs begin in the report at `at`. Throws WireError. */
export function recordsOfReport(frame: Buffer, at: number, end: number): number {
  const sizeBytes = frame.readUInt32LE(at + 288)
  const channels = frame.readUInt16LE(at + 152)
  const texts = frame.readUInt16LE(at + 154) + frame.readUInt16LE(at + 156)
  const recordsAt = at + reportBytes + reportChannelBytes * channels + texts
  if (recordsAt + sizeBytes !== end) throw new WireError('frame-invalid', 'parts')
  return recordsAt
}

/** The report at `at` as a frame without records: what decodeReport takes. Throws WireError. */
export function copyReport(frame: Buffer, at: number, end: number): Buffer {
  const report = Buffer.from(frame.subarray(at, recordsOfReport(frame, at, end)))
  report.writeUInt32LE(report.length, 8)
  report.writeUInt32LE(0, 288)
  return report
}

/** Calls `take` with each piece of output between `at` and `end`. Throws WireError. */
export function eachRecord(
  frame: Buffer,
  at: number,
  end: number,
  take: (channel: number, bytes: Buffer) => void,
): void {
  for (let next = at; next < end; ) {
    const sizeBytes = end - next >= recordBytes ? frame.readUInt32LE(next + 4) : 0
    const bytesAt = next + recordBytes
    if (sizeBytes < 1 || sizeBytes > end - bytesAt) throw new WireError('frame-invalid', 'record')
    take(frame.readUInt16LE(next), frame.subarray(bytesAt, bytesAt + sizeBytes))
    next = bytesAt + sizeBytes
  }
}
