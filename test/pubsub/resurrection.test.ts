import t, { type Test } from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'config.mode', key: 'id', fields: ['id', 'n'] })

/** Opens an owner, a relay that keeps what it receives for late joiners, and a reader, all in one partition. */
async function keptPlane(t: Test) {
  const plane = openPlane(t)
  const owner = await plane.join('owner')
  const keeper = await plane.join('keeper')
  const reading = await plane.join('reading')
  const writer = owner.writer(topic)
  const relay = keeper.relay(keeper.reader(topic), { partition: 'default' })
  keeper.relay(keeper.reader(topic), { partition: 'down' })
  const reader = reading.reader(topic)
  await plane.clock.advance(500)
  return { plane, owner, keeper, reading, writer, relay, reader }
}

for (const outageMs of [2_000, 8_000, 20_000, 60_000, 90_000, 700_000]) {
  t.test(
    `a relay that was cut off for ${outageMs / 1_000} s brings back no instance that its owner ended`,
    async (t) => {
      const { plane, owner, writer, reader } = await keptPlane(t)
      writer.write({ id: 'k', n: 1 })
      writer.write({ id: 'stays', n: 1 })
      await plane.clock.advance(1_000)
      plane.network.partition(['owner', 'reading'], ['keeper'])
      writer.dispose('k')
      await plane.clock.advance(100)
      await owner.close()
      await plane.clock.advance(outageMs)
      t.equal(reader.get('k'), undefined)
      const told: string[] = []
      reader.onSample(({ key, instanceState }) => told.push(`${key} ${instanceState}`))
      plane.network.heal()
      await plane.clock.advance(60_000)
      t.equal(reader.get('k'), undefined)
      t.notOk(told.includes('k alive'), 'no listener receives it')
      t.match(
        reader.get('stays'),
        { value: { n: 1 }, instanceState: 'alive' },
        'an instance that was not ended is there',
      )
    },
  )
}

for (const outageMs of [20_000, 90_000]) {
  t.test(
    `a relay that was cut off for ${outageMs / 1_000} s learns from another relay which instances have ended`,
    async (t) => {
      const { plane, owner, writer, relay } = await keptPlane(t)
      const present = await plane.join('present')
      const other = present.relay(present.reader(topic), { partition: 'default' })
      // The reader behind the relay learns of the end only through it.
      const down = (await plane.join('behind')).reader(topic, { partition: 'down' })
      await plane.clock.advance(500)
      writer.write({ id: 'k', n: 1 })
      writer.write({ id: 'stays', n: 1 })
      await plane.clock.advance(1_000)
      plane.network.partition(['owner', 'reading', 'present'], ['keeper', 'behind'])
      writer.dispose('k')
      await plane.clock.advance(100)
      await owner.close()
      await plane.clock.advance(outageMs)
      t.match(down.get('k'), { value: { n: 1 } }, 'the reader behind the cut still holds it')
      plane.network.heal()
      await plane.clock.advance(60_000)
      t.strictSame([...relay.writer.keys()], ['stays'])
      t.strictSame([...other.writer.keys()], ['stays'])
      t.equal(down.get('k'), undefined)
      t.match(down.get('stays'), { value: { n: 1 }, instanceState: 'alive' })
    },
  )
}

t.test('under random outages of a relay the readers converge on what the owners hold', async (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = seededRandom(seed)
    const plane = openPlane(t, seed)
    const [first, second, reading] = [
      await plane.join('first'),
      await plane.join('second'),
      await plane.join('reading'),
    ]
    for (const keeper of [first, second]) keeper.relay(keeper.reader(topic), { partition: 'default' })
    const reader = reading.reader(topic)
    const truth = new Map<string, number>()
    const ended = new Set<string>()
    let revived: string | undefined
    reader.onSample(({ key, instanceState }) => {
      if (instanceState === 'alive' && ended.has(key)) revived ??= key
    })
    for (let round = 1; round <= 4; round++) {
      const owner = await plane.join(`owner-${round}`)
      const writer = owner.writer(topic)
      await plane.clock.advance(500)
      if (random() < 0.8) plane.network.partition([`owner-${round}`, 'reading', 'second'], ['first'])
      for (let n = 0; n < 6; n++) {
        // A later owner takes over an instance of an earlier one, and ends it.
        const key = `k${Math.floor(random() * 4)}`
        const value = round * 10 + n
        ended.delete(key)
        writer.write({ id: key, n: value })
        truth.set(key, value)
        await plane.clock.advance(100 + random() * 500)
        if (random() < 0.5) {
          writer.dispose(key)
          truth.delete(key)
          await plane.clock.advance(100)
          ended.add(key)
        }
      }
      await plane.clock.advance(500)
      await owner.close()
      await plane.clock.advance(random() * 100_000)
      plane.network.heal()
      await plane.clock.advance(30_000)
    }
    const held = Object.fromEntries([...reader.entries()].map(([key, { value }]) => [key, value?.n]).sort())
    t.strictSame(held, Object.fromEntries([...truth].sort()), `seed ${seed}`)
    t.equal(revived, undefined, `seed ${seed}: no listener receives an ended instance`)
    await plane.close()
  }
})
