import { checkMsgpack, defaultMaxDepth, pack } from './msgpack.js'

const firstCapacity = 256
/** The most that the head of a text, of bytes or of an array takes. */
const headRoom = 5
/** Up to here a loop beats a call into the native encoder. */
const shortText = 16

/**
 * Writes records as MessagePack arrays, one after another into a buffer of its own. Fields that are plain values are
 * written here, which takes half the time of the general encoder; what is nested or rare is left to that.
 */
export class RecordEncoder {
  readonly #fields: readonly string[]
  #buffer = Buffer.allocUnsafeSlow(firstCapacity)
  #position = 0

  constructor(fields: readonly string[]) {
    this.#fields = fields
  }

  /**
   * @returns a view of this encoder's buffer, valid until the next call
   * @throws NumacastError NUMACAST_MALFORMED when a field holds what {@link checkMsgpack} would not let a reader accept
   */
  encode(record: Readonly<Record<string, unknown>>): Buffer {
    const fields = this.#fields
    this.#position = 0
    this.#makeRoom(headRoom)
    if (fields.length < 16) this.#buffer[this.#position++] = 0x90 | fields.length
    else this.#head(0xdc, 2, fields.length)
    for (let index = 0; index < fields.length; index++) this.#field(record[fields[index] as string])
    return this.#buffer.subarray(0, this.#position)
  }

  #field(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#text(value)
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
    }
    if (value === null) {
      this.#makeRoom(1)
      this.#buffer[this.#position++] = 0xc0
    } else if (value instanceof Uint8Array) this.#bytes(value)
    else this.#packed(value)
  }

  #number(value: number): void {
    this.#makeRoom(9)
    const buffer = this.#buffer
    if (value === value >>> 0) {
      if (value < 0x80) buffer[this.#position++] = value
      else if (value < 0x100) this.#head(0xcc, 1, value)
      else if (value < 0x10000) this.#head(0xcd, 2, value)
      else this.#head(0xce, 4, value)
    } else if (value === value >> 0) {
      if (value >= -0x20) buffer[this.#position++] = value + 0x100
      else if (value >= -0x80) this.#head(0xd0, 1, value + 0x100)
      else if (value >= -0x8000) this.#head(0xd1, 2, value + 0x10000)
      else this.#head(0xd2, 4, value >>> 0)
    } else {
      buffer[this.#position] = 0xcb
      this.#position = buffer.writeDoubleBE(value, this.#position + 1)
    }
  }

  #text(value: string): void {
    const { length } = value
    // No character takes more than three bytes of UTF-8.
    this.#makeRoom(headRoom + 3 * length)
    if (length <= shortText && this.#shortText(value)) return
    const buffer = this.#buffer
    const start = this.#position
    // ASCII as a rule: then the head is as long as the length suggests. Else the text moves, which is rare.
    const supposedHead = textHeadBytes(length)
    const bytes = buffer.write(value, start + supposedHead)
    const head = textHeadBytes(bytes)
    if (head !== supposedHead) buffer.copyWithin(start + head, start + supposedHead, start + supposedHead + bytes)
    if (head === 1) buffer[this.#position++] = 0xa0 | bytes
    else this.#head(head === 2 ? 0xd9 : head === 3 ? 0xda : 0xdb, head - 1, bytes)
    this.#position += bytes
  }

  /** False, and nothing written, when it is not ASCII. */
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

  #packed(value: unknown): void {
    const bytes = pack(value)
    checkMsgpack(bytes, 0, bytes.length, { maxDepth: defaultMaxDepth - 1 })
    this.#makeRoom(bytes.length)
    this.#buffer.set(bytes, this.#position)
    this.#position += bytes.length
  }

  /** A token, and `value` in so many bytes. */
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
}

function textHeadBytes(bytes: number): number {
  if (bytes < 0x20) return 1
  if (bytes < 0x100) return 2
  return bytes < 0x10000 ? 3 : 5
}
