import t from 'tap'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'

t.setTimeout(120_000)

const alpha = memoryHost('alpha')
const beta = memoryHost('beta')
const untilSettledMs = 4_000
/** Longer than any lease. */
const untilSilentMs = 30_000

t.test(
  'a view that joins a partitioned network learns of the absent host from participants that knew it',
  async (t) => {
    const fleet = new MemoryFleet()
    const collector = await fleet.collector({}, undefined, alpha)
    await fleet.collector({}, undefined, beta)
    await fleet.worker('a', {}, alpha)
    await fleet.worker('b', {}, beta)
    const { view: early, leave } = await fleet.operator('early', alpha)
    await fleet.plane.settle(early.synced())
    await fleet.clock.advance(untilSettledMs)
    t.match(early.witness(), { degradedMode: 'healthy', reportedElsewhere: [] })
    fleet.cutHosts([alpha.bootId], [beta.bootId])
    await fleet.clock.advance(untilSilentMs)
    t.match(
      early.status().workers.find(({ workerId }) => workerId === 'b'),
      { liveliness: 'unreachable', cause: 'host-silent', detail: 'its host is silent' },
    )

    const seen = await fleet.lateView((view) => view.status(), alpha)
    t.match(
      seen.workers.map(({ workerId }) => workerId),
      ['a'],
    )
    t.match(seen.witness, {
      degradedMode: 'view-only',
      freshness: 'best-effort',
      reportedElsewhere: [{ host: 'beta', numaNode: 0, workers: 1, reportedBy: [collector.participant.name] }],
    })
    t.ok(seen.witness.listeningForMs < 10_000, `it has listened for ${seen.witness.listeningForMs} ms`)

    fleet.cutHosts()
    await fleet.clock.advance(untilSilentMs)
    const healed = await fleet.lateView((view) => view.status(), alpha)
    t.match(healed.witness, { degradedMode: 'healthy', reportedElsewhere: [] })
    t.equal(healed.workers.length, 2)
    await leave()
    await fleet.close()
  },
)

t.test('a collector that closes leaves an absent node only if it leaves live workers', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector({}, undefined, alpha)
  const empty = await fleet.collector({}, undefined, beta)
  await fleet.clock.advance(untilSettledMs)
  await fleet.plane.settle(empty.close())
  await fleet.clock.advance(untilSettledMs)
  const reported = () => fleet.lateView((view) => view.witness().reportedElsewhere, alpha)
  t.strictSame(await reported(), [])
  const again = await fleet.collector({}, undefined, beta)
  await fleet.worker('b', {}, beta)
  await fleet.clock.advance(untilSettledMs)
  await fleet.plane.settle(again.close())
  await fleet.clock.advance(untilSettledMs)
  t.match(await reported(), [{ host: 'beta', workers: 1 }])
  await fleet.close()
})
