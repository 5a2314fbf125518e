import t from 'tap'
import type { MismatchEvent, WriterEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import { joinDomain, type Participant } from '../../src/pubsub/participant.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import type { QosOptions } from '../../src/qos/qos.js'
import { until } from '../../src/testing/eventually.js'
import { claimDomain } from '../support/domain-lock.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })
const other = defineTopic<Value>({ name: 'state', key: ['id', 'n'], fields: ['id', 'n'] })

function listen(writer: Writer<Value>): WriterEvent[] {
  const events: WriterEvent[] = []
  writer.onEvent((event) => events.push(event))
  return events
}

function mismatches(participant: Participant): MismatchEvent[] {
  const events: MismatchEvent[] = []
  participant.onMismatch((event) => events.push(event))
  return events
}

t.test('publication-matched is reported for local and remote readers that join and leave', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const writer = a.writer(topic)
  const events = listen(writer)
  writer.onEvent(() => {
    throw new Error('of a listener')
  })
  const matched = { kind: 'publication-matched', isMatched: true }
  const near = a.reader(topic)
  t.same(events.splice(0), [{ ...matched, reader: near.guid, currentCount: 1, totalCount: 1 }])
  const far = b.reader(topic)
  a.reader(topic, { partition: 'elsewhere' })
  await plane.settle(far.synced())
  await plane.clock.advance(3000)
  t.same(events.splice(0), [{ ...matched, reader: far.guid, currentCount: 2, totalCount: 2 }])
  t.same([...writer.matchedReaders()].sort(), [near.guid, far.guid].sort())
  near.close()
  t.same(events.splice(0), [{ ...matched, isMatched: false, reader: near.guid, currentCount: 1, totalCount: 2 }])
  t.equal(a.counters.get('writer.listener-threw'), 3)
  writer.close()
  a.reader(topic)
  t.same(events, [], 'a closed writer has no readers')
})

const offers: { readonly name: string; readonly offered: QosOptions; readonly requested: QosOptions }[] = [
  { name: 'reliability', offered: { reliability: 'best-effort' }, requested: {} },
  { name: 'durability', offered: { durability: 'volatile' }, requested: {} },
  { name: 'deadlineMs', offered: { deadlineMs: 200 }, requested: { deadlineMs: 100 } },
  { name: 'deadlineMs', offered: {}, requested: { deadlineMs: 100 } },
  {
    name: 'liveliness',
    offered: { liveliness: 'manual-by-participant' },
    requested: { liveliness: 'manual-by-topic' },
  },
  { name: 'leaseMs', offered: { leaseMs: 200 }, requested: { leaseMs: 100 } },
  { name: 'ownership', offered: { ownership: 'exclusive' }, requested: {} },
  { name: 'ownership', offered: {}, requested: { ownership: 'exclusive' } },
  { name: 'destinationOrder', offered: {}, requested: { destinationOrder: 'by-source' } },
]

t.test('each incompatible policy is reported at writer and reader, local and remote', async (t) => {
  for (const { name, offered, requested } of offers) {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const told = [mismatches(a), mismatches(b)]
    const writer = a.writer(topic, { qos: offered })
    const events = listen(writer)
    writer.write({ id: 'k', n: 1 })
    const readers = [a.reader(topic, { qos: requested }), b.reader(topic, { qos: requested })]
    await plane.settle(Promise.all(readers.map((reader) => reader.synced())))
    const policies = [{ policy: name, ...valuesOf(name, offered, requested) }]
    const event = { kind: 'incompatible-qos', topic: 'state', writer: writer.guid, policies }
    const [near, far] = readers.map(({ guid }) => ({ ...event, reader: guid }))
    t.same(events, [
      { ...near, totalCount: 1 },
      { ...far, totalCount: 2 },
    ])
    t.same(told, [[near, far], [far]])
    for (const reader of readers) t.equal(reader.size, 0)
    t.same(writer.matchedReaders(), [])
    t.equal(b.counters.get('match.incompatible-qos'), 1)
  }
})

function valuesOf(name: string, offered: QosOptions, requested: QosOptions): { offered: unknown; requested: unknown } {
  const defaults: Record<string, unknown> = {
    reliability: 'reliable',
    durability: 'transient-local',
    deadlineMs: null,
    ownership: 'shared',
    destinationOrder: 'by-reception',
  }
  const of = (qos: QosOptions): unknown => (qos as Record<string, unknown>)[name] ?? defaults[name]
  return { offered: of(offered), requested: of(requested) }
}

t.test('a different key is reported on both sides too', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = [mismatches(a), mismatches(b)]
  const writer = a.writer(other)
  const events = listen(writer)
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  const event = { kind: 'inconsistent-topic', topic: 'state', writer: writer.guid, reader: reader.guid }
  t.same(told, [[event], [event]])
  t.same(events, [{ ...event, totalCount: 1 }])
})

t.test('sockets: both sides report a mismatch, and the writer its reader', async (t) => {
  const domain = await claimDomain(t)
  const [a, b] = [await joinDomain({ domain, name: 'a' }), await joinDomain({ domain, name: 'b' })]
  try {
    const told = [mismatches(a), mismatches(b)]
    const [good, bad, foreign] = [
      a.writer(topic),
      a.writer(topic, { qos: { durability: 'volatile' } }),
      a.writer(other),
    ]
    const events = [good, bad, foreign].map(listen)
    const reader = b.reader(topic)
    await reader.synced()
    await until('each side has reported both, and each writer its reader', () => {
      return told.every(({ length }) => length === 2) && events.every(({ length }) => length > 0)
    })
    const pair = { topic: 'state', reader: reader.guid }
    const policies = [{ policy: 'durability', offered: 'volatile', requested: 'transient-local' }]
    for (const side of told) {
      t.same(
        [...side].sort((x, y) => x.kind.localeCompare(y.kind)),
        [
          { ...pair, kind: 'incompatible-qos', writer: bad.guid, policies },
          { ...pair, kind: 'inconsistent-topic', writer: foreign.guid },
        ],
      )
    }
    t.match(events, [
      [{ kind: 'publication-matched' }],
      [{ kind: 'incompatible-qos' }],
      [{ kind: 'inconsistent-topic' }],
    ])
    for (let n = 0; n < 100; n++) good.write({ id: 'k', n })
    await good.waitForAcknowledgments()
    t.match(reader.get('k'), { value: { n: 99 } })
  } finally {
    await Promise.all([a.close(), b.close()])
  }
})

t.test('a missed offered deadline is reported per instance, to the millisecond, once per period', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const writer = a.writer(topic, { qos: { deadlineMs: 100 } })
  const missed: string[] = []
  const beganMs = plane.clock.nowMs()
  writer.onEvent((event) => {
    if (event.kind === 'offered-deadline-missed') {
      missed.push(`${plane.clock.nowMs() - beganMs} ${event.key} ${event.totalCount}`)
    }
  })
  const timers = plane.clock.pendingTimers
  writer.write({ id: 'a', n: 1 })
  await plane.clock.advance(30)
  for (let n = 0; n < 50; n++) writer.write({ id: 'b', n })
  t.ok(plane.clock.pendingTimers <= timers + 1, 'one timer for all instances')
  await plane.clock.advance(50)
  writer.write({ id: 'a', n: 2 })
  await plane.clock.advance(101)
  t.same(missed.splice(0), ['130 b 1', '180 a 2'])
  writer.dispose('a')
  await plane.clock.advance(100)
  t.same(missed.splice(0), ['230 b 3'], 'an ended instance has no deadline')
  writer.unregister('b')
  await plane.clock.advance(1000)
  t.same(missed, [])
  writer.write({ id: 'a', n: 3 })
  writer.close()
  await plane.clock.advance(1000)
  t.same(missed, [])
})

t.test('liveliness-lost: a manual writer misses its own lease', async (t) => {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const beganMs = plane.clock.nowMs()
  const lost: string[] = []
  const open = (name: string, liveliness: 'automatic' | 'manual-by-participant' | 'manual-by-topic') => {
    const writer = a.writer(topic, { qos: { liveliness, leaseMs: 100 } })
    writer.onEvent((event) => {
      if (event.kind === 'liveliness-lost') lost.push(`${plane.clock.nowMs() - beganMs} ${name} ${event.totalCount}`)
    })
    return writer
  }
  open('automatic', 'automatic').assertLiveliness()
  const [p, q] = [open('p', 'manual-by-participant'), open('q', 'manual-by-participant')]
  const u = open('u', 'manual-by-topic')
  await plane.clock.advance(60)
  p.write({ id: 'k', n: 1 })
  await plane.clock.advance(60)
  t.same(lost.splice(0), ['100 u 1'], 'a write asserts the other writers by participant, not the writer by topic')
  await plane.clock.advance(60)
  t.same(lost.splice(0).sort(), ['160 p 1', '160 q 1'])
  await plane.clock.advance(1000)
  t.same(lost, [], 'once, until it is alive again')
  q.assertLiveliness()
  u.assertLiveliness()
  await plane.clock.advance(99)
  t.same(lost, [])
  await plane.clock.advance(1)
  t.same(lost.splice(0).sort(), ['1280 p 2', '1280 q 2', '1280 u 2'])
  a.assertLiveliness()
  await plane.clock.advance(50)
  u.close()
  await plane.clock.advance(50)
  t.same(lost.splice(0).sort(), ['1380 p 3', '1380 q 3'])
  for (const writer of [p, q]) writer.close()
  t.throws(() => u.assertLiveliness(), { code: 'NUMACAST_CLOSED' })
  await plane.settle(a.close())
  t.throws(() => a.assertLiveliness(), { code: 'NUMACAST_CLOSED' })
})

t.test('an assertion reaches readers: by topic for one writer, by participant for all writers', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const byTopic = { liveliness: 'manual-by-topic', leaseMs: 300 } as const
  const byParticipant = { liveliness: 'manual-by-participant', leaseMs: 300 } as const
  const writers = [byTopic, byTopic, byParticipant, byParticipant].map((qos) => a.writer(topic, { qos }))
  const reader = b.reader(topic)
  const states = new Map<string, boolean>()
  reader.onEvent((event) => {
    if (event.kind === 'liveliness-changed') states.set(event.writer, event.isAlive)
  })
  const alive = (): boolean[] => writers.map(({ guid }) => states.get(guid) === true)
  await plane.settle(reader.synced())
  await plane.clock.advance(1000)
  t.same(alive(), [false, false, false, false], 'the process lives, the program asserts nothing')
  writers[0]?.assertLiveliness()
  await plane.clock.advance(20)
  t.same(alive(), [true, false, true, true])
  await plane.clock.advance(1000)
  writers[3]?.write({ id: 'k', n: 1 })
  await plane.clock.advance(20)
  t.same(alive(), [false, false, true, true])
  for (let n = 0; n < 20; n++) {
    a.assertLiveliness()
    await plane.clock.advance(50)
  }
  t.same(alive(), [false, false, true, true])
  await plane.clock.advance(1000)
  t.same(alive(), [false, false, false, false])
})
