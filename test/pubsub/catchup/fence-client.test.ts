import t, { type Test } from 'tap'
import { newGuid } from '../../../src/core/ids.js'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import type { Participant } from '../../../src/pubsub/participant.js'
import type { Reader } from '../../../src/pubsub/reader/reader.js'
import type { MemoryPlane } from '../../../src/testing/memory-plane.js'
import { encodeFenceReply } from '../../../src/wire/fence.js'
import { openPlane } from '../../support/open-plane.js'
import { RawPeer, topic as rawTopic } from '../raw-peer.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

interface Scene {
  readonly plane: MemoryPlane
  readonly a: Participant
  readonly b: Participant
  readonly reader: Reader<Value>
}

async function scene(t: Test): Promise<Scene> {
  const plane = openPlane(t)
  const a = await plane.join('a')
  const b = await plane.join('b')
  const reader = b.reader(topic)
  return { plane, a, b, reader }
}

t.test('a fence answers the present numbers, and the reader catches up with what was lost', async (t) => {
  const { plane, a, b, reader } = await scene(t)
  const writer = a.writer(topic)
  writer.write({ id: 'k', n: 1 })
  await plane.settle(reader.synced())
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  for (let n = 2; n <= 5; n++) writer.write({ id: `k${n}`, n })
  await plane.clock.advance(100)
  t.equal(reader.lag()[0]?.headSeq, 1, 'the reader has no means to know')

  const [answer] = await plane.settle(b.fence([a.guid], 1_000))
  t.same([...(answer?.heads ?? [])], [[writer.guid, 5]])
  t.match(answer, { participant: a.guid, failure: null })
  await plane.clock.advance(50)
  t.match(reader.lag(), [{ appliedSeq: 5, headSeq: 5, catchUpState: 'fresh', catchUpAction: 'advance' }])
  t.match(reader.catchUps(), { gaps: 1, repairs: 1 })
})

t.test('a fence names writers that the reader does not know yet, and leads to their discovery', async (t) => {
  const { plane, a, b, reader } = await scene(t)
  a.writer(topic).write({ id: 'k', n: 1 })
  await plane.settle(reader.synced())
  plane.network.setLinkFaults('a', 'b', { lossRatio: 1 })
  const later = a.writer(topic)
  later.write({ id: 'later', n: 2 })
  const [answer] = await plane.settle(b.fence([a.guid], 1_000))
  t.equal(answer?.heads?.get(later.guid), 1)
  await plane.clock.advance(50)
  t.ok(b.isDescribed(a.guid, answer?.version ?? 0))
  t.equal(reader.get('later')?.value?.n, 2)
})

t.test('participants are asked at once; a silent or unknown one is named and delays no other', async (t) => {
  const { plane, a, b } = await scene(t)
  const c = await plane.join('c')
  for (const peer of [a, c]) peer.writer(topic)
  await plane.clock.advance(1_000)
  plane.network.partition(['b', 'a'], ['c'])
  const unknown = newGuid()
  const started = plane.clock.nowMs()
  const answers = await plane.settle(b.fence([a.guid, c.guid, unknown, b.guid], 300))
  t.match(answers, [
    { participant: a.guid, failure: null },
    { participant: c.guid, failure: 'timeout', heads: undefined },
    { participant: unknown, failure: 'unknown-peer' },
    { participant: b.guid, failure: null },
  ])
  t.ok(plane.clock.nowMs() - started < 400)
  t.equal(b.counters.get('fence.failed.timeout'), 1)

  const stop = new AbortController()
  const aborted = b.fence([c.guid], 10_000, stop.signal)
  stop.abort()
  t.match(await plane.settle(aborted), [{ failure: 'aborted' }])
})

t.test('changes of the participant itself count, also before they have left', async (t) => {
  const { plane, b } = await scene(t)
  const writer = b.writer(topic, { qos: { latencyBudgetMs: 100 } })
  writer.write({ id: 'own', n: 1 })
  const [answer] = await plane.settle(b.fence([b.guid], 1_000))
  t.equal(answer?.heads?.get(writer.guid), 1)
  t.ok(b.isDescribed(b.guid, answer?.version ?? 0))
})

t.test('an answer in the name of another participant, or malformed, is no answer', async (t) => {
  const plane = openPlane(t)
  const victim = await plane.join('victim')
  victim.reader(rawTopic)
  const raw = new RawPeer(plane.network.open('raw'))
  t.teardown(() => raw.transport.close())
  raw.values.push({ id: 'a', n: 1 })
  raw.send(raw.beaconFrame())
  await plane.clock.advance(200)
  t.ok(victim.peer(raw.guid))
  for (const [reply, failure] of [
    [encodeFenceReply({ from: newGuid(), version: 1, writers: [{ writer: 1, seq: 9 }] }), /^bad-value$/],
    [Buffer.from('no map'), /./],
    [encodeFenceReply({ from: raw.guid, version: 0, writers: [] }), /./],
  ] as const) {
    raw.transport.stream.serve(() => reply)
    const [answer] = await plane.settle(victim.fence([raw.guid], 500))
    t.equal(answer?.heads, undefined)
    t.match(answer?.failure, failure)
    t.not(answer?.failure, 'timeout')
  }
})
