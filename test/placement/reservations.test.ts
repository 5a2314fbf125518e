import fc from 'fast-check'
import t from 'tap'
import { Counters } from '../../src/core/reporting/counters.js'
import { rank } from '../../src/placement/rank/rank.js'
import { resolveRequest } from '../../src/placement/request/placement-request.js'
import type { Reservation } from '../../src/placement/reservations/reservation.js'
import { ReservationBook } from '../../src/placement/reservations/reservation-book.js'
import { resolveConflicts } from '../../src/placement/reservations/reservation-conflicts.js'
import type { PlacementSnapshot } from '../../src/views/snapshot/placement-snapshot.js'
import { SnapshotBuilder } from '../../src/views/snapshot/snapshot-builder.js'
import { FleetSource } from './support/random-fleet.js'
import { randomRequest } from './support/random-request.js'

const nowMs = 100_000

function drawSnapshot(source: FleetSource, workers: number): PlacementSnapshot {
  const builder = new SnapshotBuilder()
  for (const change of source.fleet(workers, nowMs)) builder.apply(change)
  return builder.snapshot()
}

/** Returns the workers and zones that are overfilled by the reservations together with the reported use. */
function overfilled(snapshot: PlacementSnapshot, reservations: readonly Reservation[]): string[] {
  const over: string[] = []
  const jobs = new Map<string, number>()
  const zones = new Map<string, { cpus: number; memoryBytes: number }>()
  for (const { workerId, bootId, zones: shares } of reservations) {
    jobs.set(workerId, (jobs.get(workerId) ?? 0) + 1)
    for (const { numaNode, cpus, memoryBytes } of shares) {
      const target = `${bootId}/${numaNode}`
      const sum = zones.get(target) ?? { cpus: 0, memoryBytes: 0 }
      zones.set(target, { cpus: sum.cpus + cpus, memoryBytes: sum.memoryBytes + memoryBytes })
    }
  }
  for (const [workerId, count] of jobs) {
    const row = snapshot.worker(workerId)
    const limit = row?.profile?.admission.kind === 'reactive' ? Infinity : (row?.load.concurrency ?? 0)
    if ((row?.load.inFlight ?? 0) + count > limit) over.push(workerId)
  }
  for (const [target, { cpus, memoryBytes }] of zones) {
    const room = snapshot.zones.find((zone) => zone?.target === target)?.room
    if (cpus > (room?.freeCpus ?? 0) + 1e-6 || memoryBytes > (room?.freeMemoryBytes ?? 0) + 1) over.push(target)
  }
  return over
}

t.test('a burst of decisions on one snapshot overfills no worker or zone, and leaves no reservation behind', (t) => {
  let placed = 0
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const source = new FleetSource(seed, 2, 2)
      const snapshot = drawSnapshot(source, 20)
      const book = new ReservationBook({ scheduler: 's' })
      const first = [...rank(snapshot, randomRequest(new FleetSource(seed, 2, 2)), { nowMs }).workerIds()]
      const live: Reservation[] = []
      for (let job = 0; job < 120; job++) {
        const ranking = rank(snapshot, randomRequest(source), { nowMs, reserved: book.totals() })
        const { best } = ranking
        if (best !== undefined) {
          live.push(book.reserve(ranking, best, { jobId: `job-${job}`, nowMs }))
          placed++
        }
        if (live.length > 0 && source.chance(0.2)) {
          const [gone] = live.splice(source.integer(live.length), 1)
          t.equal(book.release(gone?.reservationId ?? ''), true)
        }
        t.equal(book.size, live.length)
      }
      t.strictSame(overfilled(snapshot, live), [])
      t.strictSame(book.resolve().refused, [], 'a scheduler does not conflict with itself')
      for (const { reservationId } of live) book.release(reservationId)
      t.equal(book.release(live[0]?.reservationId ?? 'none'), false, 'released already')
      t.equal(book.totals().workers.size + book.totals().zones.size, 0)
      const again = rank(snapshot, randomRequest(new FleetSource(seed, 2, 2)), { nowMs, reserved: book.totals() })
      t.strictSame([...again.workerIds()], first)
    }),
    { numRuns: 6 },
  )
  t.ok(placed > 30, `${placed} jobs were placed`)
  t.end()
})

/** Simulates schedulers that place jobs on one snapshot and receive each other's reservations late or never. */
function compete(seed: number): { snapshot: PlacementSnapshot; made: Reservation[] } {
  const source = new FleetSource(seed, 2, 2)
  const snapshot = drawSnapshot(source, 12)
  const books = ['a', 'b', 'c'].map((scheduler) => new ReservationBook({ scheduler }))
  const made: Reservation[] = []
  for (let job = 0; job < 60; job++) {
    const book = source.pick(books)
    const ranking = rank(snapshot, randomRequest(source), { nowMs, reserved: book.totals() })
    const { best } = ranking
    if (best === undefined) continue
    const reservation = book.reserve(ranking, best, { jobId: `job-${job}`, nowMs })
    made.push(reservation)
    for (const other of books) if (other !== book && source.chance(0.4)) other.observe(reservation, nowMs)
  }
  return { snapshot, made }
}

t.test('schedulers with the same reservations refuse the same ones, in any order of arrival', (t) => {
  let refused = 0
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (seed, shuffle) => {
      const { snapshot, made } = compete(seed)
      const verdicts = resolveConflicts(made)
      const order = new FleetSource(shuffle, 1, 1)
      const shuffled = [...made, ...order.some(made, 0.3)]
        .map((reservation) => ({ reservation, at: order.integer(1e9) }))
        .sort((a, b) => a.at - b.at)
        .map(({ reservation }) => reservation)
      t.strictSame(resolveConflicts(shuffled), verdicts)
      t.equal(verdicts.granted.length + verdicts.refused.length, made.length)
      t.strictSame(overfilled(snapshot, verdicts.granted), [])
      refused += verdicts.refused.length
    }),
    { numRuns: 12 },
  )
  t.ok(refused > 5, `${refused} were refused`)
  t.end()
})

t.test('a later reservation changes no verdict on an earlier one', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (seed, cut) => {
      const { made } = compete(seed)
      const all = resolveConflicts(made)
      const ordered = [...all.granted, ...all.refused.map(({ reservation }) => reservation)].sort(
        (a, b) => a.seq - b.seq || (a.scheduler < b.scheduler ? -1 : 1),
      )
      const earlier = new Set(ordered.slice(0, cut % (ordered.length + 1)))
      const part = resolveConflicts(earlier)
      t.strictSame(
        part.granted,
        all.granted.filter((one) => earlier.has(one)),
      )
    }),
    { numRuns: 12 },
  )
  t.end()
})

/** A worker that accepts two jobs, and the book of one scheduler. */
function oneWorker() {
  const source = new FleetSource(3, 1, 1)
  const builder = new SnapshotBuilder()
  builder.apply({
    kind: 'zone',
    zone: { ...source.zone(0, 0, nowMs), cpus: 8, cpuHeadroomCores: 8, cpuQuotaCores: null },
  })
  const idle = {
    ...source.load(1, nowMs),
    ...({ bootId: 'boot-0', numaNode: 0, liveliness: 'alive', condition: 'available', admissionOpen: true } as const),
    ...{ inFlight: 0, concurrency: 2, vramUsedBytes: 0 },
  }
  const profile = { ...source.profile(1), taints: [], admission: { kind: 'fixed' } as const }
  builder.apply({ kind: 'worker-load', workerId: 'w', load: idle })
  builder.apply({ kind: 'worker-profile', workerId: 'w', profile })
  const snapshot = builder.snapshot()
  const counters = new Counters()
  const book = new ReservationBook({ scheduler: 'a', maxReservations: 3 }, counters)
  const request = resolveRequest({ cpus: 2 })
  const reserve = (jobId: string, into = book): Reservation | undefined => {
    const ranking = rank(snapshot, request, { nowMs, reserved: into.totals() })
    return ranking.best === undefined ? undefined : into.reserve(ranking, ranking.best, { jobId, nowMs, ttlMs: 5_000 })
  }
  return { builder, idle, request, snapshot, counters, book, reserve }
}

t.test('a reservation ends by report, by time, by a new incarnation and by the conflict rule, each counted', (t) => {
  const { builder, idle, request, snapshot, counters, book, reserve } = oneWorker()
  t.match(reserve('job-1'), { workerId: 'w', jobId: 'job-1', zones: [{ numaNode: 0, cpus: 2 }] })
  t.ok(reserve('job-2'))
  t.equal(reserve('job-3'), undefined, 'the worker accepts only two jobs')
  t.strictSame(rank(snapshot, request, { nowMs, reserved: book.totals() }).refusedByReason(), { saturated: 1 })

  book.settle('w', 'job-1')
  book.settle('w', 'job-1')
  t.equal(book.size, 1)
  t.equal(counters.get('reservations.settled'), 1)

  const other = new ReservationBook({ scheduler: 'b' })
  const theirs = [reserve('job-4', other), reserve('job-5', other)]
  for (const reservation of theirs) if (reservation !== undefined) book.observe(reservation, nowMs)
  const { granted, refused } = book.resolve()
  t.strictSame(
    granted.map(({ jobId }) => jobId),
    ['job-4', 'job-2'],
  )
  t.match(refused, [{ reservation: { jobId: 'job-5' }, conflict: 'jobs' }])
  t.equal(counters.get('reservations.refused'), 0, 'only their own scheduler ends what is refused')
  t.equal(book.size, 3)
  t.equal(book.release(theirs[1]?.reservationId ?? ''), true)

  book.expire(snapshot, nowMs + 4_999)
  t.equal(book.size, 2)
  const before = reserve('job-6', new ReservationBook({ scheduler: 'c' }))
  builder.apply({ kind: 'worker-load', workerId: 'w', load: { ...idle, incarnation: 2 } })
  book.expire(builder.snapshot(), nowMs + 4_999)
  t.equal(book.size, 0, 'reservations of an earlier incarnation are gone')
  if (before !== undefined) book.observe(before, nowMs)
  book.expire(snapshot, nowMs + 5_000)
  t.equal(book.size, 0, 'expired reservations are gone')
  t.equal(counters.get('reservations.expired'), 3)

  for (const jobId of ['a', 'b', 'c']) book.observe({ ...theirs[0], reservationId: jobId, jobId } as Reservation, nowMs)
  t.throws(() => book.observe({ ...theirs[0], reservationId: 'd' } as Reservation, nowMs), { code: 'NUMACAST_LIMIT' })
  t.equal(book.size, 3)
  t.end()
})

t.test('reservations for a later incarnation do not hide those for the incarnation that the view shows', (t) => {
  const { snapshot, book, reserve } = oneWorker()
  t.ok(reserve('job-1'))
  const mine = reserve('job-2')
  t.equal(reserve('job-3'), undefined, 'both places are taken')
  // Two processes claim the name, and another scheduler sees the other one.
  book.observe({ ...mine, reservationId: 'x.9', jobId: 'job-9', incarnation: 7 } as Reservation, nowMs)
  t.equal(reserve('job-3'), undefined, 'both places are still taken')
  t.strictSame(
    book
      .totals()
      .workers.get('w')
      ?.map(({ incarnation, jobs }) => [incarnation, jobs]),
    [
      [1, 2],
      [7, 1],
    ],
  )
  t.equal(snapshot.worker('w')?.load.incarnation, 1)
  t.end()
})
