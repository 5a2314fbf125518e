import t from 'tap'
import type { Guid } from '../../../../src/core/ids.js'
import { seededRandom } from '../../../../src/core/random.js'
import { aliveVerdict, type Liveliness, type LivelinessCause } from '../../../../src/liveliness/verdict.js'
import {
  compareCandidates,
  decideFailover,
  failoverTerms,
  serves,
} from '../../../../src/roles/node/failover/failover-policy.js'
import { Worker } from '../../../../src/roles/worker/worker.js'
import { BlockableLoop } from '../../../../src/testing/blockable-loop.js'
import { idleWorker } from '../../../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../../../src/testing/memory-fleet.js'
import type { FleetView } from '../../../../src/views/fleet-view.js'

t.setTimeout(300_000)

const aWhileMs = 4_000

/** Reads the view every 50 ms for `forMs`. Returns the workers that were missing or declared dead. */
async function watched(fleet: MemoryFleet, view: FleetView, workers: readonly string[], forMs: number) {
  const missing = new Set<string>()
  const dead = new Set<string>()
  for (let passedMs = 0; passedMs < forMs; passedMs += 50) {
    await fleet.clock.advance(50)
    const rows = new Map(view.status().workers.map((worker) => [worker.workerId, worker]))
    for (const workerId of workers) {
      if (!rows.has(workerId)) missing.add(workerId)
      if (rows.get(workerId)?.liveliness === 'dead') dead.add(workerId)
    }
  }
  return { missing: [...missing], dead: [...dead] }
}

t.test('collectors rank before schedulers, then by lowest node, then by lower GUID', (t) => {
  const candidate = (guid: string, numaNode: number | null) => ({ guid: guid as Guid, numaNode })
  const sorted = [candidate('a', null), candidate('d', 2), candidate('c', 0), candidate('b', 0), candidate('e', null)]
  sorted.sort(compareCandidates)
  t.strictSame(
    sorted.map(({ guid }) => guid),
    ['b', 'c', 'd', 'a', 'e'],
  )
  t.end()
})

t.test('a node is adopted after its owner is gone, and released after its owner serves again', (t) => {
  const idle = {
    ownerServes: false,
    isOutranked: false,
    isOwnerDown: false,
    isServing: false,
    isDegraded: false,
    relievedMs: undefined,
    isCovered: false,
    isNeeded: true,
    idleForMs: 0,
  }
  const decide = (over: object, nowMs: number) =>
    decideFailover({ ...idle, ownerGoneMs: 100, ...over }, failoverTerms, nowMs)
  const { adoptAfterMs, overlapMs, patienceMs, degradedWaitMs, idleMs } = failoverTerms
  t.equal(decide({}, 99 + adoptAfterMs), 'keep')
  t.equal(decide({}, 100 + adoptAfterMs), 'adopt')
  t.equal(decide({ isOutranked: true }, 1e6), 'keep')
  t.equal(decide({ ownerServes: true }, 1e6), 'keep')
  t.equal(decide({ isDegraded: true }, 99 + degradedWaitMs), 'keep', 'this participant itself may be short of CPU')
  t.equal(decide({ isDegraded: true }, 100 + degradedWaitMs), 'adopt', 'even a degraded participant adopts eventually')
  t.equal(decide({ isDegraded: true, isOwnerDown: true }, 100 + adoptAfterMs), 'adopt', 'the owner is known to be down')
  t.equal(decide({ ownerGoneMs: undefined }, 1e6), 'keep', 'no collector is known')
  t.equal(decide({ isServing: true }, 1e6), 'keep')
  t.equal(decide({ isServing: true, relievedMs: 0, isCovered: true }, overlapMs - 1), 'keep')
  t.equal(decide({ isServing: true, relievedMs: 0, isCovered: true }, overlapMs), 'release')
  t.equal(decide({ isServing: true, relievedMs: 0 }, patienceMs - 1), 'keep')
  t.equal(decide({ isServing: true, relievedMs: 0 }, patienceMs), 'release')
  t.equal(decide({ isNeeded: false }, 1e6), 'keep', 'it never had a collector, and no worker asks for one')
  t.equal(decide({ isServing: true, idleForMs: idleMs - 1 }, 1e6), 'keep')
  t.equal(decide({ isServing: true, idleForMs: idleMs }, 1e6), 'release', 'neither a collector nor workers')
  t.end()
})

t.test('a busy owner counts as serving for a limited time', (t) => {
  const { busyMs } = failoverTerms
  const isServed = (liveliness: Liveliness, cause: LivelinessCause | null, stalledForMs = 0): boolean =>
    serves({ ...aliveVerdict(0), liveliness, cause }, stalledForMs, failoverTerms)
  t.ok(isServed('alive', null))
  t.ok(isServed('suspect', null), 'a few beacons are missing')
  t.ok(isServed('stalled', 'loop-busy', busyMs - 1))
  t.notOk(isServed('stalled', 'loop-busy', busyMs))
  t.notOk(isServed('stalled', 'stopped'), 'a stopped owner does not resume by itself')
  t.notOk(isServed('stalled', 'frozen'), 'nor does a frozen owner')
  t.notOk(isServed('unreachable', 'lease-expired'))
  t.end()
})

t.test('a scheduler whose loop is always late adopts the workers of a killed collector', async (t) => {
  const fleet = new MemoryFleet()
  const loop = new BlockableLoop(fleet.clock, seededRandom(1))
  const collector = await fleet.collector()
  const scheduler = await fleet.scheduler({}, loop)
  await fleet.worker('a')
  await fleet.clock.advance(aWhileMs)
  const beLate = async (rounds: number): Promise<void> => {
    for (let n = 0; n < rounds; n++) {
      loop.block(600)
      await fleet.clock.advance(700)
    }
  }
  await beLate(10)
  t.ok(scheduler.participant.health.degraded)
  fleet.kill(collector)
  await beLate(20)
  t.ok(scheduler.participant.health.degraded)
  t.strictSame(scheduler.adoptedNodes, [0])
  await fleet.close()
})

t.test('a collector that alternates computing and disk waits counts as busy throughout', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const scheduler = await fleet.scheduler()
  await fleet.worker('a')
  await fleet.clock.advance(aWhileMs)
  fleet.cutOff(collector)
  for (let n = 0; n < 40; n++) {
    fleet.setState(collector, n % 2 === 0 ? 'io-wait' : 'running')
    await fleet.clock.advance(500)
  }
  t.strictSame(scheduler.adoptedNodes, [0])
  fleet.plane.network.heal()
  await fleet.close()
})

t.test('workers of a killed collector are adopted, and released to the next collector', async (t) => {
  const fleet = new MemoryFleet()
  const zero = await fleet.collector({ numaNode: 0 })
  const one = await fleet.collector({ numaNode: 1 })
  const two = await fleet.collector({ numaNode: 2 })
  const scheduler = await fleet.scheduler()
  const a = await fleet.worker('a', { numaNode: 1 })
  const b = await fleet.worker('b', { numaNode: 1 })
  await fleet.worker('c', { numaNode: 0 })
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(aWhileMs)

  fleet.kill(one)
  t.strictSame(await watched(fleet, view, ['a', 'b', 'c'], 6_000), { missing: [], dead: [] })
  t.strictSame(
    [zero, two, scheduler].map(({ adoptedNodes }) => adoptedNodes),
    [[1], [], []],
  )
  t.match(view.status().workers, Array(3).fill({ liveliness: 'alive', cause: null }))
  t.match(view.status().nodes[1], { numaNode: 1, collector: { liveliness: 'alive', adopted: true } })
  t.match(view.witness(), { freshness: 'bounded', degradedMode: 'healthy' })

  issuer.apply('drain', 'a', { deadlineMs: null }, { reason: 'through the adopter' })
  await fleet.clock.advance(500)
  t.equal(a.admission.reason, 'draining: through the adopter')
  await b.run('1', () => undefined)
  await fleet.clock.advance(200)
  fleet.kill(b)
  await fleet.clock.advance(5)
  t.match(view.status().workers[1], { workerId: 'b', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' })

  const again = await fleet.collector({ numaNode: 1 })
  t.strictSame(await watched(fleet, view, ['a', 'b', 'c'], 8_000), { missing: [], dead: ['b'] })
  t.strictSame(zero.adoptedNodes, [])
  t.match(view.status().nodes[1], {
    collector: { pid: again.participant.identity.pid, liveliness: 'alive', adopted: false },
  })
  t.match(
    view.status().workers,
    [
      { workerId: 'a', liveliness: 'alive', state: 'draining' },
      { workerId: 'b', liveliness: 'dead', cause: 'killed', jobsCompleted: 1 },
      { workerId: 'c', liveliness: 'alive' },
    ],
    'the returning collector knows that worker b is dead',
  )
  t.equal(again.workers, 2)
  issuer.lift('drain', 'a')
  await fleet.clock.advance(500)
  t.equal(a.admission.open, true)
  t.match(await fleet.lateView((late) => late.status().workers), [{ liveliness: 'alive' }, { liveliness: 'dead' }, {}])
  await leave()
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a worker that dies while its node is unserved is declared dead by the successor', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const scheduler = await fleet.scheduler()
  await fleet.worker('a')
  const b = await fleet.worker('b')
  const c = await fleet.worker('c')
  await fleet.clock.advance(aWhileMs)
  fleet.kill(collector)
  fleet.kill(b)
  fleet.stopped.add(c.participant.identity.pid)
  fleet.cutOff(c)
  await fleet.clock.advance(10_000)
  t.strictSame(scheduler.adoptedNodes, [0], 'the scheduler adopts because no other collector exists')
  t.match(scheduler.view.status().workers, [
    { workerId: 'a', liveliness: 'alive' },
    { workerId: 'b', liveliness: 'dead', cause: 'exited' },
    { workerId: 'c', liveliness: 'stalled', cause: 'stopped' },
  ])

  const again = await fleet.collector()
  await fleet.clock.advance(12_000)
  t.strictSame(scheduler.adoptedNodes, [])
  t.match(
    await fleet.lateView((late) => late.status().workers),
    [
      { workerId: 'a', liveliness: 'alive' },
      { workerId: 'b', liveliness: 'dead', cause: 'exited' },
      { workerId: 'c', liveliness: 'stalled', cause: 'stopped' },
    ],
    'a restarted collector learns of them from its stand-in',
  )
  t.equal(again.workers, 3)
  fleet.stopped.clear()
  fleet.plane.network.heal()
  await fleet.clock.advance(aWhileMs)
  t.match(scheduler.view.status().workers[2], { workerId: 'c', liveliness: 'alive' })
  await fleet.close()
})

/** Starts workers in other PID namespaces: their successor can tell only by frames that they are alive. */
async function contained(fleet: MemoryFleet, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const workerId = `w${n}`
    const properties = { role: 'worker', workerId, numaNode: 0 }
    const participant = await fleet.plane.join(workerId, { properties }, { pidNamespace: 2 + n })
    const readings = { read: () => idleWorker, close() {} }
    await fleet.plane.settle(Worker.start({ workerId, numaNode: 0 }, { participant, readings }))
  }
}

t.test('a successor that is blocked during the takeover declares no live worker dead', async (t) => {
  // After the block, the seed decides whether timers or frames come first.
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const fleet = new MemoryFleet(seed)
    fleet.plane.network.setFaults({ minDelayMs: 2, maxDelayMs: 5 })
    const loop = new BlockableLoop(fleet.clock, seededRandom(seed))
    const collector = await fleet.collector()
    const scheduler = await fleet.scheduler({}, loop)
    await contained(fleet, 5)
    const { view } = await fleet.operator()
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(aWhileMs)
    const dead: string[] = []
    view.onChange((change) => {
      if (change.kind === 'liveliness' && change.after.liveliness === 'dead') dead.push(change.workerId)
    })
    fleet.kill(collector)
    for (let n = 0; n < 10_000 && scheduler.adoptedNodes.length === 0; n++) await fleet.clock.advance(1)
    loop.block(6_000)
    await fleet.clock.advance(18_000)
    t.strictSame(scheduler.adoptedNodes, [0])
    t.strictSame(dead, [], `seed ${seed}`)
    t.match(view.status().workers, Array(5).fill({ liveliness: 'alive' }))
    await fleet.close()
  }
})

t.test('a process that must not adopt leaves abandoned nodes and nodes without a collector alone', async (t) => {
  const fleet = new MemoryFleet()
  const scheduler = await fleet.scheduler({ adopts: false })
  await fleet.worker('a', { numaNode: 3 })
  const zero = await fleet.collector({ adopts: false })
  const one = await fleet.collector({ numaNode: 1, adopts: false })
  await fleet.clock.advance(10_000)
  fleet.kill(one)
  await fleet.clock.advance(10_000)
  t.strictSame([...scheduler.adoptedNodes, ...zero.adoptedNodes], [])
  t.strictSame(scheduler.view.status().workers, [])
  await fleet.close()
})

t.test('a collector that must not adopt does not keep another participant from adopting', async (t) => {
  const fleet = new MemoryFleet()
  const zero = await fleet.collector({ adopts: false })
  const one = await fleet.collector({ numaNode: 1 })
  const two = await fleet.collector({ numaNode: 2 })
  await fleet.worker('a', { numaNode: 1 })
  await fleet.clock.advance(aWhileMs)
  fleet.kill(one)
  await fleet.clock.advance(aWhileMs)
  t.strictSame([zero.adoptedNodes, two.adoptedNodes], [[], [1]])
  await fleet.close()
})
