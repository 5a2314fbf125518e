import t from 'tap'
import type { MismatchEvent, WriterEvent } from '../../src/pubsub/model/events.js'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({ name: 'state', key: 'id', fields: ['id', 'n'] })

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

t.test('a reader or writer created after its participant is reported', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told = [mismatches(a), mismatches(b)]
  a.writer(topic)
  await plane.settle(b.reader(topic).synced())
  await plane.clock.advance(3000)
  const strict = b.reader(topic, { qos: { ownership: 'exclusive' } })
  await plane.clock.advance(5000)
  t.match(told, [[{ reader: strict.guid }], [{ reader: strict.guid }]])
  const weak = a.writer(topic, { qos: { reliability: 'best-effort', ownership: 'exclusive' } })
  await plane.clock.advance(5000)
  for (const events of told) {
    t.equal(events.length, 3)
    t.match(events.filter(({ writer }) => writer === weak.guid).length, 2)
  }
})

t.test('a writer is unmatched from a reader that closes or whose participant leaves', async (t) => {
  const plane = openPlane(t)
  const [a, b, c] = [await plane.join('a'), await plane.join('b'), await plane.join('c')]
  const writer = a.writer(topic)
  const [first, second] = [b.reader(topic), c.reader(topic)]
  await plane.settle(Promise.all([first.synced(), second.synced()]))
  t.equal(writer.matchedReaders().length, 2)
  const events = listen(writer)
  const gone = { kind: 'publication-matched', isMatched: false, totalCount: 2 }
  first.close()
  await plane.clock.advance(5000)
  t.same(events.splice(0), [{ ...gone, reader: first.guid, currentCount: 1 }])
  await plane.settle(c.close())
  await plane.clock.advance(1000)
  t.same(events, [{ ...gone, reader: second.guid, currentCount: 0 }])
})
