import t, { type Test } from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import { rank } from '../../../src/placement/rank/rank.js'
import { resolveRequest } from '../../../src/placement/request/placement-request.js'
import type { Reservation } from '../../../src/placement/reservations/reservation.js'
import { placementReservation } from '../../../src/plane/placement/reservation.js'
import { jobLifecycle } from '../../../src/plane/worker/job-lifecycle.js'
import { type EndedReservation, SharedReservations } from '../../../src/roles/placement/shared-reservations.js'
import type { Worker } from '../../../src/roles/worker/worker.js'
import { MemoryFleet } from '../../../src/testing/memory-fleet.js'
import type { FleetView } from '../../../src/views/fleet-view.js'

/** Longer: NUMACAST_RESERVATION_SEEDS=1,2,…,50 */
const seeds = (process.env.NUMACAST_RESERVATION_SEEDS ?? '1,2').split(',').map(Number)
/** Longer than any reservation of a burst needs, shorter than a quiet time. */
const ttlMs = 8_000
/** By this time what was lost has been repaired. */
const repairedMs = 5_000

t.setTimeout(300_000)

interface Issuer {
  readonly view: FleetView
  readonly reservations: SharedReservations
  readonly ends: EndedReservation[]
  made: number
  leave(): Promise<void>
}

async function openIssuer(fleet: MemoryFleet, name: string): Promise<Issuer> {
  const { view, leave } = await fleet.operator(name)
  await fleet.plane.settle(view.synced())
  const reservations = new SharedReservations(view)
  await fleet.plane.settle(reservations.synced())
  const ends: EndedReservation[] = []
  reservations.onEnd((ended) => ends.push(ended))
  const close = async (): Promise<void> => {
    reservations.close()
    await leave()
  }
  return { view, reservations, ends, made: 0, leave: close }
}

/** Reserves the best worker for a job, as this scheduler knows the fleet; undefined if it knows of none. */
function reserve(issuer: Issuer, jobId: string, turn: number, request = {}): Reservation | undefined {
  const { view, reservations } = issuer
  const ranking = rank(view.snapshot(), resolveRequest(request), {
    nowMs: view.participant.clock.nowMs(),
    reserved: reservations.totals(),
    ties: { kind: 'round-robin', turn },
  })
  if (ranking.best === undefined) return undefined
  issuer.made++
  return reservations.reserve(ranking, ranking.best, { jobId, ttlMs })
}

const idsOf = (reservations: Iterable<Reservation>): string[] =>
  [...reservations].map(({ reservationId }) => reservationId).sort()

const ownOf = ({ view, reservations }: Issuer): Reservation[] =>
  reservations.list().filter(({ scheduler }) => scheduler === view.participant.guid)

for (const seed of seeds) {
  t.test(
    `schedulers under loss, delay and restarts double-book no worker and leak no reservation (seed ${seed})`,
    async (t) => {
      const fleet = new MemoryFleet(seed)
      const random = seededRandom(seed)
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
      await fleet.collector()
      const names = ['a', 'b', 'c']
      const workers = new Map<string, Worker>()
      for (const name of names) workers.set(name, await fleet.worker(name, { concurrency: 3 }))
      const issuers: Issuer[] = []
      for (const name of ['s1', 's2', 's3']) issuers.push(await openIssuer(fleet, name))
      await fleet.clock.advance(4_000)
      let jobs = 0
      let refused = 0
      let dispatched = 0
      let turn = 0

      for (let round = 0; round < 4; round++) {
        // A burst on a bad network: every scheduler decides by what it knows.
        fleet.plane.network.setFaults({ lossRatio: 0.3, duplicateRatio: 0.1, minDelayMs: 0, maxDelayMs: 120 })
        for (let step = 0; step < 16; step++) {
          const issuer = pick(issuers)
          const reservation = reserve(issuer, `job ${++jobs}`, turn++)
          if (reservation !== undefined) assertFits(t, issuer, reservation)
          const own = ownOf(issuer)
          if (own.length > 0 && random() < 0.25) {
            const { reservationId } = pick(own)
            t.equal(issuer.reservations.release(reservationId), true)
            t.equal(issuer.reservations.release(reservationId), false)
          }
          await fleet.clock.advance(Math.floor(random() * 60))
        }
        const restarted = await restart(round)

        fleet.plane.network.setFaults({})
        await fleet.clock.advance(repairedMs)
        // Quiet: all agree, and what holds fits.
        const held = issuers.flatMap(ownOf)
        const living = new Set(issuers.map(({ view }) => view.participant.guid))
        for (const { reservations } of issuers) {
          t.strictSame(
            idsOf(reservations.list().filter(({ scheduler }) => living.has(scheduler as never))),
            idsOf(held),
          )
        }
        for (const name of names) {
          const here = held.filter(({ workerId }) => workerId === name)
          t.ok(here.length <= 3, `round ${round}: ${here.length} reservations at ${name}, which runs 3 jobs`)
          if (restarted === name) t.strictSame(here, [], 'a restarted worker owes nothing')
        }

        // Each scheduler dispatches what it still holds. No worker has to turn a job away.
        for (const { workerId, jobId } of held) {
          const slot = workers.get(workerId)?.trySlot()
          t.ok(slot, `round ${round}: ${workerId} has room for ${jobId}`)
          void slot?.run(jobId, () => new Promise((resolve) => fleet.clock.after(500, () => resolve(undefined))))
          dispatched++
        }
        await fleet.clock.advance(400)
        t.strictSame(issuers.flatMap(ownOf), [], 'each job is reported, so that its row covers it')
        // What a killed scheduler left ends by itself.
        await fleet.clock.advance(ttlMs)
        for (const { reservations } of issuers) {
          t.equal(reservations.size, 0)
          t.equal(reservations.totals().workers.size + reservations.totals().zones.size, 0)
        }
      }

      for (const { made, ends } of issuers) {
        t.equal(ends.length, made, 'each reservation ended once')
        refused += ends.filter(({ end }) => end === 'refused').length
      }
      t.ok(dispatched >= 8, `${dispatched} jobs were dispatched`)
      t.comment(`${jobs} decisions, ${dispatched} dispatched, ${refused} refused`)
      for (const { leave } of issuers) await leave()
      await fleet.close()
      t.equal(fleet.clock.pendingTimers, 0)

      /** Replaces a worker in the first round and a scheduler in the second. Returns the worker. */
      async function restart(round: number): Promise<string | undefined> {
        if (round === 0) {
          const name = pick(names)
          const worker = workers.get(name)
          if (worker !== undefined) fleet.kill(worker)
          workers.set(name, await fleet.worker(name, { concurrency: 3 }))
          return name
        }
        if (round === 1) {
          const [gone] = issuers.splice(Math.floor(random() * issuers.length), 1)
          if (gone !== undefined) fleet.kill({ participant: gone.view.participant, close: gone.leave })
          issuers.push(await openIssuer(fleet, 's4'))
        }
        return undefined
      }
    },
  )
}

/** What the scheduler knows never overfills the worker that it has just chosen. */
function assertFits(t: Test, { view, reservations }: Issuer, { workerId, incarnation }: Reservation): void {
  const load = view.snapshot().worker(workerId)?.load
  const reserved = reservations
    .totals()
    .workers.get(workerId)
    ?.find((sum) => sum.incarnation === incarnation)
  t.ok(reserved)
  t.ok((load?.inFlight ?? 0) + (reserved?.jobs ?? 0) <= (load?.concurrency ?? 0))
}

t.test('two schedulers that take the last place at once: both refuse the same one', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 1 })
  const [one, two] = [await openIssuer(fleet, 's1'), await openIssuer(fleet, 's2')]
  await fleet.clock.advance(4_000)
  t.ok(reserve(one, 'job 1', 0))
  t.ok(reserve(two, 'job 2', 0))
  await fleet.clock.advance(100)
  t.strictSame(idsOf(one.reservations.list()), idsOf(two.reservations.list()))
  t.equal(one.reservations.size, 1)
  const ends = [...one.ends, ...two.ends]
  t.match(ends, [{ end: 'refused', conflict: 'jobs' }])
  t.equal(ends.length, 1)
  const [kept] = one.reservations.list()
  t.equal(reserve(one, 'job 3', 0), undefined, 'the worker is full for both')
  t.equal(reserve(two, 'job 3', 0), undefined)

  // The report of the job takes the place of the reservation, at both.
  void worker.run(kept?.jobId ?? '', () => new Promise((resolve) => fleet.clock.after(5_000, () => resolve(undefined))))
  await fleet.clock.advance(400)
  for (const { view, reservations } of [one, two]) {
    t.equal(reservations.size, 0)
    t.equal(view.snapshot().worker('w')?.load.inFlight, 1)
  }
  for (const { leave } of [one, two]) await leave()
  await fleet.close()
})

t.test(
  'a reservation that another participant writes in the name of a scheduler is rejected and counted',
  async (t) => {
    const fleet = new MemoryFleet()
    await fleet.collector()
    await fleet.worker('w', { concurrency: 1 })
    const [one, two] = [await openIssuer(fleet, 's1'), await openIssuer(fleet, 's2')]
    await fleet.clock.advance(4_000)
    const reservation = reserve(one, 'job 1', 0)
    await fleet.clock.advance(100)
    const forger = (await fleet.operator('forger')).view.participant
    const writer = forger.writer(placementReservation, { partition: 'plane' })
    if (reservation === undefined) throw new Error('nothing was reserved')
    writer.write({ ...reservation, zones: [...reservation.zones], reservationId: 'x.1' })
    writer.write({ ...reservation, zones: [...reservation.zones] })
    writer.dispose(reservation.reservationId)
    await fleet.clock.advance(500)
    t.strictSame(idsOf(two.reservations.list()), [reservation.reservationId])
    t.ok(two.view.participant.counters.get('reservations.rejected.foreign') >= 1)
    for (const { leave } of [one, two]) await leave()
    await fleet.close()
  },
)

t.test('a worker that dies frees what is reserved there, and its scheduler is told', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 1 })
  const one = await openIssuer(fleet, 's1')
  await fleet.clock.advance(4_000)
  t.ok(reserve(one, 'job 1', 0, { cpus: 1 }))
  fleet.kill(worker)
  await fleet.clock.advance(500)
  t.match(one.ends, [{ end: 'expired' }])
  t.equal(one.reservations.totals().zones.size, 0)
  t.throws(() => one.reservations.reserve(undefined as never, undefined as never, { jobId: 'x', ttlMs: 0 }), {
    code: 'NUMACAST_INVALID_ARGUMENT',
  })
  await one.leave()
  await fleet.close()
})

t.test('a report of an earlier run does not end the reservation of the next one', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('w', { concurrency: 2 })
  const [one, two] = [await openIssuer(fleet, 's1'), await openIssuer(fleet, 's2')]
  await fleet.clock.advance(4_000)
  t.ok(reserve(one, 'job 1', 0))
  const failing = worker.run('job 1', async () => {
    await new Promise<void>((resolve) => fleet.clock.after(600, () => resolve()))
    throw new Error('no disk')
  })
  failing.catch(() => {})
  await fleet.clock.advance(400)
  t.match(one.ends, [{ end: 'settled' }])
  fleet.plane.network.setFaults({ minDelayMs: 100, maxDelayMs: 100 })
  await t.rejects(fleet.plane.settle(failing), { message: 'no disk' })
  // The dispatcher learns of the failure from the worker itself, before the report arrives.
  const again = reserve(one, 'job 1', 1)
  t.ok(again)
  await fleet.clock.advance(2_000)
  t.equal(one.ends.length, 1)
  t.equal(one.reservations.has(again?.reservationId ?? ''), true)
  t.equal(two.reservations.has(again?.reservationId ?? ''), true)
  void worker.run('job 1', () => new Promise<void>((resolve) => fleet.clock.after(3_000, () => resolve())))
  await fleet.clock.advance(2_000)
  t.match(one.ends, [{ end: 'settled' }, { end: 'settled' }])
  t.equal(two.reservations.size, 0)
  for (const { leave } of [one, two]) await leave()
  await fleet.close()
})

t.test('a job that has begun is settled, although its worker dies before the row covers it', async (t) => {
  const fleet = new MemoryFleet(3)
  await fleet.collector()
  const names = Array.from({ length: 12 }, (_, index) => `w${index}`)
  const workers = new Map<string, Worker>()
  for (const name of names) workers.set(name, await fleet.worker(name, { concurrency: 1 }))
  const one = await openIssuer(fleet, 's1')
  await fleet.clock.advance(4_000)
  const jobs = one.view.participant.reader(jobLifecycle, { partition: 'plane' })
  const killed: string[] = []
  jobs.onSample(({ value }) => {
    const worker = workers.get(value?.workerId ?? '')
    if (
      value === undefined ||
      worker === undefined ||
      one.ends.some(({ reservation }) => reservation.jobId === value.jobId)
    )
      return
    // The report has arrived before the row that covers it.
    workers.delete(value.workerId)
    killed.push(value.jobId)
    fleet.kill(worker)
  })
  // Rows and reports take paths of different delay.
  fleet.plane.network.setFaults({ minDelayMs: 0, maxDelayMs: 300 })
  for (const [turn, name] of names.entries()) {
    const reservation = reserve(one, name, turn)
    t.ok(reservation)
    void workers.get(reservation?.workerId ?? '')?.run(name, () => new Promise(() => {}))
  }
  await fleet.clock.advance(6_000)
  t.ok(killed.length > 0, `${killed.length} of 12 workers died then`)
  for (const jobId of killed) {
    const ends = one.ends.filter(({ reservation }) => reservation.jobId === jobId)
    t.strictSame(
      ends.map(({ end }) => end),
      ['settled'],
    )
  }
  jobs.close()
  await one.leave()
  await fleet.close()
})

t.test('a reservation with the highest number does not keep other schedulers from reserving', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  await fleet.worker('w', { concurrency: 8 })
  const [one, two] = [await openIssuer(fleet, 's1'), await openIssuer(fleet, 's2')]
  await fleet.clock.advance(4_000)
  const forger = (await fleet.operator('forger')).view.participant
  const writer = forger.writer(placementReservation, { partition: 'plane' })
  const reservation = reserve(one, 'job 1', 0)
  if (reservation === undefined) throw new Error('nothing was reserved')
  const forged = { ...reservation, zones: [...reservation.zones], scheduler: forger.guid, jobId: 'x' }
  for (const seq of [Number.MAX_SAFE_INTEGER, 2 ** 48]) {
    try {
      writer.write({ ...forged, seq, reservationId: `${forger.guid}.${seq}` })
    } catch {
      // The schema refuses it.
    }
  }
  await fleet.clock.advance(500)
  const later = [reserve(one, 'job 2', 0), reserve(one, 'job 3', 0)]
  await fleet.clock.advance(500)
  for (const made of later) t.equal(two.reservations.has(made?.reservationId ?? ''), true)
  t.equal(new Set(later.map((made) => made?.reservationId)).size, 2)
  for (const { leave } of [one, two]) await leave()
  await fleet.close()
})
