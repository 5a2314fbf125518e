import type { Guid } from '../core/ids.js'
import { guidBytes } from '../core/ids.js'
import { type ByteReader, type ByteWriter, malformed, Rejection } from './encoding/bytes.js'

/**
 * Every frame of either lane opens with the same header:
 *
 *     0        1        2        3        4        5                    21
 *     +--------+--------+--------+--------+--------+--------------------+
 *     |  'N'   |  'C'   |version | flags  |  kind  |  participant GUID  |  fields of the kind …
 *     +--------+--------+--------+--------+--------+--------------------+
 *
 * Flag bit 0 means that everything after byte 4 is sealed (key id and nonce, then AES-256-GCM). This version of the
 * library cannot open sealed frames, so it refuses and counts them.
 */
export const headerBytes = 5 + guidBytes

export const FrameKind = { beacon: 1, samples: 2, solicit: 3, ask: 4 } as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

export const wireVersion = 1

const magic0 = 0x4e // 'N'
const magic1 = 0x43 // 'C'
const sealedFlag = 0x01

export interface FrameHeader {
  readonly kind: FrameKind
  readonly from: Guid
}

export function writeHeader(out: ByteWriter, kind: FrameKind, from: Guid): void {
  out.u8(magic0)
  out.u8(magic1)
  out.u8(wireVersion)
  out.u8(0)
  out.u8(kind)
  out.hex(from)
}

/** @throws NumacastError NUMACAST_MALFORMED naming the reason */
export function readHeader(input: ByteReader): FrameHeader {
  const start = input.skip(headerBytes)
  const { buffer } = input
  if (buffer[start] !== magic0 || buffer[start + 1] !== magic1) throw malformed(Rejection.badMagic, 'frame header')
  if (buffer[start + 2] !== wireVersion) throw malformed(Rejection.badVersion, 'frame header')
  const flags = buffer[start + 3] ?? 0
  if ((flags & sealedFlag) !== 0) throw malformed(Rejection.sealed, 'frame header')
  const kind = buffer[start + 4]
  if (kind === undefined || kind < FrameKind.beacon || kind > FrameKind.ask) {
    throw malformed(Rejection.badKind, 'frame header')
  }
  return { kind: kind as FrameKind, from: buffer.toString('hex', start + 5, start + headerBytes) as Guid }
}
