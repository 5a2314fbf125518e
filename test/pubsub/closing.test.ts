import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import type { MemoryPlane } from '../../src/testing/memory-plane.js'
import type { Transport } from '../../src/transport/lane/transport.js'
import { MemoryNetwork } from '../../src/transport/memory/memory-network.js'
import { openPlane } from '../support/open-plane.js'

const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'] })

const identity = { host: 'h', bootId: 'boot', pid: 99, startTimeTicks: 99, pidNamespace: 1, networkNamespace: 1 }

function joinBy(transport: Transport, { clock }: MemoryPlane): Promise<Participant> {
  return joinDomain({ domain: 1, name: 'broken' }, { clock, transport, random: () => 0.5, identity })
}

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

t.test('joining that is aborted rejects with the reason, although the transport fails to close', async (t) => {
  const clock = new FakeClock()
  const opened = new MemoryNetwork({ clock, random: () => 0.5 }).open('a')
  let isClosed = false
  opened.close = async () => {
    isClosed = true
    throw new Error('the socket cannot be closed')
  }
  const abort = new AbortController()
  const warnings: string[] = []
  const warn = (_: object, text?: string): void => void warnings.push(String(text))
  const logger = { debug: () => undefined, info: () => undefined, warn, error: () => undefined }
  const joining = joinDomain(
    { domain: 1, name: 'a', signal: abort.signal, logger },
    {
      clock,
      get transport() {
        abort.abort(new Error('enough'))
        return opened
      },
    },
  )
  await t.rejects(joining, { message: 'enough' })
  t.ok(isClosed)
  t.match(warnings, [/participant.close-failed/], 'the failure is logged')
})

t.test('a writer whose last frames cannot be sent closes all the same', async (t) => {
  const plane = openPlane(t)
  const transport = plane.network.open('a')
  const [a, b] = [await joinBy(transport, plane), await plane.join('b')]
  const writer = a.writer(topic)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  const { datagram } = transport
  const send = datagram.send.bind(datagram)
  datagram.send = () => {
    throw new Error('the lane is broken')
  }
  writer.write({ id: 'k', n: 1 })
  t.throws(() => writer.close(), { message: 'the lane is broken' })
  await writer.ended
  writer.close()
  t.throws(() => writer.write({ id: 'k', n: 2 }), { code: 'NUMACAST_CLOSED' })
  datagram.send = send
  await plane.clock.advance(2_000)
  t.same(reader.lag(), [], 'its reader was told')
  await plane.settle(a.close())
})

t.test('a reader whose stream fails to close closes all the same', async (t) => {
  const plane = openPlane(t)
  const streamed = defineTopic<{ id: string; n: number }>({ name: 's', key: 'id', fields: ['id', 'n'], lane: 'stream' })
  const transport = plane.network.open('b')
  const { stream } = transport
  const subscribe = stream.subscribe.bind(stream)
  stream.subscribe = (...args) => {
    const subscription = subscribe(...args)
    return {
      close: () => {
        subscription.close()
        throw new Error('the stream is broken')
      },
    }
  }
  const [a, b] = [await plane.join('a'), await joinBy(transport, plane)]
  const writer = a.writer(streamed)
  const reader = b.reader(streamed)
  await plane.settle(reader.synced())
  t.equal(writer.matchedReaders().length, 1)
  reader.close()
  await reader.ended
  t.equal(b.counters.get('stream.failed.unsubscribe.unknown'), 1)
  await plane.clock.advance(2_000)
  t.same(writer.matchedReaders(), [], 'its writer was told')
  await plane.settle(b.close())
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
