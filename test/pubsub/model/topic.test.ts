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
