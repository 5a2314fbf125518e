import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({
  name: 'state',
  key: 'id',
  fields: ['id', 'n'],
  qos: { ownership: 'exclusive' },
})
const strength = (ownershipStrength: number) => ({ qos: { ownershipStrength } })

t.test('readers follow the strongest owner, and fetch the next one’s value when it leaves', async (t) => {
  for (const how of ['goodbye', 'silence', 'close'] as const) {
    await t.test(how, async (t) => {
      const plane = openPlane(t)
      const [low, mid, high, b] = [
        await plane.join('low'),
        await plane.join('mid'),
        await plane.join('high'),
        await plane.join('b'),
      ]
      const writers = { low: low.writer(topic, strength(1)), mid: mid.writer(topic, strength(2)) }
      const strongest = high.writer(topic, strength(3))
      const reader = b.reader(topic)
      await plane.settle(reader.synced())
      const received: string[] = []
      reader.onSample(({ value, instanceState }) => received.push(`${value?.n} ${instanceState}`))
      writers.low.write({ id: 'k', n: 1 })
      await plane.clock.advance(10)
      writers.mid.write({ id: 'k', n: 2 })
      await plane.clock.advance(10)
      strongest.write({ id: 'k', n: 3 })
      await plane.clock.advance(10)
      writers.low.write({ id: 'k', n: 11 })
      writers.mid.write({ id: 'k', n: 12 })
      await plane.clock.advance(10)
      t.same(received, ['1 alive', '2 alive', '3 alive'])
      t.equal(b.counters.get('reader.weaker'), 2)
      if (how === 'goodbye') await high.close()
      else if (how === 'close') strongest.close()
      else plane.network.disconnect('high')
      await plane.clock.advance(5000)
      t.same(received.splice(0), ['1 alive', '2 alive', '3 alive', '12 alive'])
      t.match(reader.get('k'), { value: { n: 12 }, token: { writer: writers.mid.guid } })
      writers.low.write({ id: 'k', n: 21 })
      await plane.clock.advance(10)
      await mid.close()
      await plane.clock.advance(1000)
      t.same(received, ['21 alive'])
      await low.close()
      await plane.clock.advance(1000)
      t.same(received, ['21 alive', '21 no-writers'])
    })
  }
})

t.test('a late joiner sees the strongest owner, whichever owner answers first', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const plane = openPlane(t, seed)
    const [one, two, b] = [await plane.join('one'), await plane.join('two'), await plane.join('b')]
    one.writer(topic, strength(7)).write({ id: 'k', n: 7 })
    await plane.clock.advance(100)
    two.writer(topic, strength(3)).write({ id: 'k', n: 3 })
    plane.network.setFaults({ maxDelayMs: 50 })
    const reader = b.reader(topic)
    await plane.settle(reader.synced())
    t.equal(reader.get('k')?.value?.n, 7)
  }
})

t.test('at equal strength the later participant wins', async (t) => {
  const plane = openPlane(t)
  const one = await plane.join('one')
  await plane.clock.advance(50)
  const two = await plane.join('two')
  const b = await plane.join('b')
  const [older, younger] = [one.writer(topic), two.writer(topic)]
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  younger.write({ id: 'k', n: 2 })
  await plane.clock.advance(10)
  older.write({ id: 'k', n: 1 })
  await plane.clock.advance(10)
  t.equal(reader.get('k')?.value?.n, 2)
})

t.test('a reader of the owner’s participant selects the same owner', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const [own, other] = [a.writer(topic, strength(1)), b.writer(topic, strength(2))]
  const reader = a.reader(topic)
  await plane.settle(reader.synced())
  other.write({ id: 'k', n: 2 })
  await plane.clock.advance(10)
  own.write({ id: 'k', n: 1 })
  await plane.clock.advance(10)
  t.equal(reader.get('k')?.value?.n, 2)
  other.close()
  await plane.clock.advance(500)
  t.equal(reader.get('k')?.value?.n, 1)
})

t.test('when the owner misses the deadline another writer takes over, until the owner writes again', async (t) => {
  const plane = openPlane(t)
  const [a, b, c] = [await plane.join('a'), await plane.join('b'), await plane.join('c')]
  const qos = { deadlineMs: 100 }
  const strong = a.writer(topic, { qos: { ...qos, ownershipStrength: 9 } })
  const weak = b.writer(topic, { qos: { ...qos, ownershipStrength: 1 } })
  const reader = c.reader(topic, { qos })
  await plane.settle(reader.synced())
  const received: (number | undefined)[] = []
  reader.onSample(({ value }) => received.push(value?.n))
  for (let n = 1; n <= 4; n++) {
    if (n <= 2) strong.write({ id: 'k', n: 100 + n })
    weak.write({ id: 'k', n })
    await plane.clock.advance(80)
  }
  t.same(received, [101, 102, 4], 'from the other writer’s first value after the deadline')
  strong.write({ id: 'k', n: 105 })
  await plane.clock.advance(10)
  weak.write({ id: 'k', n: 5 })
  await plane.clock.advance(10)
  t.same(received, [101, 102, 4, 105])
})

t.test('an unreachable owner loses its instances until it is back', async (t) => {
  const plane = openPlane(t)
  const far = await plane.join('far', {}, { bootId: 'elsewhere' })
  const [near, c] = [await plane.join('near'), await plane.join('c')]
  const [strong, weak] = [far.writer(topic, strength(9)), near.writer(topic, strength(1))]
  const reader = c.reader(topic)
  await plane.settle(reader.synced())
  strong.write({ id: 'k', n: 9 })
  strong.write({ id: 'alone', n: 9 })
  weak.write({ id: 'k', n: 1 })
  await plane.clock.advance(10)
  t.equal(reader.get('k')?.value?.n, 9)
  const alive: string[] = []
  reader.onEvent((event) => {
    if (event.kind === 'liveliness-changed') alive.push(`${event.isAlive} ${event.aliveCount}/${event.notAliveCount}`)
  })
  plane.network.disconnect('far')
  await plane.clock.advance(20_000)
  t.same(alive, ['false 1/1'])
  t.equal(reader.get('k')?.value?.n, 1)
  t.match(reader.get('alone'), { instanceState: 'alive', value: { n: 9 } }, 'the owner may still be working')
  plane.network.reconnect('far')
  await plane.clock.advance(3000)
  t.same(alive, ['false 1/1', 'true 2/0'])
  t.equal(reader.get('k')?.value?.n, 9)
})
