import t from 'tap'
import type { ReaderEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

t.test('a time-based filter passes one sample per period and instance, and always the last one', async (t) => {
  for (const historyDepth of [1, 10]) {
    await t.test(`depth ${historyDepth}`, async (t) => {
      const plane = openPlane(t)
      const [a, b] = [await plane.join('a'), await plane.join('b')]
      const writer = a.writer(topic, { qos: { historyDepth } })
      const reader = b.reader(topic, { qos: { historyDepth, timeBasedFilterMs: 100 } })
      await plane.settle(reader.synced())
      const startMs = plane.clock.nowMs()
      const received: string[] = []
      reader.onSample(({ key, value, instanceState }) => {
        received.push(`${plane.clock.nowMs() - startMs} ${key}${value?.n ?? ''} ${instanceState}`)
      })
      for (let n = 0; n < 26; n++) {
        writer.write({ id: 'k', n })
        if (n === 3) writer.write({ id: 'other', n })
        await plane.clock.advance(10)
        if (n === 8) t.equal(reader.get('k')?.value?.n, 0, 'a held-back value is not shown')
      }
      await plane.clock.advance(1000)
      t.same(received, ['0 k0 alive', '30 other3 alive', '100 k9 alive', '200 k19 alive', '300 k25 alive'])
      t.same(
        reader.take().map(({ value }) => value?.n),
        historyDepth === 1 ? [25, 3] : [0, 9, 19, 25, 3],
      )
      t.equal(b.counters.get('reader.time-filtered'), 25)

      received.length = 0
      const againMs = plane.clock.nowMs() - startMs
      writer.write({ id: 'k', n: 100 })
      await plane.clock.advance(10)
      writer.write({ id: 'k', n: 101 })
      await plane.clock.advance(10)
      writer.dispose('k')
      await plane.clock.advance(10)
      writer.write({ id: 'k', n: 102 })
      await plane.clock.advance(1000)
      t.same(
        received,
        [`${againMs} k100 alive`, `${againMs + 20} k disposed`, `${againMs + 100} k102 alive`],
        'an end is reported at once, a new instance waits',
      )
      writer.write({ id: 'k', n: 103 })
      await plane.clock.advance(10)
      writer.write({ id: 'k', n: 104 })
      await plane.clock.advance(10)
      await a.close()
      await plane.clock.advance(10)
      t.match(
        reader.get('k'),
        { value: { n: 104 }, instanceState: 'no-writers' },
        'the last value of the departed writer',
      )
    })
  }
})

t.test('a missed requested deadline is reported to the millisecond, per instance, once per period', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { deadlineMs: 100 } })
  const reader = b.reader(topic, { qos: { deadlineMs: 100 } })
  await plane.settle(reader.synced())
  const startMs = plane.clock.nowMs()
  const missed: string[] = []
  reader.onEvent((event: ReaderEvent) => {
    if (event.kind !== 'requested-deadline-missed') return
    missed.push(`${plane.clock.nowMs() - startMs} ${event.key} ${event.totalCount}`)
  })
  writer.write({ id: 'a', n: 1 })
  await plane.clock.advance(40)
  writer.write({ id: 'b', n: 1 })
  await plane.clock.advance(40)
  writer.write({ id: 'a', n: 2 })
  await plane.clock.advance(65)
  t.same(missed, ['140 b 1'])
  await plane.clock.advance(100)
  t.same(missed, ['140 b 1', '180 a 2', '240 b 3'])
  writer.dispose('b')
  await plane.clock.advance(100)
  t.same(missed.slice(3), ['280 a 4'], 'an ended instance has no deadline')
  writer.close()
  await plane.clock.advance(1000)
  t.equal(missed.length, 4)
  t.equal(b.counters.get('reader.deadline-missed'), 4)
})

t.test('a process that was stopped reads its sockets before it reports missed deadlines', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic, { qos: { deadlineMs: 500 } })
  const reader = b.reader(topic, { qos: { deadlineMs: 500 } })
  await plane.settle(reader.synced())
  writer.write({ id: 'a', n: 1 })
  await plane.clock.advance(10)
  plane.network.setLinkFaults('a', 'b', { minDelayMs: 300, maxDelayMs: 300 })
  await plane.clock.advance(300)
  writer.write({ id: 'a', n: 2 })
  await plane.clock.advance(0)
  // Both the deadline and the frame fall due during the stop. The timer runs first.
  plane.clock.jump(5000)
  await plane.clock.advance(50)
  t.equal(reader.get('a')?.value?.n, 2)
  t.equal(b.counters.get('reader.deadline-missed'), 0)
  plane.network.setLinkFaults('a', 'b', undefined)
  await plane.clock.advance(400)
})

t.test('a value refused by the content filter is not replaced by an older one', async (t) => {
  for (const historyDepth of [1, 5]) {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const writer = a.writer(topic, { qos: { historyDepth } })
    const reader = b.reader(topic, { qos: { historyDepth }, filter: ({ n }) => n < 10 })
    await plane.settle(reader.synced())
    const received: string[] = []
    reader.onSample(({ value, instanceState, viewState }) => received.push(`${value?.n} ${instanceState} ${viewState}`))
    for (const n of [50, 1, 2, 20, 30, 3]) {
      writer.write({ id: 'k', n })
      await plane.clock.advance(1)
      t.equal(reader.get('k')?.value?.n, n < 10 ? n : undefined)
    }
    t.same(received, ['1 alive new', '2 alive not-new', 'undefined no-writers not-new', '3 alive new'])
    writer.write({ id: 'never', n: 40 })
    writer.dispose('never')
    await plane.clock.advance(1)
    t.equal(received.length, 4)
    t.equal(reader.size, 2)
    t.same(
      [...reader.entries()].map(([key]) => key),
      ['k'],
    )
  }
})
