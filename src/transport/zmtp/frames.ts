/**
 * The frames of ZMTP 3.0 (RFC 23) with the NULL mechanism, as far as this library uses them.
 *
 *     greeting  ff 00×8 7f | 03 00 | mechanism 20 | as-server 1 | 00×31
 *     frame     flags 1 | size 1 or 8 | body          flags: 1 more, 2 long size, 4 command
 *     command   name length 1 | name | data
 */

export const greetingBytes = 64

/** Announces version 3.0, so that libzmq sends subscriptions as messages. */
export function encodeGreeting(): Buffer {
  const greeting = Buffer.alloc(greetingBytes)
  greeting[0] = 0xff
  greeting[9] = 0x7f
  greeting[10] = 3
  greeting.write('NULL', 12, 'latin1')
  return greeting
}

/** Whether a peer that sent this greeting can be talked to. */
export function isGreeting(greeting: Buffer): boolean {
  const [signature, marker, version] = [greeting[0], greeting[9] ?? 0, greeting[10] ?? 0]
  const hasSignature = signature === 0xff && (marker & 1) === 1
  return hasSignature && version >= 3 && greeting.toString('latin1', 12, 32) === 'NULL'.padEnd(20, '\0')
}

const moreFlag = 0x01
const longFlag = 0x02
const commandFlag = 0x04

/** The bytes of one message, ready to be written one after another; bodies are not copied. */
export function encodeMessage(frames: readonly Uint8Array[]): Uint8Array[] {
  return frames.flatMap((body, index) => [head(body.length, index < frames.length - 1 ? moreFlag : 0), body])
}

export function encodeCommand(name: string, data: Uint8Array): Buffer {
  const size = 1 + name.length + data.length
  return Buffer.concat([head(size, commandFlag), Buffer.from([name.length]), Buffer.from(name, 'latin1'), data])
}

/** The data of a READY command: the socket's type. */
export function encodeReady(socketType: string): Buffer {
  const property = (name: string, value: string): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(value.length)
    return Buffer.concat([
      Buffer.from([name.length]),
      Buffer.from(name, 'latin1'),
      length,
      Buffer.from(value, 'latin1'),
    ])
  }
  return encodeCommand('READY', Buffer.concat([property('Socket-Type', socketType), property('Identity', '')]))
}

function head(size: number, flags: number): Buffer {
  if (size < 0x100) return Buffer.from([flags, size])
  const long = Buffer.alloc(9)
  long[0] = flags | longFlag
  long.writeUInt32BE(Math.floor(size / 2 ** 32), 1)
  long.writeUInt32BE(size >>> 0, 5)
  return long
}

/** The peer does not follow ZMTP, or sends more than this socket takes. */
export class ProtocolError extends RangeError {}

export interface Frame {
  readonly isCommand: boolean
  readonly hasMore: boolean
  readonly body: Buffer
}

/** Cuts a stream of bytes into frames. */
export class FrameParser {
  readonly #maxFrameBytes: number
  #chunks: Buffer[] = []
  #length = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** Undefined while fewer bytes have come. */
  take(length: number): Buffer | undefined {
    if (this.#length < length) return undefined
    const all = this.#joined()
    this.#replace(all.subarray(length))
    return all.subarray(0, length)
  }

  /** Undefined while the next frame is incomplete. @throws ProtocolError when it is longer than may be */
  next(): Frame | undefined {
    if (this.#length < 2) return undefined
    const first = this.#firstBytes(9)
    const flags = first[0] ?? 0
    const isLong = (flags & longFlag) !== 0
    const headBytes = isLong ? 9 : 2
    if (this.#length < headBytes) return undefined
    const size = isLong ? first.readUInt32BE(1) * 2 ** 32 + first.readUInt32BE(5) : (first[1] ?? 0)
    if (size > this.#maxFrameBytes) throw new ProtocolError(`a frame of ${size} bytes exceeds ${this.#maxFrameBytes}`)
    if (this.#length < headBytes + size) return undefined
    const all = this.#joined()
    this.#replace(all.subarray(headBytes + size))
    // A copy: handlers own what they get, and it must not hold the whole chunk.
    const body = Buffer.from(all.subarray(headBytes, headBytes + size))
    return { isCommand: (flags & commandFlag) !== 0, hasMore: (flags & moreFlag) !== 0, body }
  }

  #firstBytes(count: number): Buffer {
    const [first] = this.#chunks
    return first !== undefined && first.length >= count ? first : this.#joined()
  }

  #joined(): Buffer {
    const [only] = this.#chunks
    if (only !== undefined && this.#chunks.length === 1) return only
    const joined = Buffer.concat(this.#chunks, this.#length)
    this.#chunks = [joined]
    return joined
  }

  #replace(rest: Buffer): void {
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#length = rest.length
  }
}
