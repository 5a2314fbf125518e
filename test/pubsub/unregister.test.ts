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
  const received: string[] = []
  reader.onSample(({ key, value, instanceState }) => received.push(`${key} ${value?.n ?? '-'} ${instanceState}`))
  return received
}

async function pair(t: Test): Promise<[MemoryPlane, Participant, Participant]> {
  const plane = openPlane(t)
  return [plane, await plane.join('a'), await plane.join('b')]
}

t.test('an unregistered instance has no writers and keeps its last value', async (t) => {
  const [plane, a, b] = await pair(t)
  const writer = a.writer(topic)
  const [near, far] = [a.reader(topic), b.reader(topic)]
  const received = [listen(near), listen(far)]
  await plane.settle(far.synced())
  writer.write({ id: 'k', n: 1 })
  await plane.clock.advance(20)
  t.match(writer.unregister('k'), { writer: writer.guid, seq: 2 })
  t.equal(writer.unregister('k'), undefined, 'it is already unregistered')
  t.equal(writer.dispose('k'), undefined)
  t.equal(writer.get('k'), undefined)
  t.same([...writer.keys()], [])
  await plane.clock.advance(20)
  t.same(received, [
    ['k 1 alive', 'k 1 no-writers'],
    ['k 1 alive', 'k 1 no-writers'],
  ])
  t.match(far.get('k'), { value: { n: 1 }, token: { seq: 1 }, instanceState: 'no-writers' })
  writer.write({ id: 'k', n: 2 })
  await plane.clock.advance(20)
  t.same(received[1]?.slice(2), ['k 2 alive'], 'it may come back')
  t.match(far.lag(), [{ appliedSeq: 3, lagSamples: 0 }])
})

t.test('a value written and unregistered in one tick still arrives', async (t) => {
  const [plane, a, b] = await pair(t)
  const writer = a.writer(topic)
  const readers = [a.reader(topic), b.reader(topic)]
  const received = readers.map(listen)
  await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
  writer.write({ id: 'k', n: 7 })
  writer.unregister('k')
  await plane.clock.advance(20)
  t.same(received, [
    ['k 7 alive', 'k 7 no-writers'],
    ['k 7 alive', 'k 7 no-writers'],
  ])
})

t.test('an instance stays alive while another writer holds it', async (t) => {
  const [plane, a, b] = await pair(t)
  const c = await plane.join('c')
  const [first, second] = [a.writer(topic), b.writer(topic)]
  const reader = c.reader(topic)
  const received = listen(reader)
  await plane.settle(reader.synced())
  first.write({ id: 'k', n: 1 })
  await plane.clock.advance(50)
  second.write({ id: 'k', n: 2 })
  await plane.clock.advance(50)
  first.unregister('k')
  await plane.clock.advance(500)
  t.same(received, ['k 1 alive', 'k 2 alive'], 'the departure of the weaker writer is not reported')
  first.write({ id: 'k', n: 3 })
  await plane.clock.advance(50)
  first.unregister('k')
  await plane.clock.advance(2000)
  t.match(reader.get('k'), { value: { n: 2 }, instanceState: 'alive' }, 'the remaining writer is asked again')
})

t.test(
  'a reader that missed an unregistration catches up by token or bootstrap, a late joiner receives nothing',
  async (t) => {
    const [plane, a, b] = await pair(t)
    const writer = a.writer(topic)
    const reader = b.reader(topic)
    const received = listen(reader)
    await plane.settle(reader.synced())
    for (const id of ['k', 'l', 'm']) writer.write({ id, n: 1 })
    await plane.clock.advance(20)
    received.splice(0)
    plane.network.disconnect('b')
    writer.write({ id: 'k', n: 2 })
    writer.flush()
    writer.unregister('k')
    writer.dispose('m')
    writer.flush()
    await plane.clock.advance(500)
    t.same(received, [])
    plane.network.heal()
    await plane.clock.advance(5000)
    t.same(received.sort(), ['k 2 alive', 'k 2 no-writers', 'm - disposed'])
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
  },
)

t.test('autodispose: unregister and close dispose the instance, a crash does not', async (t) => {
  for (const how of ['unregister', 'close', 'leave', 'crash'] as const) {
    await t.test(how, async (t) => {
      const [plane, a, b] = await pair(t)
      const writer = a.writer(topic, { qos: autodispose })
      const readers = [b.reader(topic), ...(how === 'leave' || how === 'crash' ? [] : [a.reader(topic)])]
      const received = readers.map(listen)
      await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
      writer.write({ id: 'k', n: 1 })
      await plane.clock.advance(50)
      if (how === 'unregister') writer.unregister('k')
      else if (how === 'close') writer.close()
      else if (how === 'leave') await plane.settle(a.close())
      else b.reportProcess(a.guid, { liveliness: 'dead', cause: 'killed' })
      await plane.clock.advance(1000)
      const last = how === 'crash' ? 'k 1 no-writers' : 'k - disposed'
      for (const events of received) t.same(events, ['k 1 alive', last])
    })
  }
})

t.test('a history ends with its instance, and no sample of it is lost', async (t) => {
  const [plane, a, b] = await pair(t)
  const qos = { historyDepth: 3 }
  const writer = a.writer(topic, { qos })
  const reader = b.reader(topic, { qos })
  const received = listen(reader)
  await plane.settle(reader.synced())
  for (const n of [1, 2, 3, 4]) writer.write({ id: 'k', n })
  writer.unregister('k')
  for (const n of [5, 6]) writer.write({ id: 'l', n })
  writer.dispose('l')
  await plane.clock.advance(50)
  t.same(received, ['k 2 alive', 'k 3 alive', 'k 4 alive', 'k 4 no-writers', 'l 5 alive', 'l 6 alive', 'l - disposed'])
  const late = (await plane.join('c')).reader(topic)
  await plane.settle(late.synced())
  t.same([...late.entries()], [], 'an ended instance does not return for a late joiner')
})

t.test('a value that arrives after its unregistration does not revive the instance', async (t) => {
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
