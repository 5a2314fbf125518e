import fc from 'fast-check'
import t from 'tap'
import { NumacastError } from '../../../src/core/errors.js'
import {
  ByteReader,
  ByteWriter,
  malformed,
  maxU48,
  Rejection,
  rejectionOf,
  varintBytes,
} from '../../../src/wire/encoding/bytes.js'

const rejected = (reason: Rejection) => ({ code: 'NUMACAST_MALFORMED', details: { reason } })

t.test('values that are written are read back', (t) => {
  const out = new ByteWriter(100)
  out.u8(0xfe)
  out.u16(0xfedc)
  out.u32(0xfedcba98)
  out.u48(maxU48)
  out.f64(-0.1)
  out.hex('00ff')
  out.bytes(Buffer.from('ключ'))
  t.equal(out.room, 100 - out.position)
  const input = new ByteReader(out.finish())
  t.same([input.u8(), input.u16(), input.u32(), input.u48(), input.f64()], [0xfe, 0xfedc, 0xfedcba98, maxU48, -0.1])
  t.equal(input.hex(2), '00ff')
  t.equal(input.text(8), 'ключ')
  t.equal(input.remaining, 0)
  t.equal(out.position, 0, 'the writer starts again')
  t.end()
})

t.test('a varint round-trips, and a malformed one is refused', (t) => {
  const known: [number, string][] = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 32, '8080808010'],
    [maxU48, 'ffffffffffff3f'],
  ]
  const out = new ByteWriter(16)
  for (const [value, hex] of known) {
    out.varint(value)
    t.equal(out.finish().toString('hex'), hex)
  }
  fc.assert(
    fc.property(
      fc.maxSafeNat().map((value) => value % (maxU48 + 1)),
      (value) => {
        out.varint(value)
        const bytes = out.finish()
        return bytes.length === varintBytes(value) && new ByteReader(bytes).varint() === value
      },
    ),
    { seed: 1 },
  )
  for (const hex of ['ffffffffffff7f', 'ffffffffffffff01', '80808080808080808000']) {
    t.throws(() => new ByteReader(Buffer.from(hex, 'hex')).varint(), rejected('bad-number'), hex)
  }
  t.throws(() => new ByteReader(Buffer.from('80', 'hex')).varint(), rejected('truncated'))
  t.end()
})

t.test('a read past the end is refused', (t) => {
  const reads: ((input: ByteReader) => unknown)[] = [
    (input) => input.u8(),
    (input) => input.u16(),
    (input) => input.u32(),
    (input) => input.u48(),
    (input) => input.f64(),
    (input) => input.hex(16),
    (input) => input.text(1),
    (input) => input.skip(maxU48),
  ]
  // There are bytes past the end that do not belong to this reader.
  for (const read of reads) t.throws(() => read(new ByteReader(Buffer.alloc(64), 4, 4)), rejected('truncated'))
  t.end()
})

t.test('text is valid UTF-8', (t) => {
  for (const hex of ['ff', 'c3', 'eda080', 'c080']) {
    const bytes = Buffer.from(hex, 'hex')
    t.throws(() => new ByteReader(bytes).text(bytes.length), rejected('bad-text'), hex)
  }
  t.equal(new ByteReader(Buffer.from('\ufffd')).text(3), '\ufffd', 'valid UTF-8 may contain a replacement character')
  t.end()
})

t.test('each refusal has its reason', (t) => {
  t.equal(rejectionOf(malformed(Rejection.tooDeep, 'x')), 'too-deep')
  t.equal(rejectionOf(new NumacastError('NUMACAST_CLOSED', 'x')), 'bad-shape')
  t.equal(rejectionOf('anything'), 'bad-shape')
  t.end()
})
