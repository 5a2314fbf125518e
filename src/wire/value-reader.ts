import { unpackChecked } from './msgpack.js'
import { shortText } from './short-text.js'

/**
 * Reads values out of bytes that `checkRecord` has passed, which is why it checks nothing itself: no length here leads
 * past the end, and no nesting is deep. What is rare is left to the general decoder. Byte strings are copied: the bytes
 * that they lie in are overwritten by the instance's next value.
 */
export class ValueReader {
  readonly #bytes: Buffer
  #position: number

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.#position = position
  }

  /** The number of elements when an array follows, and moves into it; else undefined. */
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
      case 0xd4: // the only extension of one byte that is let through
        this.#position += 2
        return undefined
      case 0xd6: // timestamps
        return this.#left(start, 6)
      case 0xd7:
        return this.#left(start, 10)
      case 0xcf: // 64-bit integers, which may be too large for a number
      case 0xd3:
        return this.#left(start, 9)
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
      default: // 0xdf: no other token is let through
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

  /** Left to the general decoder. */
  #left(start: number, length: number): unknown {
    this.#position = start + length
    return unpackChecked(this.#bytes.subarray(start, start + length))
  }
}
