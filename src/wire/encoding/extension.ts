import { malformed, Rejection } from './bytes.js'

/**
 * The MessagePack extension types of the wire. Types and layouts are those of msgpackr, so its users decode them without
 * further code; docs/wire.md describes them for other languages.
 */
export const Extension = {
  /** One zero byte. */
  undefined: 0x00,
  /** A big-endian two's complement integer of any length from 1. */
  bigint: 0x42,
  /** One byte that names the kind of array, then its bytes, little-endian. */
  binaryArray: 0x74,
  /** MessagePack's own timestamp type, −1. */
  timestamp: 0xff,
} as const

/** A bigint with more bytes than this is refused. */
export const maxBigintBytes = 1024 * 1024

/** A typed array, an `ArrayBuffer` or a `DataView`; byte strings (`Uint8Array`, `Buffer`) have a format of their own. */
export type BinaryArray = ArrayBuffer | ArrayBufferView

interface ArrayKind {
  readonly code: number
  readonly elementBytes: number
  readonly of: (bytes: ArrayBuffer) => BinaryArray
}

const kinds: Readonly<Record<string, ArrayKind>> = {
  Int8Array: { code: 0, elementBytes: 1, of: (bytes) => new Int8Array(bytes) },
  Uint8ClampedArray: { code: 2, elementBytes: 1, of: (bytes) => new Uint8ClampedArray(bytes) },
  Int16Array: { code: 3, elementBytes: 2, of: (bytes) => new Int16Array(bytes) },
  Uint16Array: { code: 4, elementBytes: 2, of: (bytes) => new Uint16Array(bytes) },
  Int32Array: { code: 5, elementBytes: 4, of: (bytes) => new Int32Array(bytes) },
  Uint32Array: { code: 6, elementBytes: 4, of: (bytes) => new Uint32Array(bytes) },
  Float32Array: { code: 7, elementBytes: 4, of: (bytes) => new Float32Array(bytes) },
  Float64Array: { code: 8, elementBytes: 8, of: (bytes) => new Float64Array(bytes) },
  BigInt64Array: { code: 9, elementBytes: 8, of: (bytes) => new BigInt64Array(bytes) },
  BigUint64Array: { code: 10, elementBytes: 8, of: (bytes) => new BigUint64Array(bytes) },
  ArrayBuffer: { code: 16, elementBytes: 1, of: (bytes) => bytes },
  DataView: { code: 17, elementBytes: 1, of: (bytes) => new DataView(bytes) },
}
const kindByCode = new Map(Object.values(kinds).map((kind) => [kind.code, kind]))

/** Whether this machine stores numbers least significant byte first, as the wire does. */
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The payload of {@link Extension.binaryArray}: a copy. Undefined for a kind of array that the wire does not have. */
export function encodeBinaryArray(array: BinaryArray): Buffer | undefined {
  const kind = kinds[kindName(array)]
  if (kind === undefined) return undefined
  const bytes = ArrayBuffer.isView(array)
    ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    : new Uint8Array(array)
  const payload = Buffer.allocUnsafe(1 + bytes.length)
  payload[0] = kind.code
  payload.set(bytes, 1)
  if (!isLittleEndian) reverseElements(payload.subarray(1), kind.elementBytes)
  return payload
}

/** Decodes a payload that {@link checkBinaryArray} has passed. The array owns its memory. */
export function decodeBinaryArray(payload: Uint8Array): BinaryArray {
  const kind = kindByCode.get(payload[0] ?? -1)
  if (kind === undefined) throw malformed(Rejection.badValue, 'msgpack typed array')
  const bytes = new Uint8Array(payload.length - 1) // of its own, and so aligned for every kind
  bytes.set(payload.subarray(1))
  if (!isLittleEndian) reverseElements(bytes, kind.elementBytes)
  return kind.of(bytes.buffer)
}

/** @throws NumacastError NUMACAST_MALFORMED for an unknown kind, and for a part of an element */
export function checkBinaryArray(code: number | undefined, byteLength: number): void {
  const kind = kindByCode.get(code ?? -1)
  if (kind === undefined || byteLength % kind.elementBytes !== 0) {
    throw malformed(Rejection.badValue, 'msgpack typed array')
  }
}

/** The payload of {@link Extension.bigint}: the shortest two's complement form. */
export function encodeBigint(value: bigint): Buffer {
  const magnitude = value < 0n ? ~value : value
  const digits = magnitude.toString(16)
  const even = digits.length % 2 === 0 ? digits : `0${digits}`
  // The first bit is the sign.
  const bytes = Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, 'hex')
  if (value < 0n) for (let index = 0; index < bytes.length; index++) bytes[index] = ~(bytes[index] as number)
  return bytes
}

export function decodeBigint(payload: Uint8Array): bigint {
  const isNegative = ((payload[0] ?? 0) & 0x80) !== 0
  const bytes = Buffer.from(payload)
  if (isNegative) for (let index = 0; index < bytes.length; index++) bytes[index] = ~(bytes[index] as number)
  const magnitude = BigInt(`0x${bytes.toString('hex')}`)
  return isNegative ? ~magnitude : magnitude
}

/** The payload of {@link Extension.timestamp}: 4 bytes for whole seconds until 2106, 8 until 2514, else 12. */
export function encodeTimestamp(timeMs: number): Buffer {
  const seconds = Math.floor(timeMs / 1000)
  const nanoseconds = (timeMs - seconds * 1000) * 1_000_000
  if (seconds >= 0 && seconds < 2 ** 32 && nanoseconds === 0) {
    const payload = Buffer.allocUnsafe(4)
    payload.writeUInt32BE(seconds)
    return payload
  }
  if (seconds >= 0 && seconds < 2 ** 34) {
    const payload = Buffer.allocUnsafe(8)
    payload.writeBigUInt64BE((BigInt(nanoseconds) << 34n) | BigInt(seconds))
    return payload
  }
  const payload = Buffer.allocUnsafe(12)
  payload.writeUInt32BE(nanoseconds)
  payload.writeBigInt64BE(BigInt(seconds), 4)
  return payload
}

/** Nanoseconds that are no whole milliseconds are cut off. A time beyond the range of `Date` is an invalid date. */
export function decodeTimestamp(payload: Buffer): Date {
  if (payload.length === 4) return new Date(payload.readUInt32BE(0) * 1000)
  if (payload.length === 8) {
    const nanoseconds = payload.readUInt32BE(0) >>> 2
    const seconds = (payload.readUInt32BE(0) & 0x3) * 2 ** 32 + payload.readUInt32BE(4)
    return new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000))
  }
  return new Date(Number(payload.readBigInt64BE(4)) * 1000 + Math.floor(payload.readUInt32BE(0) / 1_000_000))
}

/** Names the builtin of an array also when it comes from another realm, as in a test runner's sandbox. */
function kindName(array: BinaryArray): string {
  return Object.prototype.toString.call(array).slice('[object '.length, -1)
}

function reverseElements(bytes: Uint8Array, elementBytes: number): void {
  for (let at = 0; at + elementBytes <= bytes.length; at += elementBytes) {
    bytes.subarray(at, at + elementBytes).reverse()
  }
}
