import t from 'tap'
import { memoryPressurePolicy } from '../../src/placement/policies/memory-pressure.js'
import type { Policy } from '../../src/placement/policies/policy.js'
import { nodeTarget } from '../../src/plane/vocabulary/targets.js'
import { idleZone } from '../../src/testing/idle-readings.js'
import { MemoryFleet } from '../../src/testing/memory-fleet.js'
import { deferred } from '../support/deferred.js'

t.setTimeout(300_000)

/** Longer than any beacon, refresh or pacing interval: after it, all periodic traffic has been sent. */
const aWhileMs = 4_000
const node = nodeTarget({ bootId: 'boot', numaNode: 0 })

t.test('a late joiner sees every node and worker', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const workers = await Promise.all(['a', 'b', 'c', 'd'].map((id) => fleet.worker(id, { concurrency: 2 })))
  await fleet.scheduler()
  await fleet.clock.advance(aWhileMs)
  const job = deferred()
  const running = workers[1]?.run('job-1', () => job.promise)
  await fleet.clock.advance(200)

  const status = await fleet.lateView((view) => view.status())
  t.equal(status.domain, 1)
  t.match(status.nodes, [{ host: 'memory', numaNode: 0, cpus: 4, memoryTotalBytes: idleZone.memoryTotalBytes }])
  t.strictSame(status.nodes[0]?.workers, { available: 4, busy: 0, unhealthy: 0, draining: 0 })
  t.strictSame(
    status.workers.map(({ workerId, state, liveliness, cause, inFlight }) => [
      workerId,
      state,
      liveliness,
      cause,
      inFlight,
    ]),
    [
      ['a', 'available', 'alive', null, 0],
      ['b', 'available', 'alive', null, 1],
      ['c', 'available', 'alive', null, 0],
      ['d', 'available', 'alive', null, 0],
    ],
  )
  t.match(status.workers[0], { eventLoopUtilization: 0.25, concurrency: 2 })
  t.match(status.witness, { freshness: 'bounded', lag: 0, catchUpState: 'fresh', degradedMode: 'healthy' })

  job.resolve()
  await running
  await fleet.clock.advance(1_000)
  const after = await fleet.lateView((view) => view.status())
  t.match(after.workers[1], { workerId: 'b', inFlight: 0, jobsCompleted: 1 })
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0, 'no timer outlives its role')
})

t.test('without a plane a view is blind and not synced', async (t) => {
  const fleet = new MemoryFleet()
  const { view, leave } = await fleet.operator()
  const synced = view.synced({ signal: AbortSignal.abort(new Error('gave up')) })
  await t.rejects(fleet.plane.settle(synced), { message: 'gave up' })
  const stop = new AbortController()
  const waiting = view.synced({ signal: stop.signal })
  await fleet.clock.advance(aWhileMs)
  stop.abort(new Error('two seconds are over'))
  await t.rejects(waiting, { message: 'two seconds are over' })
  t.match(view.witness(), { freshness: 'best-effort', lagMs: null, degradedMode: 'blind', catchUpState: 'unavailable' })
  await leave()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a drain is planned, admitted and completed, and a resume ends it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a')
  await fleet.worker('b')
  await fleet.clock.advance(aWhileMs)
  const job = deferred()
  const running = worker.run('job-1', () => job.promise)
  const { view, issuer, leave } = await fleet.operator('ann')
  await fleet.plane.settle(view.synced())

  const { intent } = issuer.apply('drain', 'a', { deadlineMs: 30_000 }, { reason: 'kernel update' })
  const steps: string[] = []
  const following = (async () => {
    for await (const { transition } of issuer.follow(intent.intentId, { workerId: 'a' })) steps.push(transition)
  })()
  await fleet.clock.advance(500)
  t.strictSame(steps, ['planned', 'admitted'])
  t.strictSame(worker.admission, { open: false, code: 'draining', reason: 'draining: kernel update' })
  t.match(view.status().workers, [
    { workerId: 'a', state: 'draining' },
    { workerId: 'b', state: 'available' },
  ])
  t.match(view.status().nodes[0]?.workers, { available: 1, draining: 1 })

  job.resolve()
  await running
  await fleet.plane.settle(following)
  t.strictSame(steps, ['planned', 'admitted', 'completed'])
  t.match(view.status().intents, [
    { kind: 'drain', target: 'a', issuer: 'ann', holds: true, statuses: [{ workerId: 'a', transition: 'completed' }] },
  ])

  let isGranted = false
  const waiting = worker.slot().then((slot) => {
    isGranted = true
    slot.release()
  })
  await fleet.clock.advance(aWhileMs)
  t.equal(isGranted, false, 'a drained worker stays closed to jobs')
  issuer.lift('drain', 'a')
  await fleet.plane.settle(waiting)
  t.equal(worker.admission.open, true)
  await fleet.clock.advance(200)
  t.match(view.status().workers[0], { workerId: 'a', state: 'available' })
  await leave()
  await fleet.close()
})

t.test('a drain whose deadline passes is aborted, and the worker stays closed until it is lifted', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a')
  const job = deferred()
  const running = worker.run('job-1', () => job.promise)
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const { intent } = issuer.apply('drain', 'a', { deadlineMs: 2_000 })
  await fleet.clock.advance(1_900)
  t.match(view.intentStatuses(intent.intentId), [{ transition: 'admitted' }])
  await fleet.clock.advance(200)
  t.match(view.intentStatuses(intent.intentId), [
    { transition: 'aborted', reason: '1 job was still in flight at the deadline' },
  ])
  job.resolve()
  await running
  await fleet.clock.advance(200)
  t.match(view.intentStatuses(intent.intentId), [{ transition: 'aborted' }])
  t.equal(worker.admission.open, false)
  issuer.lift('drain', 'a')
  await fleet.clock.advance(200)
  t.equal(worker.admission.open, true)
  await leave()
  await fleet.close()
})

t.test(
  'an intent outlives its issuer, reaches a worker that starts later, and can be lifted by another issuer',
  async (t) => {
    const fleet = new MemoryFleet()
    await fleet.collector()
    await fleet.scheduler()
    const first = await fleet.worker('a')
    await fleet.clock.advance(aWhileMs)
    const ann = await fleet.operator('ann')
    await fleet.plane.settle(ann.view.synced())
    ann.issuer.apply('drain', 'a', { deadlineMs: null }, { reason: 'until further notice' })
    await fleet.clock.advance(100)
    await ann.leave()
    await fleet.plane.settle(first.close())
    await fleet.clock.advance(3 * 60_000)

    const again = await fleet.worker('a')
    await fleet.clock.advance(aWhileMs)
    t.match(again.admission, { open: false, reason: 'draining: until further notice' })
    const known = await fleet.lateView((view) => view.status().intents)
    t.match(known, [{ kind: 'drain', target: 'a', issuer: 'ann', holds: true }])

    const bob = await fleet.operator('bob')
    await fleet.plane.settle(bob.view.synced())
    bob.issuer.lift('drain', 'a')
    await fleet.clock.advance(200)
    t.equal(again.admission.open, true)
    await bob.leave()
    await fleet.plane.settle(again.close())
    await fleet.clock.advance(aWhileMs)
    const third = await fleet.worker('a')
    await fleet.clock.advance(aWhileMs)
    t.equal(third.admission.open, true, 'the lift outlives its issuer too')
    await fleet.close()
  },
)

t.test('the intents in force can be read after their issuer and every scheduler are gone', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.collector({ numaNode: 1 })
  const scheduler = await fleet.scheduler()
  const worker = await fleet.worker('a')
  await fleet.clock.advance(aWhileMs)
  const { view, issuer, leave } = await fleet.operator('ann')
  await fleet.plane.settle(view.synced())
  issuer.apply('drain', 'a', { deadlineMs: null }, { reason: 'kept by its node' })
  issuer.apply('throttle-queue', 'mail', { maxInFlight: 0 })
  await fleet.clock.advance(500)
  await leave()
  fleet.kill(scheduler)
  await fleet.clock.advance(60_000)
  t.equal(worker.admission.reason, 'draining: kept by its node')
  const known = await fleet.lateView((late) => late.status().intents.map(({ kind, holds }) => [kind, holds]))
  t.strictSame(known.sort(), [
    ['drain', true],
    ['throttle-queue', true],
  ])
  const bob = await fleet.operator('bob')
  await fleet.plane.settle(bob.view.synced())
  bob.issuer.lift('drain', 'a')
  await fleet.clock.advance(500)
  t.equal(worker.admission.open, true)
  await bob.leave()
  await fleet.close()
})

t.test('an expired intent stops applying without any message', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const worker = await fleet.worker('a')
  const { view, issuer, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  issuer.apply('pause-node', node, {}, { ttlMs: 5_000, reason: 'for a moment' })
  await fleet.clock.advance(1_000)
  t.strictSame(worker.admission, { open: false, code: 'paused', reason: 'paused: for a moment' })
  await leave()
  await fleet.plane.settle(collector.close())
  await fleet.clock.advance(3_500)
  t.equal(worker.admission.open, false, 'no participant is left to renew it, and it still holds')
  await fleet.clock.advance(1_000)
  t.equal(worker.admission.open, true)
  t.strictSame(worker.appliedIntents(), [])
  await fleet.close()
})

t.test('the scheduler pauses a node under memory pressure and lifts it with hysteresis', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.scheduler({ policies: [memoryPressurePolicy({ ttlMs: 15_000 })] })
  const worker = await fleet.worker('a')
  await fleet.clock.advance(aWhileMs)
  t.equal(worker.admission.open, true)

  const limit = idleZone.memoryLimitBytes ?? 0
  fleet.zone = { ...idleZone, memoryHeadroomBytes: limit * 0.05 }
  await fleet.clock.advance(6_000)
  t.equal(worker.admission.open, false)
  t.match(worker.admission.reason, /^paused: 5 % of the memory is available/)
  t.match(await fleet.lateView((view) => view.status().workers), [{ state: 'busy', admissionOpen: false }])

  fleet.zone = { ...idleZone, memoryHeadroomBytes: limit * 0.15 }
  await fleet.clock.advance(60_000)
  t.equal(worker.admission.open, false, 'between the thresholds the pause is renewed beyond its time to live')

  fleet.zone = idleZone
  await fleet.clock.advance(aWhileMs)
  t.equal(worker.admission.open, true)
  await fleet.close()
})

t.test('a policy that throws stops no other policy, and its intents are not lifted', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  let broken = false
  let asked = 0
  const breaking: Policy<null> = {
    name: 'breaking',
    initial: null,
    decide: () => {
      if (broken) throw new Error('policy bug')
      const common = { target: 'a', reason: 'wanted', ttlMs: 30_000 }
      const wanted = [{ kind: 'drain', terms: { deadlineMs: null }, ...common }] as const
      return { wanted, undecided: [], state: null }
    },
  }
  const counting: Policy<null> = {
    name: 'counting',
    initial: null,
    decide: () => {
      asked++
      return { wanted: [], undecided: [], state: null }
    },
  }
  await fleet.scheduler({ policies: [breaking, counting] })
  const worker = await fleet.worker('a')
  await fleet.clock.advance(aWhileMs)
  t.equal(worker.admission.open, false)
  broken = true
  const before = asked
  await fleet.clock.advance(10_000)
  t.ok(asked > before, 'the other policy is still evaluated')
  t.equal(worker.admission.open, false, 'the intent in force still holds')
  await fleet.clock.advance(60_000)
  t.equal(worker.admission.open, true, 'until its time to live ends')
  await fleet.close()
})

t.test('the scheduler neither renews nor lifts intents on nodes that it cannot see', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  await fleet.scheduler({ policies: [memoryPressurePolicy({ ttlMs: 30_000 })], adopts: false })
  const worker = await fleet.worker('a')
  fleet.zone = { ...idleZone, memoryHeadroomBytes: 0 }
  await fleet.clock.advance(8_000)
  t.equal(worker.admission.open, false)
  fleet.kill(collector)
  await fleet.clock.advance(20_000)
  t.equal(worker.admission.open, false)
  await fleet.clock.advance(20_000)
  t.equal(worker.admission.open, true, 'its time to live has ended')
  await fleet.close()
})

t.test('a killed worker is dead at once, with its cause; a new worker of the same name replaces it', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector({ deadRetentionMs: 60_000 })
  await fleet.worker('a')
  const victim = await fleet.worker('b')
  await fleet.clock.advance(aWhileMs)
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  fleet.kill(victim)
  await fleet.clock.advance(5)
  t.match(view.status().workers, [
    { workerId: 'a', liveliness: 'alive' },
    { workerId: 'b', liveliness: 'dead', cause: 'killed', detail: 'SIGKILL' },
  ])
  t.strictSame(view.status().nodes[0]?.workers, { available: 1, busy: 0, unhealthy: 0, draining: 0 })

  await fleet.worker('b')
  await fleet.clock.advance(500)
  t.match(view.status().workers, [{ workerId: 'a' }, { workerId: 'b', liveliness: 'alive', cause: null, detail: null }])
  t.equal(view.status().nodes[0]?.workers.available, 2)
  await leave()
  await fleet.close()
})

t.test('the row of a dead worker is forgotten after its time, and a goodbye is reported as its cause', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector({ deadRetentionMs: 60_000 })
  const worker = await fleet.worker('a')
  await fleet.clock.advance(aWhileMs)
  await fleet.plane.settle(worker.close())
  await fleet.clock.advance(1_000)
  const { view, leave } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  t.match(view.status().workers, [{ workerId: 'a', liveliness: 'dead', cause: 'goodbye' }])
  await fleet.clock.advance(62_000)
  t.strictSame(view.status().workers, [])
  await leave()
  await fleet.close()
})

t.test('after a collector is killed and restarted the plane converges and no worker is declared dead', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  await fleet.scheduler({ adopts: false })
  const workers = await Promise.all(['a', 'b', 'c'].map((id) => fleet.worker(id)))
  const { view, issuer } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(aWhileMs)
  const { intent } = issuer.apply('drain', 'c', { deadlineMs: null })
  await fleet.clock.advance(500)
  const falseDeaths: string[] = []
  view.onChange((change) => {
    if (change.kind === 'worker' && change.after?.liveliness === 'dead') falseDeaths.push(change.workerId)
  })

  fleet.kill(collector)
  await fleet.clock.advance(5_000)
  t.match(view.status().workers, Array(3).fill({ liveliness: 'unreachable', cause: 'unserved' }))
  t.match(view.witness(), { freshness: 'best-effort', degradedMode: 'view-only' })
  await workers[0]?.run('without a collector', () => undefined)
  t.equal(workers[2]?.admission.open, false, 'the drain still holds')

  await fleet.collector()
  await fleet.clock.advance(aWhileMs)
  t.match(view.status().workers, [
    { workerId: 'a', liveliness: 'alive', jobsCompleted: 1 },
    { workerId: 'b', liveliness: 'alive' },
    { workerId: 'c', liveliness: 'alive', state: 'draining' },
  ])
  t.equal(view.status().nodes.length, 1)
  t.match(view.witness(), { freshness: 'bounded', degradedMode: 'healthy' })
  t.match(view.intentStatuses(intent.intentId), [{ workerId: 'c', transition: 'completed' }])
  issuer.lift('drain', 'c')
  await fleet.clock.advance(500)
  t.equal(workers[2]?.admission.open, true, 'intents pass through the new collector')
  t.strictSame(falseDeaths, [])
  await fleet.close()
})

t.test('workers keep running while the whole plane is gone, and it converges once it returns', async (t) => {
  const fleet = new MemoryFleet()
  const collector = await fleet.collector()
  const scheduler = await fleet.scheduler()
  const workers = await Promise.all(['a', 'b'].map((id) => fleet.worker(id)))
  await fleet.clock.advance(aWhileMs)
  fleet.kill(collector)
  fleet.kill(scheduler)

  for (let job = 0; job < 50; job++) {
    for (const worker of workers) {
      const slot = await fleet.plane.settle(worker.slot())
      await slot.run(`${worker.workerId}-${job}`, () => undefined)
    }
    await fleet.clock.advance(500)
  }

  await fleet.collector()
  await fleet.scheduler()
  await fleet.clock.advance(aWhileMs)
  const status = await fleet.lateView((view) => view.status())
  t.match(status.workers, [
    { workerId: 'a', liveliness: 'alive', jobsCompleted: 50 },
    { workerId: 'b', liveliness: 'alive', jobsCompleted: 50 },
  ])
  t.match(status.witness, { degradedMode: 'healthy' })
  await fleet.close()
})

t.test('a second collector of a node rejects and names the first', async (t) => {
  const fleet = new MemoryFleet()
  const first = await fleet.collector()
  await fleet.clock.advance(1_000)
  await t.rejects(fleet.collector(), {
    code: 'NUMACAST_CONFLICT',
    message: new RegExp(`a collector \\(pid ${first.participant.identity.pid}\\) serves memory/0 in domain 1 already`),
  })
  const neighbour = await fleet.collector({ numaNode: 1 })
  const status = await fleet.lateView((view) => view.status())
  t.match(status.nodes, [{ numaNode: 0 }, { numaNode: 1 }])
  await fleet.plane.settle(first.close())
  t.equal(await first.ended, undefined)
  await fleet.collector()
  await neighbour.close()
  await fleet.close()
})

t.test('of two collectors that discover each other late the younger yields', async (t) => {
  const fleet = new MemoryFleet()
  const older = await fleet.collector()
  await fleet.clock.advance(1_000)
  fleet.cutOff(older)
  const younger = await fleet.collector()
  fleet.plane.network.heal()
  await fleet.clock.advance(aWhileMs)
  t.match(await fleet.plane.settle(younger.ended), { code: 'NUMACAST_CONFLICT' })
  const status = await fleet.lateView((view) => view.status())
  t.match(status.nodes, [{ collector: { pid: older.participant.identity.pid, liveliness: 'alive' } }])
  await fleet.close()
})

t.test('a view that closes before it has found a plane ends pending calls', async (t) => {
  const fleet = new MemoryFleet()
  const { view, leave } = await fleet.operator()
  const waiting = view.synced()
  waiting.catch(() => undefined)
  await fleet.clock.advance(aWhileMs)
  view.close()
  await t.rejects(waiting, { code: 'NUMACAST_CLOSED' })
  await leave()
  await fleet.close()
})
