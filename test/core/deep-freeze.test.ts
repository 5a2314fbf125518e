import t from 'tap'
import { deepFreeze } from '../../src/core/deep-freeze.js'

t.test('plain objects and arrays are frozen at every depth', async (t) => {
  const value = deepFreeze({ a: { b: [{ c: 1 }] }, n: null, text: 'x' })
  t.throws(() => Object.assign(value.a, { b: 2 }), TypeError)
  t.throws(() => value.a.b.push({ c: 2 }), TypeError)
  t.throws(() => Object.assign(value.a.b[0] ?? {}, { c: 2 }), TypeError)
})

t.test('bytes, typed arrays and objects of other classes stay as they are', async (t) => {
  class Counter {
    n = 0
  }
  const value = deepFreeze({ bytes: Buffer.from('x'), floats: new Float32Array(2), counter: new Counter() })
  value.bytes[0] = 7
  value.floats[0] = 1.5
  value.counter.n = 1
  t.equal(value.bytes[0], 7)
  t.equal(value.floats[0], 1.5)
  t.equal(value.counter.n, 1)
})
