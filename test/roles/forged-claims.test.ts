import t from 'tap'
import { nodeCapacity } from '../../src/plane/node/node-capacity.js'
import { downPartition, planePartition, upPartition } from '../../src/plane/vocabulary/partitions.js'
import { maxIncarnation } from '../../src/plane/vocabulary/text.js'
import { maxOwnershipStrength, type WorkerClaim, workerClaim } from '../../src/plane/worker/worker-claim.js'
import { workerState } from '../../src/plane/worker/worker-state.js'
import { idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'

t.setTimeout(120_000)

const aWhileMs = 4_000
/** Longer than any lease. */
const untilSilentMs = 30_000

const forged: WorkerClaim = {
  workerId: 'w',
  claimant: 'f'.repeat(32),
  incarnation: maxIncarnation,
  ownershipStrength: maxOwnershipStrength,
  bootId: 'boot',
  host: 'memory',
  numaNode: 0,
  pid: 666,
}

t.test('a worker that stands by for a forged claim gets its name back from its collector', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w')
  await fleet.clock.advance(aWhileMs)
  const told: (number | null)[] = []
  worker.onReplaced((by) => told.push(by?.pid ?? null))
  const forger = await fleet.join({ name: 'forger' })
  const claims = forger.writer(workerClaim, { partition: downPartition('boot', 0) })
  for (let n = 1; n <= 5; n++) {
    claims.write({ ...forged, pid: n })
    await fleet.clock.advance(7 * n)
  }
  await fleet.clock.advance(aWhileMs)
  t.ok(told.length >= 2, `told ${told}`)
  t.equal(worker.replacedBy, null)
  t.equal(worker.admission.open, true)
  claims.write(forged)
  await fleet.plane.settle(forger.close())
  await fleet.clock.advance(aWhileMs)
  t.equal(worker.replacedBy, null, 'also after the forger has left')
  await fleet.close()
})

t.test('a claimant of another host gets no name of this host', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const worker = await fleet.worker('w')
  await fleet.clock.advance(aWhileMs)
  const forger = await fleet.join({ name: 'forger' }, undefined, memoryHost('elsewhere'))
  const own = { ...forged, startTimeTicks: 1, pidNamespace: 1, standby: false, state: 'available' as const }
  forger.writer(workerState, { partition: upPartition('boot', 0) }).write({
    ...own,
    ...{ inFlight: 0, concurrency: 1, inFlightByQueue: {}, vramUsedBytes: 0 },
    ...{ jobsStarted: 0, jobsCompleted: 0, jobsFailed: 0 },
    ...{ admissionOpen: true, admissionReason: null, appliedIntents: [] },
  })
  await fleet.clock.advance(aWhileMs)
  fleet.cutOff({ participant: forger })
  await fleet.clock.advance(untilSilentMs)
  t.equal(worker.replacedBy, null)
  t.ok(collector.participant.counters.snapshot()['roster.rejected.foreign-host'])
  const seen = await fleet.lateView((view) => view.status().workers)
  t.match(seen, [{ workerId: 'w', pid: worker.participant.identity.pid, liveliness: 'alive' }])
  await fleet.close()
})

t.test('an operator takes a name from a claim that nothing ends by a claim of the highest strength', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const rescue = await fleet.worker('w', { ownershipStrength: maxOwnershipStrength })
  await fleet.clock.advance(aWhileMs)
  const ghost = await fleet.worker('w', { ownershipStrength: maxOwnershipStrength })
  await fleet.clock.advance(aWhileMs)
  t.not(rescue.replacedBy, null, 'the later one holds the name while it is alive')
  fleet.setState(ghost, 'sleeping')
  fleet.cutOff(ghost)
  await fleet.clock.advance(untilSilentMs)
  t.equal(rescue.replacedBy, null, 'its process exists, as the kernel reports, and it is not alive')
  t.equal(rescue.admission.open, true)
  const seen = await fleet.lateView((view) => view.status().workers)
  t.match(seen, [{ pid: rescue.participant.identity.pid, liveliness: 'alive' }])
  await fleet.close()
})

t.test('a collector is recognized after a collector that joined later by its own account has gone', async (t) => {
  const fleet = new MemoryFleet()
  const standIn = await fleet.collector({ numaNode: 0 })
  const forger = await fleet.join({ name: 'forger' })
  forger.writer(nodeCapacity, { partition: planePartition }).write({
    ...idleZone,
    ...{ host: 'memory', bootId: 'boot', numaNode: 1, collectorPid: 666, collectorIncarnation: maxIncarnation },
    ...{ adopted: false, workers: { available: 0, busy: 0, unhealthy: 0, draining: 0 }, rosterRows: 0 },
    unwatchedWorkers: 0,
  })
  await fleet.clock.advance(aWhileMs)
  fleet.cutOff({ participant: forger })
  await fleet.clock.advance(untilSilentMs)
  t.strictSame(standIn.adoptedNodes, [1])
  await fleet.worker('w', { numaNode: 1 })
  await fleet.collector({ numaNode: 1 })
  await fleet.clock.advance(untilSilentMs)
  t.strictSame(standIn.adoptedNodes, [])
  const seen = await fleet.lateView((view) => view.status().nodes)
  t.match(seen, [{ numaNode: 0 }, { numaNode: 1, collector: { adopted: false, liveliness: 'alive' } }])
  await fleet.close()
})
