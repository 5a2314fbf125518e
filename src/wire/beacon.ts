import type { EntityId, Guid, Seq } from '../core/ids.js'
import { type ByteReader, ByteWriter, malformed, Rejection } from './encoding/bytes.js'
import { FrameKind, headerBytes, writeHeader } from './header.js'

/**
 * "I am here, and this is how far my writers are." Sent to each partition that the participant writes to, with
 * the digest of its writers in that partition only; and, as *presence* without a digest, to the solicit group of each
 * partition that it reads:
 *
 *     header 21 | incarnation 6 | sequence 4 | descriptorVersion 4 | flags 1 | streamPort 2 | intervalMs 2
 *               | loopDelayMs 2 | progress 4 | audience 2 | count 2 | count × ( writer 4 · lastSeq 6 )
 *
 * A digest that does not fit one frame is sent in several. Each entry is complete in itself.
 */
export interface Beacon {
  /** True if sent to a partition's solicit group, because its sender reads that partition. Its digest is empty. */
  readonly presence: boolean
  readonly incarnation: number
  /** Rises by one with each beacon of the participant, and so reveals loss and reordering. */
  readonly sequence: number
  /** Rises whenever names, endpoints, writers or readers change; 0 is never used. */
  readonly descriptorVersion: number
  readonly goodbye: boolean
  /** TCP port that answers requests at the address the beacon came from; 0: none. */
  readonly streamPort: number
  /** The time until the next beacon, not counting jitter. */
  readonly intervalMs: number
  /** The longest delay of the sender's main loop since its last beacon. Saturates at 65,535. */
  readonly loopDelayMs: number
  /** Work that the participant has completed, by its own count. Wraps at 2³². */
  readonly progress: number
  /** Number of participants known to read what the sender writes; all of them may miss the same frame. Saturates. */
  readonly audience: number
  readonly digest: readonly DigestEntry[]
}

export interface DigestEntry {
  readonly writer: EntityId
  readonly lastSeq: Seq
}

const fixedBytes = headerBytes + 29
const entryBytes = 10
const goodbyeFlag = 0x01
const presenceFlag = 0x02

/** Returns how many digest entries fit one beacon of at most `maxBodyBytes`. */
export function digestCapacity(maxBodyBytes: number): number {
  return Math.floor((maxBodyBytes - fixedBytes) / entryBytes)
}

export function encodeBeacon(from: Guid, beacon: Beacon): Buffer {
  const out = new ByteWriter(fixedBytes + beacon.digest.length * entryBytes)
  writeHeader(out, FrameKind.beacon, from)
  out.u48(beacon.incarnation)
  out.u32(beacon.sequence)
  out.u32(beacon.descriptorVersion)
  out.u8((beacon.goodbye ? goodbyeFlag : 0) | (beacon.presence ? presenceFlag : 0))
  out.u16(beacon.streamPort)
  out.u16(clampU16(beacon.intervalMs))
  out.u16(clampU16(beacon.loopDelayMs))
  out.u32(beacon.progress)
  out.u16(clampU16(beacon.audience))
  out.u16(beacon.digest.length)
  for (const { writer, lastSeq } of beacon.digest) {
    out.u32(writer)
    out.u48(lastSeq)
  }
  return out.buffer
}

/** Reads what follows the header. @throws NumacastError NUMACAST_MALFORMED */
export function decodeBeacon(input: ByteReader): Beacon {
  const incarnation = input.u48()
  const sequence = input.u32()
  const descriptorVersion = input.u32()
  const flags = input.u8()
  const streamPort = input.u16()
  const intervalMs = input.u16()
  const loopDelayMs = input.u16()
  const progress = input.u32()
  const audience = input.u16()
  const count = input.u16()
  if (input.remaining !== count * entryBytes) throw malformed(Rejection.badShape, `beacon of ${count} writers`)
  if (descriptorVersion === 0 || intervalMs === 0) throw malformed(Rejection.badNumber, 'beacon')
  const digest: DigestEntry[] = []
  for (let index = 0; index < count; index++) digest.push({ writer: input.u32() as EntityId, lastSeq: input.u48() })
  const goodbye = (flags & goodbyeFlag) !== 0
  const presence = (flags & presenceFlag) !== 0
  const fixed = { presence, incarnation, sequence, descriptorVersion, goodbye, streamPort, intervalMs, loopDelayMs }
  return { ...fixed, progress, audience, digest }
}

/** A solicit: a header and nothing else. Every writer in the partition answers with a beacon. */
export function encodeSolicit(from: Guid): Buffer {
  const out = new ByteWriter(headerBytes)
  writeHeader(out, FrameKind.solicit, from)
  return out.buffer
}

function clampU16(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.round(value)))
}
