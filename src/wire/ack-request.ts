import type { EntityId, Guid, Seq } from '../core/ids.js'
import { type ByteReader, ByteWriter, malformed, Rejection } from './encoding/bytes.js'
import { FrameKind, headerBytes, writeHeader } from './header.js'

/**
 * "How far are you?" A writer asks its reliable readers. A reader answers with a pull, unless an earlier pull has
 * already carried the answer:
 *
 *     header 21 | writer 4 | seq 6
 */
export interface AckRequest {
  readonly writer: EntityId
  /** The writer asks which readers have received everything up to this seq. */
  readonly seq: Seq
}

export function encodeAckRequest(from: Guid, { writer, seq }: AckRequest): Buffer {
  const out = new ByteWriter(headerBytes + 10)
  writeHeader(out, FrameKind.ask, from)
  out.u32(writer)
  out.u48(seq)
  return out.buffer
}

/** Reads what follows the header. @throws NumacastError NUMACAST_MALFORMED */
export function decodeAckRequest(input: ByteReader): AckRequest {
  const writer = input.u32() as EntityId
  const seq = input.u48()
  if (writer === 0 || seq === 0) throw malformed(Rejection.badNumber, 'ask')
  if (input.remaining !== 0) throw malformed(Rejection.trailingBytes, 'ask')
  return { writer, seq }
}
