import t from 'tap'
import type { MismatchEvent, ReaderEvent, WriterEvent } from '../../../src/pubsub/model/events.js'
import { defineTopic } from '../../../src/pubsub/model/topic.js'
import { openPlane } from '../../support/open-plane.js'

interface Value {
  readonly id: string
  readonly text: string
}
const shape = { name: 'state', key: 'id', fields: ['id', 'text'] } as const
const small = defineTopic<Value>({ ...shape, maxSampleBytes: 100 })
const usual = defineTopic<Value>(shape)
const large = defineTopic<Value>({ ...shape, maxSampleBytes: 4 * 1024 * 1024 })

t.test(
  'a writer that allows longer values than a reader: each end reports it once, and the pair matches',
  async (t) => {
    const plane = openPlane(t)
    const [a, b] = [await plane.join('a'), await plane.join('b')]
    const told: Record<string, unknown[]> = { writer: [], reader: [], writers: [], readers: [] }
    const limits = (where: string) => (event: MismatchEvent | ReaderEvent | WriterEvent) => {
      if (event.kind === 'sample-limit') told[where]?.push([event.writerBytes, event.readerBytes])
    }
    a.onMismatch(limits('writers'))
    b.onMismatch(limits('readers'))
    const writer = a.writer(usual)
    writer.onEvent(limits('writer'))
    const reader = b.reader(small)
    reader.onEvent(limits('reader'))
    await plane.settle(reader.synced())
    writer.write({ id: 'short', text: 'x' })
    writer.write({ id: 'long', text: 'x'.repeat(200) })
    await plane.clock.advance(5_000)
    const expected = [[1024 * 1024, 100]]
    t.same(told, { writer: expected, reader: expected, writers: expected, readers: expected })
    t.equal(reader.get('short')?.value.text, 'x')
    t.equal(reader.get('long'), undefined)
    t.equal(b.counters.get('reader.rejected.too-large'), 1)
    t.equal(b.counters.get('match.sample-limit'), 1)
  },
)

t.test('a reader that accepts what the writer allows: nothing is reported, even within a participant', async (t) => {
  const plane = openPlane(t)
  const [a, b] = [await plane.join('a'), await plane.join('b')]
  const told: string[] = []
  for (const participant of [a, b]) participant.onMismatch(({ kind }) => told.push(kind))
  for (const topic of [small, usual]) a.writer(topic)
  for (const participant of [a, b]) {
    await plane.settle(participant.reader(usual).synced())
    await plane.settle(participant.reader(large).synced())
  }
  t.same(told, [])
  a.writer(large)
  await plane.clock.advance(1_000)
  t.same(told, ['sample-limit', 'sample-limit', 'sample-limit'], 'each usual reader, and the writer for the remote one')
})
