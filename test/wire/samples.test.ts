import fc from 'fast-check'
import t from 'tap'
import { type EntityId, newGuid } from '../../src/core/ids.js'
import { ByteReader, maxU48 } from '../../src/wire/encoding/bytes.js'
import { FrameKind, readHeader } from '../../src/wire/header.js'
import {
  maxKeyBytes,
  type OutgoingSample,
  readSamples,
  readSamplesHead,
  SamplesEncoder,
} from '../../src/wire/samples.js'

const guid = newGuid()
const owner = newGuid()
const writer = 5 as EntityId

function outgoing(
  seq: number,
  key: string,
  value: string | undefined,
  relayed = false,
  valueSeq = seq,
): OutgoingSample {
  const bytes = Buffer.from(value ?? '')
  return {
    seq,
    sourceTimeMs: relayed ? seq + 0.25 : undefined,
    disposed: value === undefined,
    valueSeq,
    origin: relayed ? { participant: owner, writer, seq: seq * 2 } : undefined,
    keyBytes: Buffer.from(key),
    // Longer than the value, as a cache's slots are.
    value: Buffer.concat([bytes, Buffer.from('left over')]),
    valueLength: bytes.length,
  }
}

function decode(frame: Buffer) {
  const input = new ByteReader(frame)
  t.same(readHeader(input), { kind: FrameKind.samples, from: guid })
  const head = readSamplesHead(input)
  return { head, samples: readSamples(input, head) }
}

t.test('any samples decode to what was encoded', (t) => {
  const sample = fc.record({
    skip: fc.integer({ min: 1, max: 2 ** 33 }),
    key: fc.string({ unit: 'grapheme', maxLength: 30 }),
    value: fc.option(fc.string({ maxLength: 300 }), { nil: undefined }),
    relayed: fc.boolean(),
    ageMs: fc.nat(2 ** 40),
    valueDelta: fc.oneof(fc.constant(0), fc.nat(2 ** 20)),
  })
  const encoder = new SamplesEncoder(guid, 60_000)
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.array(sample, { maxLength: 40 }), (prevSeq, samples) => {
      encoder.begin(writer, prevSeq, 1234.5)
      let seq = prevSeq
      const expected = samples.map(({ skip, key, value, relayed, ageMs, valueDelta }) => {
        seq += skip
        const valueSeq = Math.max(1, seq - valueDelta)
        if (!encoder.add(outgoing(seq, key, value, relayed, valueSeq), ageMs)) throw new Error('full')
        return {
          seq,
          key,
          value: value ?? '',
          disposed: value === undefined,
          valueSeq,
          ageMs,
          origin: relayed ? seq * 2 : undefined,
        }
      })
      if (encoder.lastSeq !== seq || encoder.count !== samples.length) throw new Error('counts')
      const { head, samples: found } = decode(encoder.finish())
      if (head.prevSeq !== prevSeq || head.writer !== writer || head.sentWallMs !== 1234.5) throw new Error('head')
      const got = found.map(
        ({ seq, key, disposed, valueSeq, ageMs, sourceTimeMs, origin, frame, valueStart, valueEnd }) => {
          if (sourceTimeMs !== (origin === undefined ? undefined : seq + 0.25)) throw new Error('source time')
          if (origin !== undefined && (origin.participant !== owner || origin.writer !== writer))
            throw new Error('origin')
          const value = frame.toString('utf8', valueStart, valueEnd)
          return { seq, key, value, disposed, valueSeq, ageMs, origin: origin?.seq }
        },
      )
      if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(JSON.stringify([got, expected]))
    }),
    { seed: 1, numRuns: 200 },
  )
  t.end()
})

t.test('a frame holds the samples that fit, to the byte', (t) => {
  const encoder = new SamplesEncoder(guid, 100)
  encoder.begin(writer, 0, 0)
  const empty = encoder.size
  let seq = 0
  while (encoder.add(outgoing(seq + 1, 'k', 'v'), 3)) seq++
  t.equal(seq, Math.floor((100 - empty) / 7))
  t.equal(encoder.size, empty + 7 * seq, 'the sample that did not fit left nothing')
  const frame = encoder.finish()
  t.equal(frame.length, empty + 7 * seq)
  t.equal(decode(frame).samples.length, seq)
  encoder.begin(writer, 9, 0)
  t.equal(encoder.add(outgoing(10, 'k', 'v'.repeat(100)), 0), false)
  t.equal(encoder.count, 0)
  t.equal(encoder.add(outgoing(11, 'k', 'v'), -5), true, 'an age is never negative')
  t.match(decode(encoder.finish()).samples, [{ seq: 11, ageMs: 0 }])
  t.end()
})

t.test('an encoder with a small initial buffer writes the same, and holds as much', (t) => {
  const whole = new SamplesEncoder(guid, 3_000)
  const growing = new SamplesEncoder(guid, 3_000, 64)
  for (let frame = 0; frame < 3; frame++) {
    for (const encoder of [whole, growing]) encoder.begin(writer, 0, 7)
    for (let seq = 1; ; seq++) {
      const sample = outgoing(seq, `key ${seq}`, 'v'.repeat((37 * seq) % 400))
      const added = whole.add(sample, seq)
      t.equal(growing.add(sample, seq), added)
      if (!added) break
    }
    t.ok(growing.finish().equals(whole.finish()))
  }
  t.end()
})

t.test('malformed samples frames are refused', (t) => {
  const encoder = new SamplesEncoder(guid, 4000)
  const frameOf = (...samples: OutgoingSample[]): Buffer => {
    encoder.begin(writer, 7, 0)
    for (const sample of samples) encoder.add(sample, 0)
    return encoder.finish()
  }
  const frame = frameOf(outgoing(8, 'key', 'value'), outgoing(9, 'key', undefined, true))
  for (let length = 21; length < frame.length; length++) {
    t.throws(() => decode(frame.subarray(0, length)), { code: 'NUMACAST_MALFORMED' }, `${length} bytes`)
  }
  const first = 41
  const patched = (patch: (bytes: Buffer) => void): Buffer => {
    const copy = Buffer.from(frame)
    patch(copy)
    return copy
  }
  const cases: [string, Buffer][] = [
    ['trailing-bytes', Buffer.concat([frame, Buffer.alloc(1)])],
    ['bad-number', patched((bytes) => bytes.writeUInt32BE(0, 21))],
    ['bad-number', patched((bytes) => bytes.writeDoubleBE(Number.NaN, 31))],
    ['bad-number', patched((bytes) => bytes.writeUIntBE(maxU48, 25, 6))],
    ['too-many', patched((bytes) => bytes.writeUInt16BE(0xffff, 39))],
    ['trailing-bytes', patched((bytes) => bytes.writeUInt16BE(1, 39))],
    ['bad-value', patched((bytes) => bytes.writeUInt8(0x10, first))],
    ['bad-number', patched((bytes) => bytes.writeUInt8(0, first + 1))],
    ['bad-text', patched((bytes) => bytes.writeUInt8(0xff, first + 4))],
    ['truncated', patched((bytes) => bytes.writeUInt8(0x7f, first + 7))],
    ['bad-number', frameOf({ ...outgoing(8, 'k', 'v'), valueSeq: 0 })],
    ['bad-number', frameOf({ ...outgoing(8, 'k', 'v'), sourceTimeMs: Number.NaN })],
    ['bad-text', frameOf(outgoing(8, 'k'.repeat(maxKeyBytes + 1), 'v'))],
    ['bad-number', frameOf({ ...outgoing(8, 'k', 'v'), origin: { participant: owner, writer, seq: 0 } })],
    [
      'bad-number',
      frameOf({ ...outgoing(8, 'k', 'v'), origin: { participant: owner, writer: 0 as EntityId, seq: 1 } }),
    ],
  ]
  for (const [reason, bytes] of cases)
    t.throws(() => decode(bytes), { code: 'NUMACAST_MALFORMED', details: { reason } }, reason)
  t.end()
})
