import t from 'tap'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'
import type { ModeChange } from '../../src/views/freshness/mode-watch.js'

t.test('each change of the mode is an event; diagnostics count modes, refusals, gaps and repairs', async (t) => {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  const [a, b] = [memoryHost('a'), memoryHost('b')]
  const { view } = await fleet.operator('ada', a)
  const modes: ModeChange[] = []
  view.onChange((change) => {
    if (change.kind === 'mode') modes.push({ before: change.before, after: change.after })
  })
  await fleet.clock.advance(1_500)
  t.match(view.diagnostics(), { degradedMode: 'unavailable', owners: [], witness: { ageMs: null } })
  const far = await fleet.collector({}, undefined, b)
  await fleet.worker('w1', {}, b)
  await fleet.clock.advance(2_500)
  fleet.cutHosts([a.bootId], [b.bootId])
  // Its lease is over after three seconds; until then the view is behind, and nothing is missing.
  await fleet.clock.advance(10_000)
  await t.rejects(fleet.plane.settle(view.read({ freshness: 'bounded', timeoutMs: 0 })), {
    code: 'NUMACAST_FRESHNESS',
  })
  t.match(view.diagnostics(), {
    degradedMode: 'view-only',
    owners: [{ participant: far.participant.guid, catchUpState: 'unavailable', liveliness: 'unreachable' }],
  })
  t.ok(view.diagnostics().modeForMs >= 5_000)
  fleet.cutHosts()
  await fleet.clock.advance(5_000)
  t.same(modes.slice(0, 4), [
    { before: null, after: 'unavailable' },
    { before: 'unavailable', after: 'healthy' },
    { before: 'healthy', after: 'lagging' },
    { before: 'lagging', after: 'view-only' },
  ])
  t.equal(modes.at(-1)?.after, 'healthy')
  t.same(
    modes.slice(1).map(({ before }) => before),
    modes.slice(0, -1).map(({ after }) => after),
    'none is left out',
  )
  await fleet.plane.settle(view.read({ freshness: 'strong' }))
  const { degradedMode, counters, owners } = view.diagnostics()
  t.equal(degradedMode, 'healthy')
  t.match(counters, { reads: { strong: 1 }, refusals: { 'catch-up': 1, silent: 0 }, modeChanges: modes.length - 1 })
  t.ok(counters.catchUps.bootstrap >= 1 && counters.gaps >= 1 && counters.repairs >= 1, JSON.stringify(counters))
  t.match(owners, [{ participant: far.participant.guid, catchUpState: 'fresh', lagSamples: 0, role: 'collector' }])
})
