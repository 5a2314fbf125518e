import t from 'tap'
import { pack } from '../../../src/wire/encoding/msgpack.js'
import { checkRecord, RecordCodec } from '../../../src/wire/encoding/record.js'
import { isSafeFieldName } from '../../../src/wire/limits.js'

t.test('fields are encoded in declared order, whatever the order of the object', (t) => {
  const codec = new RecordCodec<{ a: number; b?: string }>(['b', 'a'])
  t.same(codec.encode({ a: 1, b: 'x' }), pack(['x', 1]))
  t.same(codec.decode(codec.encode({ a: 1, b: 'x' })), { a: 1, b: 'x' })
  t.same(Object.keys(codec.decode(codec.encode({ a: 1 })) ?? {}), ['a'], 'an absent field is omitted')
  t.same(codec.decode(pack(['x'])), { b: 'x' }, 'a shorter array is accepted')
  t.equal(codec.decode(pack(['x', 1, 2])), undefined, 'a longer array is refused')
  t.equal(codec.decode(pack({ a: 1 })), undefined)
  t.equal(codec.decode(pack(null)), undefined)
  t.end()
})

t.test('a record is checked before it is decoded', (t) => {
  const check = (bytes: Buffer, fields: number) => () => checkRecord(bytes, 0, bytes.length, fields)
  t.doesNotThrow(check(pack([1, 'two', [3]]), 3))
  t.doesNotThrow(check(pack(Array.from({ length: 20 }, () => 0)), 20))
  t.throws(check(pack([1, 2]), 1), { code: 'NUMACAST_MALFORMED', details: { reason: 'too-many' } })
  t.throws(check(pack(Array.from({ length: 20 }, () => 0)), 19), {
    code: 'NUMACAST_MALFORMED',
    details: { reason: 'too-many' },
  })
  for (const value of [null, 1, 'text', { a: 1 }])
    t.throws(check(pack(value), 9), { code: 'NUMACAST_MALFORMED', details: { reason: 'bad-shape' } })
  t.throws(check(Buffer.alloc(0), 9), { code: 'NUMACAST_MALFORMED', details: { reason: 'bad-shape' } })
  t.throws(check(Buffer.from('dc', 'hex'), 9), { code: 'NUMACAST_MALFORMED' })
  t.throws(check(Buffer.concat([pack([1]), pack(1)]), 9), {
    code: 'NUMACAST_MALFORMED',
    details: { reason: 'trailing-bytes' },
  })
  t.end()
})

t.test('field names are validated', (t) => {
  for (const name of ['', '__proto__', 'constructor', 'prototype', 'x'.repeat(129)])
    t.notOk(isSafeFieldName(name), name)
  for (const name of ['a', 'toString', 'x'.repeat(128)]) t.ok(isSafeFieldName(name), name)
  t.end()
})
