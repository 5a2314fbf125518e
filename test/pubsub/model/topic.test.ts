import t from 'tap'
import { z } from 'zod'
import { defineTopic, type StandardSchema, type TopicOptions } from '../../../src/pubsub/model/topic.js'

interface Value {
  readonly a: string
  readonly b: number
}

t.test('defineTopic derives fields, keys and the type hash', (t) => {
  const schema = z.object({ a: z.string(), b: z.number() })
  const topic = defineTopic({ name: 'x', key: ['a', 'b'], schema })
  t.same(topic.fields, ['a', 'b'])
  t.equal(topic.keyOf({ a: 'p/q~r', b: 1.5 }), 'p~1q~0r/1.5')
  t.equal(defineTopic({ name: 'x', key: 'a', schema }).keyOf({ a: 'p/q~r', b: 1 }), 'p/q~r', 'one part needs no escape')
  t.same(topic.check({ a: 'x', b: 1, more: true }), { value: { a: 'x', b: 1 } })
  t.match(topic.check({ a: 'x' }), { refused: /^b / })
  const plain = defineTopic<Value>({ name: 'x', key: ['a', 'b'], fields: ['b', 'a'] })
  t.equal(plain.typeHash, topic.typeHash, 'the type hash depends on name and key only')
  t.not(defineTopic<Value>({ name: 'x', key: 'a', fields: ['b', 'a'] }).typeHash, topic.typeHash)
  t.throws(() => plain.keyOf({ a: undefined, b: 1 } as unknown as Value), { code: 'NUMACAST_INVALID_ARGUMENT' })
  const slow: StandardSchema<Value> = {
    '~standard': { version: 1, vendor: 'x', validate: async () => ({ issues: [] }) },
  }
  t.match(defineTopic<Value>({ name: 'x', key: 'a', fields: ['a', 'b'], schema: slow }).check({}), {
    refused: /asynchronous/,
  })
  t.end()
})

t.test('defineTopic refuses invalid definitions', (t) => {
  const good: TopicOptions<Value> = { name: 'x', key: 'a', fields: ['a', 'b'] }
  const cases: unknown[] = [
    { name: '' },
    { name: 'x'.repeat(129) },
    { key: [] },
    { key: 'c' },
    { fields: [] },
    { fields: undefined },
    { fields: ['a', 'b', 'a'] },
    { fields: ['a', '__proto__'] },
    { fields: ['a', ...Array.from({ length: 256 }, (_, n) => `f${n}`)] },
  ]
  for (const change of cases) {
    const options = { ...good, ...(change as object) }
    t.throws(() => defineTopic(options), { code: 'NUMACAST_INVALID_ARGUMENT' }, JSON.stringify(change)?.slice(0, 60))
  }
  t.end()
})

t.test('a schema that is a function is called once, when the fields or a check need it', (t) => {
  let calls = 0
  const schema = () => {
    calls++
    return z.object({ a: z.string(), b: z.number() })
  }
  const topic = defineTopic({ name: 'x', key: 'a', schema })
  t.equal(topic.hasSchema, true)
  t.equal(topic.typeHash, defineTopic<Value>({ name: 'x', key: 'a', fields: ['a', 'b'] }).typeHash)
  t.equal(topic.keyOf({ a: 'k', b: 1 }), 'k')
  t.equal(calls, 0)
  t.same(topic.fields, ['a', 'b'])
  t.match(topic.check({ a: 1 }), { refused: /^a / })
  t.equal(calls, 1)
  const misnamed = defineTopic({ name: 'x', key: 'c' as 'a', schema })
  t.throws(() => misnamed.fields, { code: 'NUMACAST_INVALID_ARGUMENT', message: /key field 'c'/ }, 'at the first use')
  t.end()
})

t.test('a schema whose function throws refuses every value', (t) => {
  const broken = (): StandardSchema<Value> => {
    throw new Error('no such file')
  }
  const topic = defineTopic<Value>({ name: 'x', key: 'a', fields: ['a', 'b'], schema: broken })
  t.match(topic.check({ a: 'x', b: 1 }), { refused: /the schema threw: Error: no such file/ })
  t.end()
})

t.test('a schema object that is itself a function is used as a schema', (t) => {
  const schema: StandardSchema<Value> = Object.assign(() => t.fail('called'), {
    '~standard': { version: 1, vendor: 'x', validate: () => ({ issues: [{ message: 'no' }] }) },
  } as const)
  t.match(defineTopic<Value>({ name: 'x', key: 'a', fields: ['a', 'b'], schema }).check({}), { refused: 'no' })
  t.end()
})
