import type { EntityId, Guid, Seq } from '../core/ids.js'
import { guidBytes } from '../core/ids.js'
import { type ByteReader, ByteWriter, malformed, maxU48, Rejection, varintBytes } from './encoding/bytes.js'
import { FrameKind, headerBytes, writeHeader } from './header.js'

/**
 * Changes of one writer, in the order of their sequence numbers:
 *
 *     header 21 | writer 4 | prevSeq 6 | sentWallMs 8 | count 2 | count × sample
 *
 *     sample: flags 1 | seq − previous seq (varint) | ageMs (varint) | [ sourceTimeMs 8 ] | [ seq − valueSeq (varint) ]
 *             | [ origin GUID 16 · writer 4 · seq 6 ] | key length (varint) · key | value length (varint) · value
 *
 * `prevSeq` is the last seq that the writer's previous frame carried, so a reader whose token is lower has
 * missed something, and a conflated stream (whose seqs skip) shows no false gap. A sample carries its age, not its
 * time of writing: the receiver subtracts the age on its own monotonic clock. `sentWallMs` is for display. Writers
 * that offer ordering by source also send their own time of each change, so that all readers compare the same times.
 * A disposed instance has no value. The same sample layout is used inside catch-up replies.
 */
export interface SamplesHead {
  readonly writer: EntityId
  readonly prevSeq: Seq
  readonly sentWallMs: number
  readonly count: number
}

/** The owner and number of a relayed change. */
export interface Origin {
  readonly participant: Guid
  readonly writer: EntityId
  readonly seq: Seq
}

/** One change as it lies in a frame: `frame[valueStart … valueEnd)` is the value's bytes, not copied. */
export interface WireSample {
  readonly seq: Seq
  readonly ageMs: number
  /** Its owner's Unix milliseconds, where readers may order by it. */
  readonly sourceTimeMs: number | undefined
  readonly disposed: boolean
  /** The number under which the value was written: `seq`, or less where its writer now gives the instance up. */
  readonly valueSeq: Seq
  readonly origin: Origin | undefined
  readonly key: string
  readonly frame: Buffer
  readonly valueStart: number
  readonly valueEnd: number
}

/** One change to be sent. */
export interface OutgoingSample {
  readonly seq: Seq
  readonly sourceTimeMs: number | undefined
  readonly disposed: boolean
  /** Below `seq`: the writer gives the instance up, and this is the number of its last value. */
  readonly valueSeq: Seq
  readonly origin: Origin | undefined
  readonly keyBytes: Uint8Array
  /** Only the first `valueLength` bytes count. */
  readonly value: Uint8Array
  readonly valueLength: number
}

const fixedBytes = headerBytes + 20
const disposedFlag = 0x01
const originFlag = 0x02
const sourceTimeFlag = 0x04
const unregisteredFlag = 0x08
const knownFlags = disposedFlag | originFlag | sourceTimeFlag | unregisteredFlag
const originBytes = guidBytes + 10
export const maxKeyBytes = 1024

/** Fills one frame (or catch-up block) after another; reused for the life of its owner. */
export class SamplesEncoder {
  readonly #out: ByteWriter
  readonly #maxBodyBytes: number
  #count = 0
  #lastSeq = 0

  /** @param firstBytes what it allocates before it is known to need more. @default maxBodyBytes */
  constructor(from: Guid, maxBodyBytes: number, firstBytes = maxBodyBytes) {
    this.#out = new ByteWriter(Math.min(firstBytes, maxBodyBytes))
    this.#maxBodyBytes = maxBodyBytes
    writeHeader(this.#out, FrameKind.samples, from)
  }

  get count(): number {
    return this.#count
  }
  /** Bytes written since {@link begin}. */
  get size(): number {
    return this.#out.position
  }
  get lastSeq(): Seq {
    return this.#lastSeq
  }

  begin(writer: EntityId, prevSeq: Seq, sentWallMs: number): void {
    const out = this.#out
    out.position = headerBytes
    out.u32(writer)
    out.u48(prevSeq)
    out.f64(sentWallMs)
    out.u16(0)
    this.#count = 0
    this.#lastSeq = prevSeq
  }

  /** Returns false, and writes nothing, if the sample does not fit after what is there. Seqs must rise. */
  add(sample: OutgoingSample, sampleAgeMs: number): boolean {
    const out = this.#out
    const delta = sample.seq - this.#lastSeq
    const ageMs = Math.max(0, Math.min(maxU48, Math.round(sampleAgeMs)))
    const valueDelta = sample.seq - sample.valueSeq
    const wanted =
      1 +
      varintBytes(delta) +
      varintBytes(ageMs) +
      (sample.sourceTimeMs === undefined ? 0 : 8) +
      (valueDelta === 0 ? 0 : varintBytes(valueDelta)) +
      (sample.origin === undefined ? 0 : originBytes) +
      varintBytes(sample.keyBytes.length) +
      sample.keyBytes.length +
      varintBytes(sample.valueLength) +
      sample.valueLength
    if (this.#count === 0xffff || (wanted > out.room && !out.grow(wanted, this.#maxBodyBytes))) return false
    out.u8(
      (sample.disposed ? disposedFlag : 0) |
        (sample.origin === undefined ? 0 : originFlag) |
        (sample.sourceTimeMs === undefined ? 0 : sourceTimeFlag) |
        (valueDelta === 0 ? 0 : unregisteredFlag),
    )
    out.varint(delta)
    out.varint(ageMs)
    if (sample.sourceTimeMs !== undefined) out.f64(sample.sourceTimeMs)
    if (valueDelta !== 0) out.varint(valueDelta)
    if (sample.origin !== undefined) {
      out.hex(sample.origin.participant)
      out.u32(sample.origin.writer)
      out.u48(sample.origin.seq)
    }
    out.varint(sample.keyBytes.length)
    out.bytes(sample.keyBytes)
    out.varint(sample.valueLength)
    out.bytes(sample.valueLength === sample.value.length ? sample.value : sample.value.subarray(0, sample.valueLength))
    this.#count++
    this.#lastSeq = sample.seq
    return true
  }

  /** Returns a copy of the finished frame. */
  finish(): Buffer {
    this.#out.buffer.writeUInt16BE(this.#count, fixedBytes - 2)
    return this.#out.finish()
  }
}

/** Reads what follows the header up to the first sample. @throws NumacastError NUMACAST_MALFORMED */
export function readSamplesHead(input: ByteReader): SamplesHead {
  const writer = input.u32() as EntityId
  const prevSeq = input.u48()
  const sentWallMs = input.f64()
  const count = input.u16()
  if (writer === 0 || !Number.isFinite(sentWallMs)) throw malformed(Rejection.badNumber, 'samples head')
  return { writer, prevSeq, sentWallMs, count }
}

/**
 * Reads all samples after `head`, or throws before any is returned: a frame is accepted whole or not at all.
 * @throws NumacastError NUMACAST_MALFORMED
 */
export function readSamples(input: ByteReader, head: SamplesHead): WireSample[] {
  // A sample takes at least five bytes, so a false count cannot cause an allocation.
  if (head.count * 5 > input.remaining) throw malformed(Rejection.tooMany, `${head.count} samples announced`)
  const samples: WireSample[] = []
  let seq = head.prevSeq
  for (let index = 0; index < head.count; index++) {
    const flags = input.u8()
    if ((flags & ~knownFlags) !== 0) throw malformed(Rejection.badValue, 'sample flags')
    const delta = input.varint()
    seq += delta
    if (delta === 0 || seq > maxU48) throw malformed(Rejection.badNumber, 'sample seq')
    const ageMs = input.varint()
    const sourceTimeMs = (flags & sourceTimeFlag) === 0 ? undefined : readSourceTime(input)
    const valueSeq = (flags & unregisteredFlag) === 0 ? seq : seq - readValueDelta(input, seq)
    const origin = (flags & originFlag) === 0 ? undefined : readOrigin(input)
    const keyLength = input.varint()
    if (keyLength > maxKeyBytes) throw malformed(Rejection.badText, 'sample key')
    const key = input.text(keyLength)
    const valueStart = input.skip(input.varint())
    const disposed = (flags & disposedFlag) !== 0
    samples.push({
      seq,
      ageMs,
      sourceTimeMs,
      disposed,
      valueSeq,
      origin,
      key,
      frame: input.buffer,
      valueStart,
      valueEnd: input.position,
    })
  }
  if (input.remaining !== 0) throw malformed(Rejection.trailingBytes, 'samples frame')
  return samples
}

function readSourceTime(input: ByteReader): number {
  const timeMs = input.f64()
  if (!Number.isFinite(timeMs)) throw malformed(Rejection.badNumber, 'sample source time')
  return timeMs
}

function readValueDelta(input: ByteReader, seq: Seq): number {
  const delta = input.varint()
  if (delta === 0 || delta >= seq) throw malformed(Rejection.badNumber, 'sample value number')
  return delta
}

function readOrigin(input: ByteReader): Origin {
  const participant = input.hex(guidBytes) as Guid
  const writer = input.u32() as EntityId
  const seq = input.u48()
  if (writer === 0 || seq === 0) throw malformed(Rejection.badNumber, 'sample origin')
  return { participant, writer, seq }
}
