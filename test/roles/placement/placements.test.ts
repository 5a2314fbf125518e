import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import type { PlacedJob, PlaceResult } from '../../../src/roles/placement/placed-job.js'
import { Placements } from '../../../src/roles/placement/placements.js'
import { type DecideOffer, type JobOffer, reactive } from '../../../src/roles/worker/offers/job-offer.js'
import type { Worker } from '../../../src/roles/worker/worker.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import type { FleetView } from '../../../src/views/fleet-view.js'

t.setTimeout(300_000)

interface Dispatcher {
  readonly view: FleetView
  readonly placements: Placements
  leave(): Promise<void>
}

async function openDispatcher(fleet: MemoryFleet, name = 'dispatcher'): Promise<Dispatcher> {
  const { view, leave } = await fleet.operator(name)
  await fleet.plane.settle(view.synced())
  const placements = new Placements(view)
  const close = async (): Promise<void> => {
    placements.close()
    await leave()
  }
  return { view, placements, leave: close }
}

/** A worker that answers offers by `decide`, and notes them. */
async function reactiveWorker(
  fleet: MemoryFleet,
  name: string,
  decide?: DecideOffer,
  concurrency = 1,
): Promise<{ worker: Worker; offers: JobOffer[] }> {
  const offers: JobOffer[] = []
  const noted: DecideOffer = (offer, load) => {
    offers.push(offer)
    return (decide ?? reactive().decide)?.(offer, load) ?? { claim: true }
  }
  const worker = await fleet.worker(name, { concurrency, admission: reactive(noted) })
  return { worker, offers }
}

function placedAt(result: PlaceResult): PlacedJob {
  if (result.kind !== 'worker') throw new Error(`no worker: ${JSON.stringify(result)}`)
  return result
}

const neverMs = 60 * 60_000

t.test('an offer goes to the next worker when one declines, and is claimed there', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const busy = await reactiveWorker(fleet, 'busy', () => ({ claim: false, reason: 'the GPU is warming up' }))
  const ready = await reactiveWorker(fleet, 'ready')
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  const results: PlacedJob[] = []
  for (let turn = 0; turn < 2; turn++) {
    const request = { queue: 'video', vramBytes: 5, cpus: 1 }
    const placed = placements.place(request, { jobId: `job ${turn}`, labels: { tenant: 'x' } })
    const result = placedAt(await fleet.plane.settle(placed))
    results.push(result)
    t.equal(result.workerId, 'ready')
    result.release()
    await fleet.clock.advance(100)
    t.equal(ready.offers[turn]?.signal.aborted, true, 'the worker learns that the offer was withdrawn')
    t.equal(ready.worker.claimedOffers, 0)
  }
  t.match(ready.offers[0], { jobId: 'job 0', queue: 'video', vramBytes: 5, cpus: 1, labels: { tenant: 'x' } })
  // Two workers of equal score take turns, so one of the two jobs went to the other one first.
  const passed = results.flatMap(({ passedOver }) => passedOver)
  t.match(passed, [{ workerId: 'busy', outcome: 'declined', reason: 'the GPU is warming up', retryAfterMs: null }])
  t.equal(busy.offers.length, 1)
  t.equal(placements.reservations.size, 0)
  await leave()
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a claim counts until its job begins, and then the reservation ends', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const { worker } = await reactiveWorker(fleet, 'w')
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  const first = placedAt(await fleet.plane.settle(placements.place({}, { jobId: 'job 1' })))
  t.equal(worker.claimedOffers, 1)
  const second = await fleet.plane.settle(placements.place({}, { jobId: 'job 2' }))
  t.match(second, { kind: 'none', passedOver: [{ workerId: 'w', outcome: 'declined', reason: /limit of 1/ }] })
  t.ok(second.kind === 'none' && second.retryAfterMs !== null)

  void worker.run(first.jobId, () => new Promise((resolve) => fleet.clock.after(2_000, () => resolve(undefined))))
  await fleet.clock.advance(300)
  t.equal(worker.claimedOffers, 0)
  t.equal(worker.inFlight, 1)
  t.equal(placements.reservations.size, 0)
  t.equal(first.signal.aborted, false, 'the job has begun: its placement did not end before')
  t.match(await fleet.plane.settle(placements.place({}, { jobId: 'job 3' })), { kind: 'none' })
  await fleet.clock.advance(3_000)
  t.match(await fleet.plane.settle(placements.place({}, { jobId: 'job 4' })), { kind: 'worker', jobId: 'job 4' })
  await leave()
  await fleet.close()
})

t.test('a worker that does not answer is passed over, and the late claim does not stand', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  let answer = (): void => {}
  const slow = await reactiveWorker(fleet, 'slow', () => {
    return new Promise((resolve) => {
      answer = () => resolve({ claim: true })
    })
  })
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  const result = await fleet.plane.settle(placements.place({}, { offerTimeoutMs: 500, fallback: 'self' }))
  t.match(result, { kind: 'self', passedOver: [{ workerId: 'slow', outcome: 'unanswered' }] })
  t.equal(placements.reservations.size, 0)
  await fleet.clock.advance(200)
  t.equal(slow.offers[0]?.signal.aborted, true)
  answer()
  await fleet.clock.advance(200)
  t.equal(slow.worker.claimedOffers, 0)
  t.equal(slow.worker.participant.counters.get('worker.offer-gone'), 1)
  await leave()
  await fleet.close()
})

t.test(
  'a worker that dies with an offer is passed over at once; one that dies with a claim ends the placement',
  async (t) => {
    const fleet = new MemoryFleet()
    await fleet.collector()
    const mute = await reactiveWorker(fleet, 'mute', () => new Promise(() => {}))
    const { placements, leave } = await openDispatcher(fleet)
    await fleet.clock.advance(4_000)
    const placing = placements.place({}, { offerTimeoutMs: neverMs })
    await fleet.clock.advance(100)
    t.equal(mute.offers.length, 1)
    fleet.kill(mute.worker)
    t.match(await fleet.plane.settle(placing), { kind: 'none', passedOver: [{ workerId: 'mute', outcome: 'lost' }] })

    const ready = await reactiveWorker(fleet, 'ready')
    await fleet.clock.advance(4_000)
    const placed = placedAt(await fleet.plane.settle(placements.place({})))
    t.equal(placed.workerId, 'ready')
    fleet.kill(ready.worker)
    await fleet.clock.advance(500)
    t.match(placed.signal, { aborted: true, reason: { code: 'NUMACAST_UNAVAILABLE' } })
    t.equal(placements.reservations.size, 0)
    await leave()
    await fleet.close()
  },
)

t.test('a dispatcher that dies leaves a claim, which ends with its time to live', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const { worker, offers } = await reactiveWorker(fleet, 'w')
  const dispatcher = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  placedAt(await fleet.plane.settle(dispatcher.placements.place({}, { ttlMs: 6_000 })))
  fleet.kill({ participant: dispatcher.view.participant, close: dispatcher.leave })
  await fleet.clock.advance(3_000)
  t.equal(worker.claimedOffers, 1)
  await fleet.clock.advance(5_000)
  t.equal(worker.claimedOffers, 0)
  t.equal(offers[0]?.signal.aborted, true)
  await fleet.close()
})

t.test('a drained worker declines without being asked, and so does one whose decision throws', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const faulty = await reactiveWorker(fleet, 'faulty', () => {
    throw new Error('no such model')
  })
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  t.match(await fleet.plane.settle(placements.place({})), {
    kind: 'none',
    passedOver: [{ workerId: 'faulty', outcome: 'declined', reason: /no such model/ }],
  })
  t.equal(faulty.worker.participant.counters.get('worker.decide-failed'), 1)

  // The ranking does not know yet that the worker is unfit: the worker's own answer decides.
  const placing = placements.place({})
  faulty.worker.declareUnhealthy('out of disk')
  t.match(await fleet.plane.settle(placing), {
    kind: 'none',
    passedOver: [{ outcome: 'declined', reason: 'unhealthy: out of disk' }],
  })
  t.equal(faulty.offers.length, 1)
  await leave()
  await fleet.close()
})

t.test('options and requests that are not acceptable are refused, and a signal ends the wait', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await reactiveWorker(fleet, 'mute', () => new Promise(() => {}))
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  const code = 'NUMACAST_INVALID_ARGUMENT'
  for (const options of [
    { maxAttempts: 0 },
    { offerTimeoutMs: 0 },
    { jobId: '' },
    { fallback: 'x' as never },
    { ttlMs: -1 },
  ]) {
    await t.rejects(fleet.plane.settle(placements.place({}, options)), { code }, JSON.stringify(options))
  }
  await t.rejects(fleet.plane.settle(placements.place({ cpus: -1 })), { code })
  await t.rejects(fleet.worker('x', { admission: { kind: 'reactive', decide: 1 as never } }), { code })
  const stop = new AbortController()
  const placing = placements.place({}, { signal: stop.signal, offerTimeoutMs: neverMs })
  placing.catch(() => {})
  await fleet.clock.advance(100)
  stop.abort(new Error('enough'))
  await t.rejects(fleet.plane.settle(placing), { message: 'enough' })
  t.equal(placements.reservations.size, 0)
  await leave()
  await fleet.close()
})

t.test('closing ends what waits for an answer, and leaves no timer', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const mute = await reactiveWorker(fleet, 'mute', () => new Promise(() => {}))
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  const placing = placements.place({}, { offerTimeoutMs: neverMs })
  placing.catch(() => {})
  await fleet.clock.advance(100)
  t.equal(mute.offers.length, 1)
  placements.close()
  await t.rejects(fleet.plane.settle(placing), { code: 'NUMACAST_CLOSED' })
  await leave()
  await fleet.close()
  t.equal(fleet.clock.pendingTimers, 0)
})

t.test('a signal ends the wait for the reservations of other schedulers', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const other = await openDispatcher(fleet, 'other')
  const { view, leave } = await fleet.operator('dispatcher')
  await fleet.plane.settle(view.synced())
  fleet.cutOff({ participant: other.view.participant })
  const placements = new Placements(view)
  const stop = new AbortController()
  const placing = placements.place({}, { signal: stop.signal })
  placing.catch(() => {})
  await fleet.clock.advance(10)
  stop.abort(new Error('enough'))
  const outcome = await Promise.race([
    placing.then(
      () => 'placed',
      ({ message }: Error) => message,
    ),
    new Promise((resolve) => setImmediate(() => resolve('waits'))),
  ])
  t.equal(outcome, 'enough')
  placements.close()
  await leave()
  fleet.reconnect({ participant: other.view.participant })
  await other.leave()
  await fleet.close()
})

t.test('a decision that is none declines the offer and is counted', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const decisions: unknown[] = [
    0,
    { claim: false },
    { claim: false, reason: 7, retryAfterMs: 'soon' },
    { claim: 'yes' },
  ]
  const faulty = await reactiveWorker(fleet, 'faulty', () => decisions.shift() as never)
  const { placements, leave } = await openDispatcher(fleet)
  await fleet.clock.advance(4_000)
  for (let made = 1; made <= 4; made++) {
    t.match(await fleet.plane.settle(placements.place({})), {
      kind: 'none',
      passedOver: [{ workerId: 'faulty', outcome: 'declined', reason: /decide/ }],
    })
    t.equal(faulty.worker.participant.counters.get('worker.decide-failed'), made)
  }
  await leave()
  await fleet.close()
})

/** Longer: NUMACAST_PLACEMENT_SEEDS=1,2,…,50 */
for (const seed of (process.env.NUMACAST_PLACEMENT_SEEDS ?? '1,2').split(',').map(Number)) {
  t.test(`dispatchers under loss and deaths run each job, and leave no claim (seed ${seed})`, async (t) => {
    const fleet = new MemoryFleet(seed, { faults: { lossRatio: 0.15, duplicateRatio: 0.1, maxDelayMs: 40 } })
    const random = seededRandom(seed)
    await fleet.collector()
    const workers = new Map<string, Worker>()
    const start = async (name: string): Promise<void> => {
      const decide: DecideOffer = (offer, load) =>
        random() < 0.2 ? { claim: false, reason: 'not now' } : (reactive().decide?.(offer, load) ?? { claim: true })
      const admission = name.startsWith('r') ? reactive(decide) : ({ kind: 'fixed' } as const)
      workers.set(name, await fleet.worker(name, { concurrency: 2, admission }))
    }
    for (const name of ['r1', 'r2', 'f1', 'f2']) await start(name)
    const dispatchers = [await openDispatcher(fleet, 'd1'), await openDispatcher(fleet, 'd2')]
    await fleet.clock.advance(5_000)
    const done = new Set<string>()
    const wait = (ms: number): Promise<void> => new Promise((resolve) => fleet.clock.after(ms, () => resolve()))

    /** Places the job until a worker has run it. */
    const dispatch = async ({ placements }: Dispatcher, jobId: string): Promise<void> => {
      while (!done.has(jobId)) {
        const result = await placements.place({}, { jobId, ttlMs: 4_000, offerTimeoutMs: 1_000 })
        if (result.kind !== 'worker') {
          await wait(300)
          continue
        }
        // It takes a while to send a job; the placement may end meanwhile.
        await wait(Math.floor(random() * 80))
        const worker = workers.get(result.workerId)
        const isSame = worker?.participant.incarnation === result.incarnation
        const slot = result.signal.aborted || !isSame ? undefined : worker.trySlot()
        if (slot === undefined) {
          result.release()
          await wait(100)
          continue
        }
        await slot.run(jobId, () => wait(200))
        // A worker that was killed meanwhile has not run it.
        if (workers.get(result.workerId) === worker) done.add(jobId)
      }
    }
    const jobs = Array.from({ length: 24 }, (_, index) => {
      const dispatcher = dispatchers[index % 2]
      if (dispatcher === undefined) throw new Error('no dispatcher')
      return wait(index * 60).then(() => dispatch(dispatcher, `job ${index}`))
    })
    for (const name of ['r1', 'f1']) {
      await fleet.clock.advance(700)
      const worker = workers.get(name)
      workers.delete(name)
      if (worker !== undefined) fleet.kill(worker)
      await start(name)
    }
    await fleet.plane.settle(Promise.all(jobs), 300_000)
    t.equal(done.size, 24)
    await fleet.clock.advance(10_000)
    for (const worker of workers.values()) t.equal(worker.claimedOffers + worker.inFlight, 0)
    for (const { placements } of dispatchers) t.equal(placements.reservations.size, 0)
    for (const { leave } of dispatchers) await leave()
    await fleet.close()
  })
}
