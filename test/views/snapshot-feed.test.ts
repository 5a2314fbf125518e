import t, { type Test } from 'tap'
import { concurrencyLimit, maintenanceMode } from '../../src/plane/intents/config.js'
import { planePartition } from '../../src/plane/vocabulary/partitions.js'
import { nodeTarget } from '../../src/plane/vocabulary/targets.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'
import { FleetView } from '../../src/views/fleet-view.js'

const settledMs = 4_000

/** Compares each row of the snapshot with what the view reports of the worker or the node at the same time. */
function agrees(t: Test, view: FleetView, when: string): void {
  const nowMs = view.participant.clock.nowMs()
  const snapshot = view.snapshot()
  const status = view.status()
  const rows = [...snapshot.workers()].sort((a, b) => (a.workerId < b.workerId ? -1 : 1))
  t.strictSame(
    rows.map(({ workerId, load }) => ({
      workerId,
      incarnation: load.incarnation,
      liveliness: load.liveliness,
      probationMs: Math.ceil(Math.max(0, (load.reliableFromMs ?? nowMs) - nowMs)),
      inFlight: load.inFlight,
      ageMs: Math.round(nowMs - load.observedMs),
    })),
    status.workers.map(({ workerId, incarnation, liveliness, probationMs, inFlight, ageMs }) => {
      return { workerId, incarnation, liveliness, probationMs, inFlight, ageMs }
    }),
    `${when}: workers`,
  )
  const zones = status.nodes.map(({ bootId, numaNode }) => snapshot.zone(bootId, numaNode)?.row)
  t.strictSame(
    zones.map((row) => [row?.collectorLiveliness, Math.round(nowMs - (row?.observedMs ?? 0))]),
    status.nodes.map(({ collector, ageMs }) => [collector.liveliness, ageMs]),
    `${when}: zones`,
  )
}

t.test('a snapshot is the same object until something changes', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a', { concurrency: 2 })
  // It reports rarely. Besides, its row is refreshed every five seconds.
  await fleet.worker('b', { capacityIntervalMs: 60_000, stateRefreshMs: 60_000 })
  const { view, issuer } = await fleet.operator()
  await fleet.clock.advance(settledMs + 2_000)

  const before = view.snapshot()
  t.equal(view.snapshot(), before)
  t.equal(before.size, 2)
  const untouched = before.worker('b')
  let release = (): void => {}
  const running = worker.run('job-1', () => new Promise<void>((resolve) => (release = resolve)))
  await fleet.clock.advance(200)
  const busy = view.snapshot()
  t.not(busy, before)
  t.equal(before.worker('a')?.load.inFlight, 0, 'the earlier snapshot is as it was')
  t.equal(busy.worker('a')?.load.inFlight, 1)
  t.equal(busy.worker('b'), untouched, 'the row of a worker that has not changed is shared')

  issuer.apply('drain', 'b', { deadlineMs: null }, { ttlMs: 2_000, reason: 'test' })
  t.match([...view.snapshot().intents()], [{ kind: 'drain', target: 'b', reason: 'test' }], 'at once')
  await fleet.clock.advance(2_000)
  t.same([...view.snapshot().intents()], [], 'it has expired')
  const other = await fleet.operator('late')
  issuer.apply('drain', 'a', { deadlineMs: null }, { reason: 'second' })
  await fleet.plane.settle(other.view.synced())
  t.match([...other.view.snapshot().intents()], [{ target: 'a' }], 'the first snapshot has what held already')
  issuer.lift('drain', 'a')
  await fleet.clock.advance(200)
  t.same([...other.view.snapshot().intents()], [])
  release()
  await running
  await fleet.close()
})

t.test('a snapshot judges workers and zones as status does', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector({ adopts: false })
  const a = await fleet.worker('a')
  await fleet.worker('b')
  const remote = memoryHost('far')
  const far = await fleet.collector({ adopts: false }, undefined, remote)
  const c = await fleet.worker('c', {}, remote)
  const { view } = await fleet.operator()
  const participant = await fleet.join({ name: 'impatient' })
  const impatient = FleetView.open(participant, { unreachableDeadAfterMs: 6_000 })
  const both = (when: string): void => {
    agrees(t, view, when)
    agrees(t, impatient, `${when}, impatient`)
  }
  const step = async (what: string, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      await fleet.clock.advance(250)
      both(`${what}, ${passed + 250} ms later`)
    }
  }
  await step('start', settledMs)
  fleet.kill(a)
  await step('a worker dies', 500)
  t.equal(view.snapshot().worker('a')?.load.liveliness, 'dead')
  await fleet.worker('a')
  await step('its name is taken', 3_000)
  fleet.cutOff(far)
  fleet.cutOff(c)
  await step('a host is silent', 12_000)
  t.equal(view.snapshot().worker('c')?.load.liveliness, 'unreachable')
  t.equal(impatient.snapshot().worker('c')?.load.liveliness, 'dead', 'by the policy of that view')
  fleet.reconnect(far)
  fleet.reconnect(c)
  await step('it returns', 6_000)
  fleet.kill(collector)
  await step('a collector dies', 3_000)
  t.equal(view.snapshot().zone('boot', 0)?.row?.collectorLiveliness, 'dead')
  await fleet.collector({ adopts: false })
  await step('another takes its place', 4_000)
  t.equal(view.snapshot().zone('boot', 0)?.row?.collectorLiveliness, 'alive')
  impatient.close()
  await participant.close()
  await fleet.close()
})

t.test('the judgement changes on time in a view that nothing reaches', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector({ adopts: false }, undefined, memoryHost('far'))
  const worker = await fleet.worker('a', {}, memoryHost('far'))
  const participant = await fleet.join({ name: 'impatient' })
  const view = FleetView.open(participant, { unreachableDeadAfterMs: 5_300 })
  await fleet.clock.advance(settledMs)
  fleet.cutOff(collector)
  fleet.cutOff(worker)
  let status = view.worker('a')
  while (status?.liveliness !== 'dead') {
    await fleet.clock.advance(50)
    status = view.worker('a')
    t.equal(view.snapshot().worker('a')?.load.liveliness, status?.liveliness)
    if (fleet.clock.nowMs() > 60_000) throw new Error('it is never dead')
  }
  view.close()
  await participant.close()
  await fleet.close()
})

t.test('a stronger claim of an earlier process shows', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const strong = await fleet.worker('a', { ownershipStrength: 5 })
  const { view } = await fleet.operator()
  await fleet.clock.advance(settledMs)
  t.equal(view.snapshot().worker('a')?.load.incarnation, strong.participant.incarnation)
  fleet.cutOff(strong)
  await fleet.clock.advance(10_000)
  const weak = await fleet.worker('a')
  await fleet.clock.advance(settledMs)
  agrees(t, view, 'the weak one alone')
  t.equal(view.snapshot().worker('a')?.load.incarnation, weak.participant.incarnation)
  fleet.reconnect(strong)
  await fleet.clock.advance(10_000)
  agrees(t, view, 'both')
  t.equal(view.worker('a')?.incarnation, strong.participant.incarnation, 'the view shows the stronger one')
  t.equal(view.snapshot().size, 1)
  await fleet.close()
})

t.test('a snapshot has the configuration that the plane holds', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.worker('a', { concurrency: 4 })
  await fleet.scheduler()
  const { view } = await fleet.operator()
  const owner = await fleet.join({ name: 'owner' })
  const limits = owner.writer(concurrencyLimit, { partition: planePartition })
  const modes = owner.writer(maintenanceMode, { partition: planePartition })
  await fleet.clock.advance(settledMs)
  t.same([...view.snapshot().configs()], [])
  const zone = nodeTarget({ bootId: 'boot', numaNode: 0 })
  limits.write({ scope: 'a', reason: '', maxInFlight: 1 })
  modes.write({ scope: zone, reason: 'new disks', enabled: true })
  await fleet.clock.advance(200)
  t.equal(view.snapshot().zone('boot', 0)?.maintenance?.scope, zone)
  t.match([...view.snapshot().configs()], [{ kind: 'concurrency-limit', maxInFlight: 1 }, { reason: 'new disks' }])
  const late = await fleet.operator('late')
  await fleet.plane.settle(late.view.synced())
  t.equal([...late.view.snapshot().configs()].length, 2, 'a late view has them after synced')
  modes.dispose(zone)
  limits.write({ scope: 'a', reason: '', maxInFlight: 3 })
  await fleet.clock.advance(200)
  t.equal(view.snapshot().zone('boot', 0)?.maintenance, null)
  t.match([...view.snapshot().configs()], [{ kind: 'concurrency-limit', maxInFlight: 3 }])
  await fleet.plane.settle(owner.close())
  await fleet.clock.advance(120_000)
  t.match([...view.snapshot().configs()], [{ maxInFlight: 3 }], 'kept by the scheduler, as for workers')
  await fleet.close()
})

t.test('a node whose collector was forgotten while unreachable is not dead, in no document', async (t) => {
  const [alpha, beta] = [memoryHost('alpha'), memoryHost('beta')]
  const fleet = new MemoryFleet()
  await fleet.collector({}, undefined, beta)
  const participant = await fleet.join({ name: 'viewer', forgetUnreachableMs: 20_000 }, undefined, alpha)
  const view = FleetView.open(participant)
  await fleet.clock.advance(settledMs)
  fleet.cutHosts([alpha.bootId], [beta.bootId])
  await fleet.clock.advance(40_000)
  t.equal(participant.counters.get('peer.forgotten'), 1)
  t.match(view.status().nodes, [{ collector: { liveliness: 'unreachable' } }])
  agrees(t, view, 'forgotten')
  view.close()
  await participant.close()
  await fleet.close()
})
