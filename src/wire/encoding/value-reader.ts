import { decodeBigint, decodeBinaryArray, decodeTimestamp, Extension } from './extension.js'
import { shortText } from './short-text.js'

/**
 * Reads values out of bytes that `checkMsgpack` or `checkRecord` has passed. It checks nothing itself, because after
 * that no length leads past the end and no nesting is deep. Byte strings and typed arrays are copied, because the bytes
 * that hold them are overwritten by the instance's next value.
 */
export class ValueReader {
  readonly #bytes: Buffer
  #position: number

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.#position = position
  }

  /** Returns the number of elements and moves into the array if one follows; else undefined. */
  arrayLength(): number | undefined {
    const token = this.#bytes[this.#position]
    if (token === undefined) return undefined
    if (token >= 0x90 && token <= 0x9f) {
      this.#position++
      return token & 0x0f
    }
    if (token !== 0xdc) return undefined
    this.#position++
    return this.#unsigned(2)
  }

  value(): unknown {
    const bytes = this.#bytes
    const start = this.#position
    const token = bytes[this.#position++] as number
    if (token < 0x80) return token
    if (token >= 0xe0) return token - 0x100
    if (token < 0x90) return this.#map(token & 0x0f)
    if (token < 0xa0) return this.#array(token & 0x0f)
    if (token < 0xc0) return this.#text(token & 0x1f)
    switch (token) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#slice(this.#unsigned(1))
      case 0xc5:
        return this.#slice(this.#unsigned(2))
      case 0xc6:
        return this.#slice(this.#unsigned(4))
      case 0xca:
        this.#position += 4
        return bytes.readFloatBE(start + 1)
      case 0xcb:
        this.#position += 8
        return bytes.readDoubleBE(start + 1)
      case 0xcc:
        return this.#unsigned(1)
      case 0xcd:
        return this.#unsigned(2)
      case 0xce:
        return this.#unsigned(4)
      case 0xd0:
        return (this.#unsigned(1) << 24) >> 24
      case 0xd1:
        return (this.#unsigned(2) << 16) >> 16
      case 0xd2:
        return this.#unsigned(4) >> 0
      case 0xd4:
        return this.#extension(1)
      case 0xd5:
        return this.#extension(2)
      case 0xd6:
        return this.#extension(4)
      case 0xd7:
        return this.#extension(8)
      case 0xd8:
        return this.#extension(16)
      case 0xc7:
        return this.#extension(this.#unsigned(1))
      case 0xc8:
        return this.#extension(this.#unsigned(2))
      case 0xc9:
        return this.#extension(this.#unsigned(4))
      case 0xcf:
        this.#position += 8
        return numberIfSafe(bytes.readBigUInt64BE(start + 1))
      case 0xd3:
        this.#position += 8
        return numberIfSafe(bytes.readBigInt64BE(start + 1))
      case 0xd9:
        return this.#text(this.#unsigned(1))
      case 0xda:
        return this.#text(this.#unsigned(2))
      case 0xdb:
        return this.#text(this.#unsigned(4))
      case 0xdc:
        return this.#array(this.#unsigned(2))
      case 0xdd:
        return this.#array(this.#unsigned(4))
      case 0xde:
        return this.#map(this.#unsigned(2))
      default: // 0xdf: checkMsgpack accepts no other token
        return this.#map(this.#unsigned(4))
    }
  }

  #unsigned(size: 1 | 2 | 4): number {
    let value = 0
    for (let index = 0; index < size; index++) value = value * 0x100 + (this.#bytes[this.#position++] as number)
    return value
  }

  #text(length: number): string {
    const start = this.#position
    this.#position += length
    return shortText(this.#bytes, start, length) ?? this.#bytes.toString('utf8', start, start + length)
  }

  #slice(length: number): Buffer {
    const start = this.#position
    this.#position += length
    const copy = Buffer.allocUnsafe(length)
    this.#bytes.copy(copy, 0, start, start + length)
    return copy
  }

  #array(length: number): unknown[] {
    const values: unknown[] = []
    for (let index = 0; index < length; index++) values.push(this.value())
    return values
  }

  #map(length: number): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    for (let index = 0; index < length; index++) {
      const key = this.value() as string
      map[key] = this.value()
    }
    return map
  }

  #extension(length: number): unknown {
    const type = this.#unsigned(1)
    const start = this.#position
    this.#position += length
    const payload = this.#bytes.subarray(start, this.#position)
    switch (type) {
      case Extension.bigint:
        return decodeBigint(payload)
      case Extension.binaryArray:
        return decodeBinaryArray(payload)
      case Extension.timestamp:
        return decodeTimestamp(payload)
      default: // the only other token that checkMsgpack accepts
        return undefined
    }
  }
}

/** Other languages write large integers like this, where JavaScript has a float. */
function numberIfSafe(value: bigint): number | bigint {
  const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
  return isSafe ? Number(value) : value
}
