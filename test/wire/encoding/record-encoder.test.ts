import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import t from 'tap'
import { checkRecord, decodeRecord } from '../../../src/wire/encoding/record.js'
import { RecordEncoder } from '../../../src/wire/encoding/record-encoder.js'
import { shortText } from '../../../src/wire/encoding/short-text.js'

const fields = ['a', 'b', 'c']

/** An independent encoder and decoder, for the values that plain MessagePack has. */
const packr = new Packr({ useRecords: false, moreTypes: false, variableMapSize: true })
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' as unknown as 'bigint' })

const plain = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  fc.double().filter((value) => !Object.is(value, -0)),
  fc.float().filter((value) => !Object.is(value, -0)),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) - 1n }),
  fc.boolean(),
  fc.constantFrom(null, undefined, 0, -1, -32, -33, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('2100-01-01') }),
)
const nested = fc.oneof(
  plain,
  fc.array(plain),
  fc.dictionary(
    fc.string({ maxLength: 80 }).filter((key) => key !== '__proto__'),
    plain,
  ),
)

t.test('plain MessagePack is written and read as msgpackr does', async (t) => {
  const encoder = new RecordEncoder(fields)
  fc.assert(
    fc.property(nested, nested, nested, (a, b, c) => {
      const bytes = Buffer.from(encoder.encode({ a, b, c }))
      const general = packr.pack([a, b, c])
      checkRecord(bytes, 0, bytes.length, fields.length)
      t.ok(bytes.equals(general), `${bytes.toString('hex')} is ${general.toString('hex')}`)
      const values = unpackr.unpack(general) as unknown[]
      const expected = Object.fromEntries(fields.map((field, index) => [field, values[index]]))
      for (const field of fields) if (expected[field] === undefined) delete expected[field]
      // As in a frame: with bytes before it and after it.
      const frame = Buffer.concat([Buffer.from([0xc1]), bytes, Buffer.from([0xc1])])
      t.strictSame(decodeRecord(fields, frame, 1), expected)
    }),
    { numRuns: 500, seed: 7 },
  )
})

t.test('the encoder reuses its own buffer, which grows', async (t) => {
  const encoder = new RecordEncoder(['text', 'bytes'])
  for (const length of [0, 15, 16, 17, 31, 32, 255, 256, 65_535, 65_536]) {
    for (const letter of ['x', 'é', '漢']) {
      const record = { text: letter.repeat(length), bytes: Buffer.alloc(length, 7) }
      t.strictSame(decodeRecord(['text', 'bytes'], encoder.encode(record)), record, `${length} × ${letter}`)
    }
  }
})

t.test('a value that no reader would accept is refused', async (t) => {
  const encoder = new RecordEncoder(['a'])
  let deep: unknown = 1
  for (let depth = 0; depth < 15; depth++) deep = [deep]
  t.doesNotThrow(() => encoder.encode({ a: deep }))
  t.throws(() => encoder.encode({ a: [deep] }), { code: 'NUMACAST_MALFORMED', details: { reason: 'too-deep' } })
  t.throws(() => encoder.encode({ a: { ['x'.repeat(256)]: 1 } }), { code: 'NUMACAST_MALFORMED' })
  t.throws(() => encoder.encode({ a: JSON.parse('{"__proto__":1}') }), {
    code: 'NUMACAST_MALFORMED',
    details: { reason: 'prototype-key' },
  })
  t.strictSame(decodeRecord(['a'], encoder.encode({ a: 1 })), { a: 1 }, 'the encoder is unchanged')
})

t.test('more fields than a short array holds are encoded', async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `f${index}`)
  const record = Object.fromEntries(names.map((name, index) => [name, index]))
  t.strictSame(decodeRecord(names, new RecordEncoder(names).encode(record)), record)
})

t.test('bytes in a decoded value are a copy', async (t) => {
  const frame = Buffer.from(new RecordEncoder(['a']).encode({ a: Buffer.from([1, 2, 3]) }))
  const record = decodeRecord<{ a: Buffer }>(['a'], frame)
  frame.fill(0)
  t.strictSame(record?.a, Buffer.from([1, 2, 3]))
})

t.test('only short ASCII is read without the native decoder', async (t) => {
  for (let length = 0; length <= 16; length++) {
    const text = 'abcdefghijklmnop'.slice(0, length)
    t.equal(shortText(Buffer.from(`--${text}--`), 2, length), text)
  }
  t.equal(shortText(Buffer.from('x'.repeat(17)), 0, 17), undefined)
  t.equal(shortText(Buffer.from('é'), 0, 2), undefined)
})
