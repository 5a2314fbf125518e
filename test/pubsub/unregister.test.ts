import t, { type Test } from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const autodispose = { writerDataLifecycle: { autodispose: true } }

function listen(reader: Reader<Value>): string[] {
  const heard: string[] = []
  reader.onSample(({ key, value, instanceState }) => heard.push(`${key} ${value?.n ?? '-'} ${instanceState}`))
  return heard
}

async function pair(t: Test): Promise<[MemoryPlane, Participant, Participant]> {
  const plane = openPlane(t)
  return [plane, await plane.join('a'), await plane.join('b')]
}

t.test('an unregistered instance has no writers, and its last value stays', async (t) => {
  const [plane, a, b] = await pair(t)
  const writer = a.writer(topic)
  const [near, far] = [a.reader(topic), b.reader(topic)]
  const heard = [listen(near), listen(far)]
  await plane.settle(far.synced())
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(20)
  t.match(writer.unregister('k'), { writer: writer.guid, seq: 2 })
  t.equal(writer.unregister('k'), undefined, 'it is given up already')
  t.equal(writer.dispose('k'), undefined)
  t.equal(writer.get('k'), undefined)
  t.same([...writer.keys()], [])
  await plane.clock.advance(20)
  t.same(heard, [
    ['k 1 alive', 'k 1 no-writers'],
    ['k 1 alive', 'k 1 no-writers'],
  ])
  t.match(far.get('k'), { value: { n: 1 }, token: { seq: 1 }, instanceState: 'no-writers' })
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(20)
  t.same(heard[1]?.slice(2), ['k 2 alive'], 'it may come back')
  t.match(far.lag(), [{ appliedSeq: 3, lagSamples: 0 }])
})

t.test('a value that is written and given up in one breath arrives all the same', async (t) => {
  const [plane, a, b] = await pair(t)
  const writer = a.writer(topic)
  const readers = [a.reader(topic), b.reader(topic)]
  const heard = readers.map(listen)
  await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
  writer.write({ id: 'k', n: 7 })
  writer.unregister('k')
  await plane.clock.advance(20)
  t.same(heard, [
    ['k 7 alive', 'k 7 no-writers'],
    ['k 7 alive', 'k 7 no-writers'],
  ])
})

t.test('another writer that carries the instance keeps it alive', async (t) => {
  const [plane, a, b] = await pair(t)
  const c = await plane.join('c')
  const [first, second] = [a.writer(topic), b.writer(topic)]
  const reader = c.reader(topic)
  const heard = listen(reader)
  await plane.settle(reader.synced())
  first.write({ id: 'k', n: 1 })
  await plane.clock.advance(50)
  second.write({ id: 'k', n: 2 })
  await plane.clock.advance(50)
  first.unregister('k')
  await plane.clock.advance(500)
  t.same(heard, ['k 1 alive', 'k 2 alive'], 'the loser leaving is no news')
  first.write({ id: 'k', n: 3 })
  await plane.clock.advance(50)
  first.unregister('k')
  await plane.clock.advance(2000)
  t.match(reader.get('k'), { value: { n: 2 }, instanceState: 'alive' }, 'the one that is left is asked again')
})

t.test('a reader that missed it catches up, by token and by bootstrap; a newcomer hears nothing', async (t) => {
  const [plane, a, b] = await pair(t)
  const writer = a.writer(topic)
  const reader = b.reader(topic)
  const heard = listen(reader)
  await plane.settle(reader.synced())
  for (const id of ['k', 'l', 'm']) writer.write({ id, n: 1 })
  await plane.clock.advance(20)
  heard.splice(0)
  plane.network.disconnect('b')
  writer.write({ id: 'k', n: 2 })
  writer.flush()
  writer.unregister('k')
  writer.dispose('m')
  writer.flush()
  await plane.clock.advance(500)
  t.same(heard, [])
  plane.network.heal()
  await plane.clock.advance(5000)
  t.same(heard.sort(), ['k 2 alive', 'k 2 no-writers', 'm - disposed'])
  t.match(reader.lag(), [{ appliedSeq: 6, catchUpState: 'fresh' }])
  const c = await plane.join('c')
  const late = c.reader(topic)
  await plane.settle(late.synced())
  t.same(
    [...late.entries()].map(([key]) => key),
    ['l'],
  )
  const own = a.reader(topic)
  await plane.settle(own.synced())
  t.same(
    [...own.entries()].map(([key]) => key),
    ['l'],
  )
})

t.test('autodispose: unregister and close both dispose; a crash does not', async (t) => {
  for (const how of ['unregister', 'close', 'leave', 'crash'] as const) {
    await t.test(how, async (t) => {
      const [plane, a, b] = await pair(t)
      const writer = a.writer(topic, { qos: autodispose })
      const readers = [b.reader(topic), ...(how === 'leave' || how === 'crash' ? [] : [a.reader(topic)])]
      const heard = readers.map(listen)
      await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
      writer.write({ id: 'k', n: 1 })
      await plane.clock.advance(50)
      if (how === 'unregister') writer.unregister('k')
      else if (how === 'close') writer.close()
      else if (how === 'leave') await plane.settle(a.close())
      else b.reportProcess(a.guid, { liveliness: 'dead', cause: 'killed' })
      await plane.clock.advance(1000)
      const last = how === 'crash' ? 'k 1 no-writers' : 'k - disposed'
      for (const events of heard) t.same(events, ['k 1 alive', last])
    })
  }
})

t.test('a history ends with the instance, and nothing of it is lost', async (t) => {
  const [plane, a, b] = await pair(t)
  const qos = { historyDepth: 3 }
  const writer = a.writer(topic, { qos })
  const reader = b.reader(topic, { qos })
  const heard = listen(reader)
  await plane.settle(reader.synced())
  for (const n of [1, 2, 3, 4]) writer.write({ id: 'k', n })
  writer.unregister('k')
  for (const n of [5, 6]) writer.write({ id: 'l', n })
  writer.dispose('l')
  await plane.clock.advance(50)
  t.same(heard, ['k 2 alive', 'k 3 alive', 'k 4 alive', 'k 4 no-writers', 'l 5 alive', 'l 6 alive', 'l - disposed'])
  const late = (await plane.join('c')).reader(topic)
  await plane.settle(late.synced())
  t.same([...late.entries()], [], 'what has ended does not come back for a newcomer')
})

t.test('a value that comes later than the word that gave it up does not revive the instance', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  for (const duplicateRatio of [0, 1]) {
    const id = `k${duplicateRatio}`
    // Sooner than a repair.
    plane.network.setLinkFaults('a', 'b', { minDelayMs: 0.1, maxDelayMs: 0.1, duplicateRatio })
    writer.write({ id, n: 1 })
    writer.flush()
    plane.network.setLinkFaults('a', 'b', undefined)
    writer.unregister(id)
    await plane.clock.advance(2000)
    t.match(reader.get(id), { value: { n: 1 }, instanceState: 'no-writers' })
  }
})
