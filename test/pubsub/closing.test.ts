import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain } from '../../src/pubsub/participant.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { MemoryNetwork } from '../../src/transport/memory/memory-network.js'
import { openPlane } from '../support/open-plane.js'

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

t.test('a participant whose transport fails to close closes the rest and throws the error', async (t) => {
  const clock = new FakeClock()
  const transport = new MemoryNetwork({ clock, random: () => 0.5 }).open('a')
  const close = transport.close.bind(transport)
  transport.close = async () => {
    await close()
    throw new Error('the socket cannot be closed')
  }
  const participant = await joinDomain({ domain: 1, name: 'a' }, { clock, transport, random: () => 0.5 })
  const reader = participant.reader(topic)
  const writer = participant.writer(topic)
  let peerEvents = 0
  participant.onPeer(() => peerEvents++)
  const first = participant.close()
  await t.rejects(first, { message: 'the socket cannot be closed' })
  t.equal(participant.close(), first, 'idempotent')
  await participant.ended
  await Promise.all([reader.ended, writer.ended])
  await clock.advance(2_000)
  t.equal(clock.pendingTimers, 0, 'no timer is left')
  t.equal(peerEvents, 0)
})

t.test('a lane that throws on the last frames does not prevent sockets and timers from closing', async (t) => {
  const clock = new FakeClock()
  const transport = new MemoryNetwork({ clock, random: () => 0.5 }).open('a')
  const participant = await joinDomain({ domain: 1, name: 'a' }, { clock, transport, random: () => 0.5 })
  participant.reader(topic)
  participant.writer(topic).write({ id: 'k', n: 1 })
  await clock.advance(100)
  const { datagram } = transport
  let isClosed = false
  const close = transport.close.bind(transport)
  transport.close = () => {
    isClosed = true
    return close()
  }
  datagram.send = () => {
    throw new Error('the lane is broken')
  }
  await t.rejects(participant.close(), { message: 'the lane is broken' })
  t.ok(isClosed)
  await clock.advance(2_000)
  t.equal(clock.pendingTimers, 0, 'no timer is left')
})

t.test('aborting a signal closes what was opened with it, and `ended` resolves', async (t) => {
  const plane = openPlane(t)
  const [joining, reading, writing] = [new AbortController(), new AbortController(), new AbortController()]
  const participant = await plane.join('a', { signal: joining.signal })
  const reader = participant.reader(topic, { signal: reading.signal })
  const writer = participant.writer(topic, { signal: writing.signal })
  writing.abort()
  await writer.ended
  t.throws(() => writer.write({ id: 'k', n: 1 }), { code: 'NUMACAST_CLOSED' })
  reading.abort()
  await reader.ended
  await t.rejects(reader.synced(), { code: 'NUMACAST_CLOSED' })
  joining.abort()
  await plane.settle(participant.ended)
  t.throws(() => participant.reader(topic), { code: 'NUMACAST_CLOSED' })
})

t.test('an already aborted signal: nothing is opened', async (t) => {
  const plane = openPlane(t)
  const signal = AbortSignal.abort(new Error('too late'))
  await t.rejects(plane.join('b', { signal }), { message: 'too late' })
  const participant = await plane.join('a')
  t.throws(() => participant.reader(topic, { signal }), { message: 'too late' })
  t.throws(() => participant.writer(topic, { signal }), { message: 'too late' })
})

t.test('await using closes a reader, and a writer after its readers have acknowledged', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const kept = b.reader(topic)
  await plane.clock.advance(1_000)
  const leave = async (): Promise<Promise<void>[]> => {
    await using writer = a.writer(topic)
    await using reader = b.reader(topic)
    await plane.clock.advance(100)
    writer.write({ id: 'k', n: 7 })
    return [writer.ended, reader.ended]
  }
  const ended = await plane.settle(leave())
  await Promise.all(ended)
  t.equal(kept.get('k')?.value.n, 7)
})
