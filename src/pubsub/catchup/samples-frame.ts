import type { Guid } from '../../core/ids.js'
import { ByteReader, malformed, Rejection } from '../../wire/encoding/bytes.js'
import { FrameKind, readHeader } from '../../wire/header.js'
import { readSamples, readSamplesHead, type SamplesHead, type WireSample } from '../../wire/samples.js'

/** Reads the samples frame of a catch-up reply. @throws NumacastError NUMACAST_MALFORMED unless it is that writer's */
export function readSamplesFrame(
  frame: Buffer,
  from: Guid,
  writer: number,
): { readonly head: SamplesHead; readonly samples: readonly WireSample[] } {
  const input = new ByteReader(frame)
  const header = readHeader(input)
  if (header.kind !== FrameKind.samples || header.from !== from) throw malformed(Rejection.badShape, 'catch-up frame')
  const head = readSamplesHead(input)
  if (head.writer !== writer) throw malformed(Rejection.badShape, 'catch-up frame of another writer')
  return { head, samples: readSamples(input, head) }
}
