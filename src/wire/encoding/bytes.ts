import { isUtf8 } from 'node:buffer'
import { NumacastError } from '../../core/errors.js'
import { shortText } from './short-text.js'

/**
 * Why bytes from outside were refused. A closed set, because each becomes the name of a counter
 * (`<lane>.rejected.<reason>`) and a peer must not be able to invent names.
 */
export const Rejection = {
  truncated: 'truncated',
  trailingBytes: 'trailing-bytes',
  badMagic: 'bad-magic',
  badVersion: 'bad-version',
  badKind: 'bad-kind',
  sealed: 'sealed',
  badNumber: 'bad-number',
  badText: 'bad-text',
  badValue: 'bad-value',
  /** Sent from an address other than that of the participant it names. */
  foreignSource: 'foreign-source',
  tooDeep: 'too-deep',
  tooMany: 'too-many',
  prototypeKey: 'prototype-key',
  badShape: 'bad-shape',
} as const
export type Rejection = (typeof Rejection)[keyof typeof Rejection]

/** @returns the error to throw for malformed input; `details.reason` is the {@link Rejection}. */
export function malformed(reason: Rejection, what: string): NumacastError {
  return new NumacastError('NUMACAST_MALFORMED', `${what}: ${reason}`, { details: { reason } })
}

export function rejectionOf(error: unknown): Rejection {
  if (error instanceof NumacastError && error.code === 'NUMACAST_MALFORMED') return error.details.reason as Rejection
  return Rejection.badShape
}

/** Sequence numbers and incarnations travel in 6 bytes: 2⁴⁸ at a million a second are nine years. */
export const maxU48 = 2 ** 48 - 1

/** Reads big-endian fields from a frame, never past `end`. */
export class ByteReader {
  readonly buffer: Buffer
  readonly end: number
  position: number

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Moves past `length` bytes and returns where they began. */
  skip(length: number): number {
    const start = this.position
    if (length > this.end - start)
      throw malformed(Rejection.truncated, `${length} bytes wanted at ${start} of ${this.end}`)
    this.position = start + length
    return start
  }

  u8(): number {
    return this.buffer[this.skip(1)] as number
  }
  u16(): number {
    return this.buffer.readUInt16BE(this.skip(2))
  }
  u32(): number {
    return this.buffer.readUInt32BE(this.skip(4))
  }
  u48(): number {
    return this.buffer.readUIntBE(this.skip(6), 6)
  }
  f64(): number {
    return this.buffer.readDoubleBE(this.skip(8))
  }

  /** LEB128, at most 7 bytes: 0 … 2⁴⁸−1. */
  varint(): number {
    const first = this.buffer[this.position] as number
    if (first < 0x80 && this.position < this.end) {
      this.position++
      return first
    }
    let value = 0
    let scale = 1
    for (let count = 0; count < 7; count++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > maxU48) break
        return value
      }
      scale *= 128
    }
    throw malformed(Rejection.badNumber, `varint at ${this.position}`)
  }

  hex(length: number): string {
    const start = this.skip(length)
    return this.buffer.toString('hex', start, start + length)
  }

  /** Reads UTF-8. Invalid bytes are refused: decoded as U+FFFD, two keys could become equal. */
  text(length: number): string {
    const start = this.skip(length)
    const short = shortText(this.buffer, start, length)
    if (short !== undefined) return short
    const text = this.buffer.toString('utf8', start, start + length)
    if (text.includes('\ufffd') && !isUtf8(this.buffer.subarray(start, start + length))) {
      throw malformed(Rejection.badText, `text at ${start}`)
    }
    return text
  }
}

/** Writes big-endian fields into a buffer; the caller asks {@link room} or {@link grow} before it writes. */
export class ByteWriter {
  buffer: Buffer
  position = 0

  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafeSlow(capacity)
  }

  get room(): number {
    return this.buffer.length - this.position
  }

  /** Makes room for `bytes` more bytes, doubling up to `maxBytes` in all. Returns false if that is not enough. */
  grow(bytes: number, maxBytes: number): boolean {
    const wanted = this.position + bytes
    if (wanted <= this.buffer.length) return true
    if (wanted > maxBytes) return false
    const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(wanted, 2 * this.buffer.length)))
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
    return true
  }

  u8(value: number): void {
    this.buffer[this.position++] = value
  }
  u16(value: number): void {
    this.position = this.buffer.writeUInt16BE(value, this.position)
  }
  u32(value: number): void {
    this.position = this.buffer.writeUInt32BE(value, this.position)
  }
  u48(value: number): void {
    this.position = this.buffer.writeUIntBE(value, this.position, 6)
  }
  f64(value: number): void {
    this.position = this.buffer.writeDoubleBE(value, this.position)
  }
  varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.buffer[this.position++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.buffer[this.position++] = rest
  }
  hex(digits: string): void {
    this.position += this.buffer.write(digits, this.position, 'hex')
  }
  bytes(source: Uint8Array): void {
    this.buffer.set(source, this.position)
    this.position += source.length
  }

  /** Returns a copy of what was written, and resets the writer. */
  finish(): Buffer {
    const frame = Buffer.allocUnsafe(this.position)
    this.buffer.copy(frame, 0, 0, this.position)
    this.position = 0
    return frame
  }
}

/** Returns how many bytes {@link ByteWriter.varint} takes. */
export function varintBytes(value: number): number {
  let count = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) count++
  return count
}
