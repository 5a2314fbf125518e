import { NumacastError } from '../../core/errors.js'
import { Rejection } from './bytes.js'
import {
  type BinaryArray,
  Extension,
  encodeBigint,
  encodeBinaryArray,
  encodeTimestamp,
  maxBigintBytes,
} from './extension.js'
import { fixedExtensionToken, textHeadBytes } from './msgpack-heads.js'
import { DataKind, dataKind, describeValue } from './plain-data.js'
import { pathText } from './value-path.js'

const firstCapacity = 256
/** The most that the head of a text, of bytes or of an array takes. */
const headRoom = 6
/** Up to here a loop beats a call into the native encoder. */
const shortText = 16
/** In bytes; a reader refuses longer ones. */
const maxMapKeyBytes = 255
/** Of nested arrays and maps. */
export const defaultMaxDepth = 16
/** With `u`, a pair is one character and does not match. */
const loneSurrogate = /\p{Surrogate}/u

/**
 * Writes values as MessagePack, one after another into a buffer of its own. A value arrives unchanged, or it is
 * refused here: docs/wire.md lists what can be sent.
 */
export class ValueWriter {
  #buffer = Buffer.allocUnsafeSlow(firstCapacity)
  #position = 0
  /** The keys and indexes that lead to the value being written; only the first `depth` count. */
  readonly #path: (string | number)[] = []

  /** Resets the buffer. */
  reset(): void {
    this.#position = 0
  }

  /** @returns a view of this writer's buffer, valid until the next {@link reset} */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#position)
  }

  arrayHead(length: number): void {
    this.#makeRoom(headRoom)
    if (length < 16) this.#buffer[this.#position++] = 0x90 | length
    else if (length < 0x10000) this.#head(0xdc, 2, length)
    else this.#head(0xdd, 4, length)
  }

  /** Writes a field of a record. @throws as {@link value} */
  field(name: string, value: unknown): void {
    this.#path[0] = name
    this.value(value, 1)
  }

  /**
   * @param depth arrays and maps around the value
   * @throws NumacastError NUMACAST_MALFORMED for a value that would not arrive unchanged; `details.path` leads to it
   */
  value(value: unknown, depth = 0): void {
    switch (typeof value) {
      case 'string':
        this.#text(value, depth)
        return
      case 'number':
        this.#number(value)
        return
      case 'boolean':
        this.#makeRoom(1)
        this.#buffer[this.#position++] = value ? 0xc3 : 0xc2
        return
      case 'undefined':
        this.#makeRoom(3)
        this.#head(0xd4, 2, 0)
        return
      case 'bigint':
        this.#bigint(value, depth)
        return
      case 'object':
        if (value === null) {
          this.#makeRoom(1)
          this.#buffer[this.#position++] = 0xc0
        } else this.#object(value, depth)
        return
      default:
        throw this.#refusal(Rejection.badValue, depth, `is ${describeValue(value)}, which cannot be sent`)
    }
  }

  #object(value: object, depth: number): void {
    switch (dataKind(value)) {
      case DataKind.map:
        this.#map(value as Readonly<Record<string, unknown>>, depth)
        return
      case DataKind.array:
        this.#array(value as readonly unknown[], depth)
        return
      case DataKind.bytes:
        this.#bytes(value as Uint8Array)
        return
      case DataKind.date:
        this.#date(value as Date, depth)
        return
      case DataKind.binaryArray: {
        const payload = encodeBinaryArray(value as BinaryArray)
        if (payload === undefined) break
        this.#extension(Extension.binaryArray, payload)
        return
      }
    }
    const hint = 'send plain objects, arrays, numbers, bigints, texts, dates, buffers and typed arrays'
    throw this.#refusal(Rejection.badValue, depth, `is ${describeValue(value)}, which cannot be sent: ${hint}`)
  }

  #array(values: readonly unknown[], depth: number): void {
    if (depth >= defaultMaxDepth) throw this.#tooDeep(depth)
    const { length } = values
    // Counts holes, which would arrive as undefined, and properties beside the elements, which would be lost.
    if (Object.keys(values).length !== length) {
      throw this.#refusal(Rejection.badValue, depth, 'is an array with holes or with further properties')
    }
    this.arrayHead(length)
    for (let index = 0; index < length; index++) {
      this.#path[depth] = index
      const value = values[index]
      if (value === undefined && !(index in values)) throw this.#refusal(Rejection.badValue, depth + 1, 'is a hole')
      this.value(value, depth + 1)
    }
  }

  #map(map: Readonly<Record<string, unknown>>, depth: number): void {
    if (depth >= defaultMaxDepth) throw this.#tooDeep(depth)
    const keys = Object.keys(map)
    if (Object.getOwnPropertySymbols(map).length > 0) {
      throw this.#refusal(Rejection.badValue, depth, 'has a symbol as a key, which cannot be sent')
    }
    this.#makeRoom(headRoom)
    if (keys.length < 16) this.#buffer[this.#position++] = 0x80 | keys.length
    else if (keys.length < 0x10000) this.#head(0xde, 2, keys.length)
    else this.#head(0xdf, 4, keys.length)
    for (const key of keys) {
      this.#path[depth] = key
      this.#mapKey(key, depth + 1)
      this.value(map[key], depth + 1)
    }
  }

  #mapKey(key: string, depth: number): void {
    if (key === '__proto__') throw this.#refusal(Rejection.prototypeKey, depth, 'has a key that no reader accepts')
    if (3 * key.length > maxMapKeyBytes && Buffer.byteLength(key) > maxMapKeyBytes) {
      throw this.#refusal(Rejection.badValue, depth, `has a key of more than ${maxMapKeyBytes} bytes`)
    }
    this.#text(key, depth)
  }

  #number(value: number): void {
    this.#makeRoom(9)
    const buffer = this.#buffer
    if (value === value >>> 0 && (value !== 0 || !Object.is(value, -0))) {
      if (value < 0x80) buffer[this.#position++] = value
      else if (value < 0x100) this.#head(0xcc, 1, value)
      else if (value < 0x10000) this.#head(0xcd, 2, value)
      else this.#head(0xce, 4, value)
    } else if (value === value >> 0 && value !== 0) {
      if (value >= -0x20) buffer[this.#position++] = value + 0x100
      else if (value >= -0x80) this.#head(0xd0, 1, value + 0x100)
      else if (value >= -0x8000) this.#head(0xd1, 2, value + 0x10000)
      else this.#head(0xd2, 4, value >>> 0)
    } else {
      buffer[this.#position] = 0xcb
      this.#position = buffer.writeDoubleBE(value, this.#position + 1)
    }
  }

  /** 64-bit integers beyond what a number holds are read as bigints; all others need the extension. */
  #bigint(value: bigint, depth: number): void {
    const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
    if (isSafe || value < -(2n ** 63n) || value >= 2n ** 64n) {
      const payload = encodeBigint(value)
      if (payload.length > maxBigintBytes) {
        throw this.#refusal(Rejection.badValue, depth, `is a bigint of more than ${maxBigintBytes} bytes`)
      }
      this.#extension(Extension.bigint, payload)
      return
    }
    this.#makeRoom(9)
    const buffer = this.#buffer
    buffer[this.#position++] = value < 2n ** 63n ? 0xd3 : 0xcf
    // The same 64 bits, whatever the sign.
    this.#position = buffer.writeBigUInt64BE(BigInt.asUintN(64, value), this.#position)
  }

  #date(date: Date, depth: number): void {
    const timeMs = Date.prototype.getTime.call(date)
    if (Number.isNaN(timeMs)) throw this.#refusal(Rejection.badValue, depth, 'is an invalid date')
    this.#extension(Extension.timestamp, encodeTimestamp(timeMs))
  }

  #text(value: string, depth: number): void {
    const { length } = value
    // No character takes more than three bytes of UTF-8.
    this.#makeRoom(headRoom + 3 * length)
    if (length <= shortText && this.#shortText(value)) return
    const buffer = this.#buffer
    const start = this.#position
    // Usually ASCII: then the head is as long as the length suggests. Otherwise the text moves, which is rare.
    const supposedHead = textHeadBytes(length)
    const bytes = buffer.write(value, start + supposedHead)
    if (bytes !== length && loneSurrogate.test(value)) {
      throw this.#refusal(Rejection.badText, depth, 'is a text with half of a surrogate pair, which UTF-8 cannot hold')
    }
    const head = textHeadBytes(bytes)
    if (head !== supposedHead) buffer.copyWithin(start + head, start + supposedHead, start + supposedHead + bytes)
    if (head === 1) buffer[this.#position++] = 0xa0 | bytes
    else this.#head(head === 2 ? 0xd9 : head === 3 ? 0xda : 0xdb, head - 1, bytes)
    this.#position += bytes
  }

  /** Returns false, and writes nothing, if the text is not ASCII. */
  #shortText(value: string): boolean {
    const buffer = this.#buffer
    const start = this.#position + 1
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) return false
      buffer[start + index] = code
    }
    buffer[this.#position] = 0xa0 | value.length
    this.#position = start + value.length
    return true
  }

  #bytes(value: Uint8Array): void {
    this.#makeRoom(headRoom + value.length)
    if (value.length < 0x100) this.#head(0xc4, 1, value.length)
    else if (value.length < 0x10000) this.#head(0xc5, 2, value.length)
    else this.#head(0xc6, 4, value.length)
    this.#buffer.set(value, this.#position)
    this.#position += value.length
  }

  #extension(type: number, payload: Uint8Array): void {
    const { length } = payload
    this.#makeRoom(headRoom + length)
    const fixed = fixedExtensionToken(length)
    if (fixed !== undefined) this.#buffer[this.#position++] = fixed
    else if (length < 0x100) this.#head(0xc7, 1, length)
    else if (length < 0x10000) this.#head(0xc8, 2, length)
    else this.#head(0xc9, 4, length)
    this.#buffer[this.#position++] = type
    this.#buffer.set(payload, this.#position)
    this.#position += length
  }

  /** Writes a token, and `value` in the given number of bytes. */
  #head(token: number, size: number, value: number): void {
    const buffer = this.#buffer
    buffer[this.#position++] = token
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) buffer[this.#position++] = value >>> shift
  }

  #makeRoom(bytes: number): void {
    const wanted = this.#position + bytes
    if (wanted <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#buffer.length))
    larger.set(this.#buffer)
    this.#buffer = larger
  }

  #tooDeep(depth: number): NumacastError {
    return this.#refusal(Rejection.tooDeep, depth, `is nested more than ${defaultMaxDepth} deep, or contains itself`)
  }

  #refusal(reason: Rejection, depth: number, what: string): NumacastError {
    const path = pathText(this.#path.slice(0, depth))
    return new NumacastError('NUMACAST_MALFORMED', `value${path} ${what}`, { details: { reason, path } })
  }
}
