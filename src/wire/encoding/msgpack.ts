import { Packr, Unpackr } from 'msgpackr'
import { malformed, Rejection } from './bytes.js'
import { checkBinaryArray, Extension, maxBigintBytes } from './extension.js'
import { defaultMaxDepth } from './value-writer.js'

/**
 * MessagePack for the bodies of requests and replies, by msgpackr: maps of strings, numbers, lists and bytes, without
 * msgpackr's records, so that any language can take part. Values of samples have a codec of their own (value-writer.ts,
 * value-reader.ts): it refuses what would not arrive exactly.
 *
 * {@link checkMsgpack} walks foreign bytes before anything is decoded. After it has passed, decoding cannot allocate
 * more than the bytes justify, recurse deeply, or reach a prototype.
 */

const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true })
/** Numbers when exact, else bigints: documented by msgpackr, missing in its types. */
const safeIntegers = 'auto' as unknown as 'bigint'
const unpackr = new Unpackr({ useRecords: false, moreTypes: false, mapsAsObjects: true, int64AsType: safeIntegers })

export interface MsgpackLimits {
  /** @default 16 */
  readonly maxDepth?: number
}

/** Encodes the body of a message into a fresh buffer that the caller may keep. */
export function pack(value: unknown): Buffer {
  return Buffer.from(packr.pack(value))
}

/** @throws NumacastError NUMACAST_MALFORMED when `bytes` are not exactly one acceptable MessagePack value */
export function unpack(bytes: Buffer, limits: MsgpackLimits = {}): unknown {
  checkMsgpack(bytes, 0, bytes.length, limits)
  return unpackr.unpack(bytes)
}

/**
 * @throws NumacastError NUMACAST_MALFORMED: truncated, trailing bytes, nested too deep, more elements announced
 * than bytes left, a key `__proto__`, or an extension that {@link Extension} does not have.
 */
export function checkMsgpack(bytes: Buffer, start: number, end: number, limits: MsgpackLimits = {}): void {
  const after = checkValue(bytes, start, end, limits.maxDepth ?? defaultMaxDepth)
  if (after !== end) throw malformed(Rejection.trailingBytes, 'msgpack')
}

/** Returns the position after the value at `at`. */
function checkValue(bytes: Buffer, at: number, end: number, depth: number): number {
  if (at >= end) throw malformed(Rejection.truncated, 'msgpack')
  const token = bytes[at] as number
  const next = at + 1
  if (token < 0x80 || token >= 0xe0) return next
  if (token < 0x90) return checkEntries(bytes, next, end, (token & 0x0f) * 2, true, depth)
  if (token < 0xa0) return checkEntries(bytes, next, end, token & 0x0f, false, depth)
  if (token < 0xc0) return within(next + (token & 0x1f), end)
  switch (token) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return next
    case 0xc4:
    case 0xd9:
      return within(next + 1 + length(bytes, next, end, 1), end)
    case 0xc5:
    case 0xda:
      return within(next + 2 + length(bytes, next, end, 2), end)
    case 0xc6:
    case 0xdb:
      return within(next + 4 + length(bytes, next, end, 4), end)
    case 0xca:
    case 0xce:
    case 0xd2:
      return within(next + 4, end)
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return within(next + 8, end)
    case 0xcc:
    case 0xd0:
      return within(next + 1, end)
    case 0xcd:
    case 0xd1:
      return within(next + 2, end)
    case 0xdc:
      return checkEntries(bytes, next + 2, end, length(bytes, next, end, 2), false, depth)
    case 0xdd:
      return checkEntries(bytes, next + 4, end, length(bytes, next, end, 4), false, depth)
    case 0xde:
      return checkEntries(bytes, next + 2, end, length(bytes, next, end, 2) * 2, true, depth)
    case 0xdf:
      return checkEntries(bytes, next + 4, end, length(bytes, next, end, 4) * 2, true, depth)
    case 0xd4:
      return checkExtension(bytes, next, end, 1)
    case 0xd5:
      return checkExtension(bytes, next, end, 2)
    case 0xd6:
      return checkExtension(bytes, next, end, 4)
    case 0xd7:
      return checkExtension(bytes, next, end, 8)
    case 0xd8:
      return checkExtension(bytes, next, end, 16)
    case 0xc7:
      return checkExtension(bytes, next + 1, end, length(bytes, next, end, 1))
    case 0xc8:
      return checkExtension(bytes, next + 2, end, length(bytes, next, end, 2))
    case 0xc9:
      return checkExtension(bytes, next + 4, end, length(bytes, next, end, 4))
    default:
      throw malformed(Rejection.badValue, 'msgpack token')
  }
}

/** Checks the extension whose type is at `at`, followed by a payload of `payloadBytes`. */
function checkExtension(bytes: Buffer, at: number, end: number, payloadBytes: number): number {
  const after = within(at + 1 + payloadBytes, end)
  switch (bytes[at]) {
    case Extension.undefined:
      if (payloadBytes === 1 && bytes[at + 1] === 0x00) return after
      break
    case Extension.bigint:
      if (payloadBytes > 0 && payloadBytes <= maxBigintBytes) return after
      break
    case Extension.binaryArray:
      if (payloadBytes > 0) {
        checkBinaryArray(bytes[at + 1], payloadBytes - 1)
        return after
      }
      break
    case Extension.timestamp:
      if (payloadBytes === 4 || payloadBytes === 8 || payloadBytes === 12) return after
  }
  throw malformed(Rejection.badValue, 'msgpack extension')
}

function checkEntries(bytes: Buffer, at: number, end: number, count: number, isMap: boolean, depth: number): number {
  if (depth === 0) throw malformed(Rejection.tooDeep, 'msgpack')
  if (count > end - at) throw malformed(Rejection.tooMany, 'msgpack')
  let position = at
  for (let index = 0; index < count; index++) {
    const start = position
    position = checkValue(bytes, start, end, depth - 1)
    if (isMap && (index & 1) === 0) checkMapKey(bytes, start, position)
  }
  return position
}

/** Refuses keys that are not short strings, and `__proto__`, which would reach a prototype. */
function checkMapKey(bytes: Buffer, start: number, end: number): void {
  const token = bytes[start] as number
  if (!(token >= 0xa0 && token < 0xc0) && token !== 0xd9) throw malformed(Rejection.badValue, 'msgpack map key')
  const textStart = start + (token === 0xd9 ? 2 : 1)
  if (end - textStart === 9 && bytes.toString('latin1', textStart, end) === '__proto__') {
    throw malformed(Rejection.prototypeKey, 'msgpack map key')
  }
}

function length(bytes: Buffer, at: number, end: number, size: 1 | 2 | 4): number {
  within(at + size, end)
  return bytes.readUIntBE(at, size)
}

function within(position: number, end: number): number {
  if (position > end) throw malformed(Rejection.truncated, 'msgpack')
  return position
}
