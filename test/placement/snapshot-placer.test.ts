import t from 'tap'
import { defaultPolicies } from '../../src/placement/policies/default-policies.js'
import { RequestQueue } from '../../src/placement/queue/request-queue.js'
import type { ReservedPlacement } from '../../src/placement/queue/snapshot-placer.js'
import { SnapshotPlacer } from '../../src/placement/queue/snapshot-placer.js'
import { resolveRequest } from '../../src/placement/request/placement-request.js'
import { ReservationBook } from '../../src/placement/reservations/reservation-book.js'
import { PolicyFleet } from './support/policy-fleet.js'

t.test('a burst of requests fills each worker to its limit, and continues when a worker is free', (t) => {
  const [policy] = defaultPolicies()
  if (policy === undefined) throw new Error('no policy was created')
  const fleet = new PolicyFleet(policy)
  fleet.zone(0)
  for (const workerId of ['a', 'b', 'c']) fleet.worker(workerId, { load: { inFlight: 0, concurrency: 2 } })
  const reservations = new ReservationBook({ scheduler: 's' })
  const placer = new SnapshotPlacer({ fleet: fleet.builder, reservations })
  const queue = new RequestQueue<ReservedPlacement>()
  for (let index = 0; index < 8; index++) queue.submit({ request: resolveRequest({}), requestId: `r-${index}` }, 0)
  const placed: string[] = []
  const takeAll = (nowMs: number): void => {
    for (let report = queue.take(placer, nowMs); report !== undefined; report = queue.take(placer, nowMs)) {
      const { placement } = report
      placed.push(placement?.kind === 'worker' ? placement.candidate.workerId : 'self')
    }
  }
  takeAll(0)
  t.strictSame(placed.slice().sort(), ['a', 'a', 'b', 'b', 'c', 'c'])
  t.strictSame(new Set(placed.slice(0, 3)).size, 3, 'each worker gets one job before a second')
  t.match(queue.describe('r-6'), { state: 'waiting', refusals: { saturated: 3 } })

  // One worker reports its two jobs as done.
  const [first] = [...reservations.list()]
  for (const { workerId, jobId } of [...reservations.list()])
    if (workerId === first?.workerId) reservations.settle(workerId, jobId)
  queue.wake()
  takeAll(1)
  t.strictSame(placed.slice(6), [first?.workerId, first?.workerId])
  t.equal(queue.size, 0)
  t.end()
})

t.test('with fallback self a request that fits no worker goes to the caller, without a reservation', (t) => {
  const [policy] = defaultPolicies()
  if (policy === undefined) throw new Error('no policy was created')
  const fleet = new PolicyFleet(policy)
  const reservations = new ReservationBook({ scheduler: 's' })
  const queue = new RequestQueue<ReservedPlacement>()
  queue.submit({ request: resolveRequest({}) }, 0)
  const placer = new SnapshotPlacer({ fleet: fleet.builder, reservations }, { fallback: 'self' })
  t.match(queue.take(placer, 0), { state: 'placed', placement: { kind: 'self' } })
  t.equal(reservations.size, 0)
  t.end()
})
