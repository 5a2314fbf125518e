import t from 'tap'
import { z } from 'zod'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly tags: readonly string[]
  readonly limits: { readonly cpu: number }
}
const fields = ['id', 'tags', 'limits'] as const
const schema = z.object({ id: z.string(), tags: z.array(z.string()), limits: z.object({ cpu: z.number() }) })

for (const [name, topic] of [
  ['without a schema', defineTopic<Value>({ name: 'plain', key: 'id', fields: [...fields] })],
  ['with a schema', defineTopic<Value>({ name: 'checked', key: 'id', schema })],
] as const) {
  t.test(`a value ${name} cannot be changed by one consumer for the others`, async (t) => {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const writer = a.writer(topic)
    const reader = b.reader(topic)
    const seen: unknown[] = []
    reader.onSample(({ value }) => {
      t.throws(() => Object.assign(value ?? {}, { id: 'other' }), TypeError)
      t.throws(() => Object.assign(value?.tags ?? [], { 0: 'mine' }), TypeError)
    })
    reader.onSample(({ value }) => seen.push(structuredClone(value)))
    const value = { id: 'k', tags: ['x'], limits: { cpu: 2 } }
    writer.write(value)
    value.tags.push('later')
    await plane.settle(reader.synced())
    t.throws(() => Object.assign(reader.get('k')?.value.limits ?? {}, { cpu: 9 }), TypeError)
    const expected = { id: 'k', tags: ['x'], limits: { cpu: 2 } }
    t.same(seen, [expected])
    t.same(reader.get('k')?.value, expected)
    const own = writer.get('k')
    Object.assign(own?.limits ?? {}, { cpu: 3 })
    t.equal(writer.get('k')?.limits.cpu, 2, "the writer's own get returns a copy each time")
  })
}
