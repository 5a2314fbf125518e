import t from 'tap'
import { defineTopic, Lane } from '../../src/pubsub/model/topic.js'
import { maxValueBytes } from '../../src/wire/limits.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly ballast: string
}
const shape = { name: 'large', key: 'id', fields: ['id', 'ballast'] } as const

t.test('the sample size limit comes from the topic, on both sides', async (t) => {
  for (const lane of Object.values(Lane)) {
    const plane = openPlane(t)
    const [a, b, c] = [await plane.join('a'), await plane.join('b'), await plane.join('c')]
    const topic = defineTopic<Value>({ ...shape, lane, maxSampleBytes: maxValueBytes })
    const writer = a.writer(topic)
    const [reader, narrow] = [b.reader(topic), c.reader(defineTopic<Value>({ ...shape, lane }))]
    await plane.settle(Promise.all([reader.synced(), narrow.synced()]))
    const overhead = 16
    writer.write({ id: 'small', ballast: 'x'.repeat(1000) })
    writer.write({ id: 'huge', ballast: 'x'.repeat(maxValueBytes - overhead) })
    writer.write({ id: 'after', ballast: 'x' })
    const refused = { code: 'NUMACAST_LIMIT', message: /'large', instance 'k'.* a value may have 8388608/ }
    t.throws(() => writer.write({ id: 'k', ballast: 'x'.repeat(maxValueBytes) }), refused)
    await plane.clock.advance(3000)
    t.equal(reader.get('huge')?.value?.ballast.length, maxValueBytes - overhead)
    t.match(reader.lag(), [{ appliedSeq: 3, catchUpState: 'fresh' }])
    t.equal(narrow.get('huge'), undefined)
    t.ok(narrow.get('after') !== undefined && narrow.get('small') !== undefined, 'other samples are not held up')
    t.ok(c.counters.get('reader.rejected.too-large') >= 1)
    t.match(narrow.lag(), [{ appliedSeq: 3, catchUpState: 'fresh' }], 'it does not ask for the sample forever')
  }
  t.throws(() => defineTopic<Value>({ ...shape, maxSampleBytes: 0 }), { code: 'NUMACAST_INVALID_ARGUMENT' })
  t.throws(() => defineTopic<Value>({ ...shape, maxSampleBytes: maxValueBytes + 1 }), /maxSampleBytes must be 1 to/)
  t.equal(defineTopic<Value>(shape).maxSampleBytes, 1024 * 1024)
})

t.test('one slow or dead reader never delays another', async (t) => {
  for (const lane of Object.values(Lane)) {
    const plane = openPlane(t)
    const topic = defineTopic<{ id: string; n: number }>({ name: 'state', key: 'id', fields: ['id', 'n'], lane })
    const [a, quick, slow, dead] = [
      await plane.join('a'),
      await plane.join('quick'),
      await plane.join('slow'),
      await plane.join('dead'),
    ]
    const writer = a.writer(topic)
    const [first, late, gone] = [quick.reader(topic), slow.reader(topic), dead.reader(topic)]
    // A consumer that iterates and takes one sample a minute.
    const iterator = late[Symbol.asyncIterator]()
    await plane.settle(Promise.all([first, late, gone].map((reader) => reader.synced())))
    const delays: number[] = []
    first.onSample(({ writtenMs }) => delays.push(plane.clock.nowMs() - writtenMs))
    const linkMs = 0.5
    const alone: number[] = []
    for (let n = 0; n < 50; n++) {
      writer.write({ id: `k${n % 3}`, n })
      await plane.clock.advance(20)
    }
    alone.push(...delays.splice(0))
    plane.network.disconnect('dead')
    plane.network.setLinkFaults('a', 'slow', { minDelayMs: 400, maxDelayMs: 800 })
    for (let n = 50; n < 300; n++) {
      writer.write({ id: `k${n % 3}`, n })
      await plane.clock.advance(20)
    }
    t.equal(delays.length, 250, 'every change, none conflated')
    t.ok(Math.max(...delays) <= Math.max(...alone) + linkMs, `${Math.max(...delays)} ms after ${Math.max(...alone)} ms`)
    plane.network.heal()
    plane.network.setLinkFaults('a', 'slow', undefined)
    await plane.clock.advance(10_000)
    for (const reader of [first, late, gone])
      t.equal(reader.get('k2')?.value?.n, 299, 'all readers are equal in the end')
    await iterator.return?.()
  }
})
