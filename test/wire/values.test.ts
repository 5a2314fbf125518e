import vm from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { until } from '../../src/testing/eventually.js'
import { checkMsgpack } from '../../src/wire/encoding/msgpack.js'
import { checkRecord, RecordCodec } from '../../src/wire/encoding/record.js'
import { ValueReader } from '../../src/wire/encoding/value-reader.js'
import { ValueWriter } from '../../src/wire/encoding/value-writer.js'
import { claimDomain } from '../support/domain-lock.js'

/** Every kind of value: an accepted value arrives unchanged, any other is refused with its path. */

const arrays = fc.oneof(
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
)
const bytes = fc.uint8Array({ maxLength: 300 })
const ownBuffer = (array: Uint8Array): ArrayBuffer => Uint8Array.from(array).buffer
const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  fc.double(),
  fc.float(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.boolean(),
  fc.constantFrom(null, undefined, 0, -0, Number.NaN, Infinity, -Infinity, 5n, -1n, 0n, 127n, 128n, -128n, -129n),
  bytes.map((array) => Buffer.from(array)),
  fc.date({ noInvalidDate: true }),
  arrays,
  // A view of part of its memory: only that part is the value.
  arrays.map((array) => array.subarray(Math.min(1, array.length))),
  bytes.map(ownBuffer),
  bytes.map((array) => new DataView(ownBuffer(array))),
  bytes.filter(({ length }) => length > 2).map((array) => new DataView(ownBuffer(array), 1, 2)),
)
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme', maxLength: 10 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 5 },
    ),
  ),
})).value

/** Compares what strict comparison ignores: the bytes of views, and −0 against 0. */
function comparable(given: unknown): unknown {
  if (Object.is(given, -0)) return '−0'
  if (given instanceof ArrayBuffer) return ['ArrayBuffer', Buffer.from(given).toString('hex')]
  if (ArrayBuffer.isView(given)) {
    const name = Buffer.isBuffer(given) ? 'bytes' : Object.prototype.toString.call(given)
    return [name, Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString('hex')]
  }
  if (Array.isArray(given)) return given.map(comparable)
  if (given === null || typeof given !== 'object' || given instanceof Date) return given
  return { map: Object.fromEntries(Object.entries(given).map(([key, inner]) => [`:${key}`, comparable(inner)])) }
}

t.test('any accepted value arrives unchanged, by both codecs', async (t) => {
  const codec = new RecordCodec<{ v: unknown }>(['v'])
  fc.assert(
    fc.property(value, (given) => {
      const record = codec.encode({ v: given })
      checkRecord(record, 0, record.length, 1)
      t.strictSame(comparable(codec.decode(record)?.v), comparable(given))
      t.strictSame(comparable(decoded(encoded(given))), comparable(given))
    }),
    { seed: 29, numRuns: 2_000 },
  )
})

t.test('a value that would arrive changed is refused, with the path in the value', async (t) => {
  class Point {
    x = 1
  }
  class Celsius extends Float64Array {}
  class Stack extends Array<number> {}
  class Day extends Date {}
  const cyclic: Record<string, unknown> = { name: 'cyclic' }
  cyclic.self = cyclic
  const ring: unknown[] = []
  ring.push(ring)
  const holes = [1, 2, 3]
  delete holes[1]
  const matched = /b/.exec('abc')
  const refused: readonly [string, unknown, RegExp][] = [
    ['a Map', new Map([[1, 2]]), /a Map/],
    ['a Set', new Set([1]), /a Set/],
    ['a WeakMap', new WeakMap(), /a WeakMap/],
    ['an Error', new TypeError('no'), /a TypeError/],
    ['a RegExp', /x/, /a RegExp/],
    ['a URL', new URL('http://localhost'), /a URL/],
    ['a promise', Promise.resolve(1), /a Promise/],
    ['a class instance', new Point(), /an instance of Point/],
    ['a subclass of a typed array', new Celsius(2), /an instance of Celsius/],
    ['a subclass of Array', Stack.from([1]), /an instance of Stack/],
    ['a subclass of Date', new Day(), /an instance of Day/],
    ['an object that inherits', Object.create({ inherited: 1 }), /cannot be sent/],
    ['a boxed number', Object(1), /a Number/],
    ['a function', () => 1, /a function/],
    ['a symbol', Symbol('s'), /a symbol/],
    ['a symbol as a key', { [Symbol('s')]: 1 }, /symbol as a key/],
    ['a hole', holes, /holes/],
    ['only holes', new Array(3), /holes/],
    ['an array with further properties', matched, /further properties/],
    ['a hole that a further property makes up for', Object.assign(holes.slice(), { more: 1 }), /hole/],
    ['an invalid date', new Date(Number.NaN), /invalid date/],
    ['shared memory', new SharedArrayBuffer(8), /a SharedArrayBuffer/],
    ['half a surrogate pair', 'x\ud800', /surrogate/],
    ['half a surrogate pair in a long text', `${'x'.repeat(100)}\udc00`, /surrogate/],
    ['half a surrogate pair as a key', { '\ud800': 1 }, /surrogate/],
    ['an object that contains itself', cyclic, /contains itself/],
    ['an array that contains itself', ring, /contains itself/],
    ['generated code', (function* () {})(), /cannot be sent/],
  ]
  const codec = new RecordCodec<{ v: unknown }>(['v'])
  for (const [name, given, message] of refused) {
    t.throws(() => codec.encode({ v: { list: [0, given] } }), { code: 'NUMACAST_MALFORMED', message }, name)
    t.throws(() => encoded([given]), { code: 'NUMACAST_MALFORMED', message }, `${name}, alone`)
    if (!/contains itself|key/.test(`${message}${name}`)) {
      t.throws(
        () => codec.encode({ v: { list: [0, given] } }),
        { message: /^value\.v\.list\[1\]/ },
        `${name}: its path`,
      )
    }
  }
  t.throws(() => codec.encode({ v: { 'a b': [[() => 1]] } }), { message: /^value\.v\["a b"\]\[0\]\[0\] is a function/ })
  t.strictSame(codec.decode(codec.encode({ v: 1 })), { v: 1 }, 'a refusal leaves the encoder usable')
})

t.test('builtins of another realm, as in the sandbox of a test runner, are builtins', async (t) => {
  const given = vm.runInNewContext(
    '({ list: [1], when: new Date(5), floats: new Float32Array([1.5]), bytes: new Uint8Array([7]) })',
  )
  t.strictSame(comparable(decoded(encoded(given))), {
    map: {
      ':list': [1],
      ':when': new Date(5),
      ':floats': ['[object Float32Array]', '0000c03f'],
      ':bytes': ['bytes', '07'],
    },
  })
})

t.test('any accepted value arrives unchanged over both lanes, and write refuses any other', async (t) => {
  const domain = await claimDomain(t)
  const [sending, receiving] = [await joinDomain({ domain }), await joinDomain({ domain })]
  t.teardown(() => Promise.all([sending.close(), receiving.close()]))
  const values = fc.sample(value, { seed: 30, numRuns: 150 })
  type Entry = { readonly id: number; readonly v: unknown }
  for (const lane of [Lane.datagram, Lane.stream]) {
    const topic = defineTopic<Entry>({ name: `values.${lane}`, key: 'id', fields: ['id', 'v'], lane })
    const writer = sending.writer(topic)
    const reader = receiving.reader(topic)
    for (const [id, v] of values.entries()) writer.write({ id, v })
    await until(`${lane}: all values have arrived`, () => reader.size === values.length)
    for (const [id, v] of values.entries()) {
      t.strictSame(comparable(reader.get(String(id))?.value?.v), comparable(v), `${lane}: value ${id}`)
    }
    t.throws(() => writer.write({ id: 0, v: { jobs: [new Set([1])] } }), {
      code: 'NUMACAST_INVALID_ARGUMENT',
      message: /instance '0': no reader accepts this: value\.v\.jobs\[0\] is a Set/,
      details: { path: '.v.jobs[0]' },
    })
  }
})

/** One value outside a record. */
function encoded(value: unknown): Buffer {
  const writer = new ValueWriter()
  writer.value(value)
  return writer.finish()
}

function decoded(bytes: Buffer): unknown {
  checkMsgpack(bytes, 0, bytes.length)
  return new ValueReader(bytes, 0).value()
}
