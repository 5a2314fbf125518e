import fc from 'fast-check'
import t from 'tap'
import { defineTopic } from '../../src/pubsub/model/topic.js'
import type { Participant } from '../../src/pubsub/participant.js'
import type { Reader } from '../../src/pubsub/reader/reader.js'
import type { Writer } from '../../src/pubsub/writer/writer.js'
import { MemoryPlane } from '../../src/testing/memory-plane.js'
import { openPlane } from '../support/open-plane.js'

interface Value {
  readonly id: string
  readonly n: number
}
const topic = defineTopic<Value>({
  name: 'state',
  key: 'id',
  fields: ['id', 'n'],
  // Ends are remembered while any participant may still deliver earlier values.
  qos: { destinationOrder: 'by-source', readerDataLifecycle: { purgeDisposedMs: null } },
})

t.test('an owner does not win because its changes arrive later', async (t) => {
  const plane = openPlane(t)
  const [near, far, b] = [await plane.join('near'), await plane.join('far'), await plane.join('b')]
  const [quick, slow] = [near.writer(topic), far.writer(topic)]
  const reader = b.reader(topic)
  await plane.settle(reader.synced())
  plane.network.setLinkFaults('far', 'b', { minDelayMs: 40, maxDelayMs: 40 })
  slow.write({ id: 'k', n: 1 })
  await plane.clock.advance(5)
  quick.write({ id: 'k', n: 2 })
  await plane.clock.advance(100)
  t.equal(reader.get('k')?.value?.n, 2)
  t.equal(b.counters.get('reader.older'), 1)
  plane.clock.stepWall(-60_000)
  quick.write({ id: 'k', n: 3 })
  await plane.clock.advance(100)
  t.equal(reader.get('k')?.value?.n, 3, 'a writer’s source time never runs backward')
  plane.network.setLinkFaults('far', 'b', undefined)
})

type Step =
  | { readonly do: 'write' | 'dispose'; readonly owner: number; readonly key: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'split'; readonly reader: number }
  | { readonly do: 'heal' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('write' as const), owner: fc.nat(2), key: fc.nat(2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('dispose' as const), owner: fc.nat(2), key: fc.nat(2) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('split' as const), reader: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'heal' }) },
)

function held(reader: Reader<Value>): string {
  return [...reader.entries()]
    .map(([key, { value, token, instanceState }]) => `${key}=${value?.n} ${token.writer} ${token.seq} ${instanceState}`)
    .sort()
    .join('; ')
}

t.test('with two and three owners, loss, partitions, a relay and late joiners, six readers converge', async (t) => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 2, max: 3 }),
      fc.array(step, { minLength: 10, maxLength: 50 }),
      async (seed, ownerCount, steps) => {
        runs++
        const plane = new MemoryPlane(seed)
        const names = ['r0', 'r1', 'r2', 'r3']
        const writers: Writer<Value>[] = []
        for (let at = 0; at < ownerCount; at++) writers.push((await plane.join(`w${at}`)).writer(topic))
        const participants: Participant[] = []
        for (const name of names) participants.push(await plane.join(name))
        const readers = participants.map((participant) => participant.reader(topic))
        const relaying = await plane.join('relay')
        const near = relaying.reader(topic)
        relaying.relay(near, { partition: 'far' })
        readers.push(near, (await plane.join('beyond')).reader(topic, { partition: ['far', 'default'] }))
        await plane.clock.advance(300)
        plane.network.setFaults({ lossRatio: 0.3, duplicateRatio: 0.2, maxDelayMs: 50 })
        let n = 0
        for (const next of steps) {
          if (next.do === 'advance') await plane.clock.advance(next.ms)
          else if (next.do === 'heal') plane.network.heal()
          else if (next.do === 'split') {
            const alone = names[next.reader] ?? 'r0'
            plane.network.partition([alone], ['w0', 'w1', 'w2', 'relay', 'beyond', ...names.filter((x) => x !== alone)])
          } else {
            const writer = writers[next.owner % ownerCount]
            if (next.do === 'write') writer?.write({ id: `k${next.key}`, n: n++ })
            else writer?.dispose(`k${next.key}`)
            await plane.clock.advance(0)
          }
        }
        plane.network.heal()
        plane.network.setFaults({})
        await plane.clock.advance(12_000)
        const late = (await plane.join('late')).reader(topic)
        await plane.settle(late.synced())
        await plane.clock.advance(1000)
        readers.push(late)
        const views = readers.map(held)
        await plane.close()
        for (const view of views) if (view !== views[0]) throw new Error(views.join('\n'))
      },
    ),
    { seed: Number(process.env.NUMACAST_SEED ?? 1), numRuns: 40, interruptAfterTimeLimit: 20_000, endOnFailure: true },
  )
  t.ok(runs > 0, `${runs} histories`)
})
