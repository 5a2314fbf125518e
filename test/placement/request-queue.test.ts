import fc from 'fast-check'
import t from 'tap'
import { Counters } from '../../src/core/reporting/counters.js'
import type { PlacementOutcome, RequestReport } from '../../src/placement/queue/queued-request.js'
import { RequestQueue } from '../../src/placement/queue/request-queue.js'
import { resolveRequest } from '../../src/placement/request/placement-request.js'

const request = resolveRequest({})
const full: PlacementOutcome<string> = { placed: false, retryAfterMs: 100, refusals: { saturated: 1 } }

/** Places the requests that fit, and records the order of the attempts. */
function placer(fits: (report: RequestReport<string>) => boolean = () => true) {
  const asked: string[] = []
  return {
    asked,
    place(report: RequestReport<string>): PlacementOutcome<string> {
      asked.push(report.requestId)
      return fits(report) ? { placed: true, placement: `on ${report.requestId}` } : full
    },
  }
}

/** Takes requests until no more can be placed. */
function drain(queue: RequestQueue<string>, worker: ReturnType<typeof placer>, nowMs: number): string[] {
  const taken: string[] = []
  for (let report = queue.take(worker, nowMs); report !== undefined; report = queue.take(worker, nowMs)) {
    taken.push(report.requestId)
  }
  return taken
}

t.test('within a band requests keep their order, and the bands get their shares', (t) => {
  const queue = new RequestQueue<string>()
  for (let index = 0; index < 40; index++) {
    queue.submit({ request: resolveRequest({ priority: 255 }), requestId: `low-${index}` }, 0)
    queue.submit({ request: resolveRequest({ priority: 0 }), requestId: `high-${index}` }, 0)
  }
  const taken = drain(queue, placer(), 1)
  t.strictSame(
    taken.slice(0, 18).map((id) => id.split('-')[0]),
    [...new Array(8).fill('high'), 'low', ...new Array(8).fill('high'), 'low'],
  )
  for (const band of ['low', 'high']) {
    t.strictSame(
      taken.filter((id) => id.startsWith(band)),
      Array.from({ length: 40 }, (_, index) => `${band}-${index}`),
    )
  }
  t.equal(queue.size, 0)
  t.end()
})

t.test('a request that fits no worker lets others pass, and equal requests are not tried', (t) => {
  const queue = new RequestQueue<string>()
  const large = resolveRequest({ cpus: 64 })
  for (const requestId of ['large-1', 'large-2', 'large-3']) queue.submit({ request: large, requestId }, 0)
  queue.submit({ request, requestId: 'small' }, 0)
  let hasRoom = false
  const worker = placer(({ request }) => request.cpus === 0 || hasRoom)
  t.strictSame(drain(queue, worker, 0), ['small'])
  t.strictSame(worker.asked, ['large-1', 'small'])
  t.match(queue.describe('large-3'), { state: 'waiting', attempts: 0, refusals: { saturated: 1 } })
  t.equal(queue.nextMs(), 100)

  t.strictSame(drain(queue, worker, 99), [], 'not before the retry time')
  t.equal(worker.asked.length, 2)
  hasRoom = true
  t.strictSame(drain(queue, worker, 100), ['large-1', 'large-2', 'large-3'], 'then in their old order')
  t.equal(queue.nextMs(), undefined)
  t.end()
})

t.test('a fleet change wakes waiting requests', (t) => {
  const queue = new RequestQueue<string>()
  let hasRoom = false
  const worker = placer(() => hasRoom)
  queue.submit({ request, requestId: 'a' }, 0)
  queue.submit({ request: resolveRequest({ priority: 0 }), requestId: 'b' }, 0)
  t.strictSame(drain(queue, worker, 0), [])
  hasRoom = true
  t.strictSame(drain(queue, worker, 1), [])
  queue.wake()
  t.strictSame(drain(queue, worker, 1), ['b', 'a'])
  t.end()
})

t.test('a request that may not wait is refused, an overdue one expires, a cancelled one is removed', (t) => {
  const counters = new Counters()
  const queue = new RequestQueue<string>({}, counters)
  const events: string[] = []
  queue.subscribe(({ requestId, state }) => events.push(`${requestId} ${state}`))
  queue.submit({ request, requestId: 'impatient', waitForWorker: false }, 0)
  queue.submit({ request, requestId: 'late', deadlineMs: 50 }, 0)
  queue.submit({ request, requestId: 'unwanted' }, 0)
  queue.submit({ request, requestId: 'patient' }, 0)
  const never = placer(() => false)
  t.equal(queue.take(never, 0), undefined)
  t.match(queue.describe('impatient'), { state: 'refused', refusals: { saturated: 1 }, attempts: 1 })
  t.equal(queue.cancel('unwanted', 'not needed'), true)
  t.equal(queue.cancel('unwanted'), false)
  t.match(queue.describe('unwanted'), { state: 'cancelled', reason: 'not needed' })
  t.equal(queue.nextMs(), 50)
  queue.expire(50)
  t.match(queue.describe('late'), { state: 'expired', deadlineMs: 50 })
  t.strictSame(
    [...queue.list()].map(({ requestId }) => requestId),
    ['patient'],
  )
  t.strictSame(drain(queue, placer(), 200), ['patient'])
  t.match(queue.describe('patient'), { state: 'placed', placement: 'on patient' })
  t.strictSame(events, [
    ...['impatient queued', 'late queued', 'unwanted queued', 'patient queued'],
    ...['impatient refused', 'late waiting', 'unwanted waiting', 'patient waiting'],
    ...['unwanted cancelled', 'late expired', 'patient placed'],
  ])
  t.strictSame(counters.snapshot(), { 'requests.cancelled': 1, 'requests.expired': 1, 'requests.refused': 1 })
  t.end()
})

t.test('an idempotency key names one request while the request is known', (t) => {
  const queue = new RequestQueue<string>({ maxEnded: 1 })
  const first = queue.submit({ request, idempotencyKey: 'k' }, 0)
  t.equal(queue.submit({ request, idempotencyKey: 'k' }, 5).requestId, first.requestId)
  t.equal(queue.size, 1)
  const other = resolveRequest({ cpus: 1 })
  t.throws(() => queue.submit({ request: other, idempotencyKey: 'k' }, 5), { code: 'NUMACAST_CONFLICT' })
  t.throws(() => queue.submit({ request, requestId: first.requestId }, 5), { code: 'NUMACAST_CONFLICT' })
  drain(queue, placer(), 6)
  t.match(queue.submit({ request, idempotencyKey: 'k' }, 7), { requestId: first.requestId, state: 'placed' })
  queue.submit({ request }, 8)
  drain(queue, placer(), 9)
  t.equal(queue.describe(first.requestId), undefined, 'only the last ended request is known')
  t.not(queue.submit({ request, idempotencyKey: 'k' }, 10).requestId, first.requestId)
  t.end()
})

t.test('a full queue refuses requests, and a declined request returns to its place', (t) => {
  const counters = new Counters()
  const queue = new RequestQueue<string>({ maxRequests: 2 }, counters)
  queue.submit({ request, requestId: 'a' }, 0)
  queue.submit({ request, requestId: 'b' }, 0)
  t.throws(() => queue.submit({ request }, 0), { code: 'NUMACAST_LIMIT' })
  t.equal(counters.get('requests.rejected'), 1)
  t.equal(queue.take(placer(), 0)?.requestId, 'a')
  t.equal(queue.putBack('a'), true)
  t.equal(queue.putBack('a'), false)
  t.match(queue.describe('a'), { state: 'queued', placement: null })
  t.strictSame(drain(queue, placer(), 1), ['a', 'b'])
  t.end()
})

t.test('one call makes a limited number of attempts, and a placer that throws loses no request', (t) => {
  const queue = new RequestQueue<string>({ maxAttempts: 3 })
  for (let cpus = 0; cpus < 10; cpus++) queue.submit({ request: resolveRequest({ cpus }), requestId: `r-${cpus}` }, 0)
  const never = placer(() => false)
  queue.take(never, 0)
  t.equal(never.asked.length, 3)
  t.equal(queue.nextMs(), Number.NEGATIVE_INFINITY, 'more requests can be tried at once')
  const broken = {
    place(): PlacementOutcome<string> {
      throw new Error('broken')
    },
  }
  t.throws(() => queue.take(broken, 0), { message: 'broken' })
  t.equal(queue.size, 10)
  t.equal(drain(queue, placer(), 1_000).length, 10)
  t.end()
})

t.test('events reach an iterator, which drops and counts the oldest if it is slow', async (t) => {
  const counters = new Counters()
  const queue = new RequestQueue<string>({ maxEvents: 2 }, counters)
  const abort = new AbortController()
  const events = queue.events({ signal: abort.signal })
  const first = events.next()
  for (const requestId of ['a', 'b', 'c', 'd']) queue.submit({ request, requestId }, 0)
  t.match(await first, { value: { requestId: 'a', state: 'queued' } })
  t.match(await events.next(), { value: { requestId: 'c' } })
  abort.abort()
  t.match(await events.next(), { value: { requestId: 'd' } })
  t.match(await events.next(), { done: true })
  t.equal(counters.get('requests.events-dropped'), 1)
})

t.test('invalid options are refused, and the weights may change', (t) => {
  for (const options of [{ maxRequests: 0 }, { weights: [1] }, { maxAttempts: 0.5 }, { maxWaitMs: 0 }]) {
    t.throws(() => new RequestQueue(options), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
  const queue = new RequestQueue<string>()
  for (const bad of [{ cost: 0 }, { cost: 33 }, { deadlineMs: 0 }, { requestId: '' }, { idempotencyKey: '' }]) {
    t.throws(() => queue.submit({ request, ...bad }, 0), { code: 'NUMACAST_INVALID_ARGUMENT' })
  }
  queue.setWeights([32, 32, 32, 32, 32, 32, 32, 64])
  for (let index = 0; index < 6; index++) {
    for (const priority of [0, 255])
      queue.submit({ request: resolveRequest({ priority }), requestId: `${priority}-${index}` }, 0)
  }
  t.strictSame(drain(queue, placer(), 0).slice(0, 6), ['0-0', '255-0', '255-1', '0-1', '255-2', '255-3'])
  t.end()
})

type Step =
  | { do: 'submit'; priority: number; shape: number; waits: boolean; deadlineMs: number | null; cost: number }
  | { do: 'take'; room: readonly boolean[] }
  | { do: 'cancel' | 'putBack'; pick: number }
  | { do: 'wake' }
  | { do: 'wait'; forMs: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      priority: fc.nat(255),
      shape: fc.nat(2),
      waits: fc.boolean(),
      deadlineMs: fc.option(fc.integer({ min: 1, max: 300 })),
      cost: fc.integer({ min: 1, max: 32 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      room: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'putBack' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), forMs: fc.nat(120) }) },
)

t.test('no request is lost or ends twice, and none is placed before an older equal request', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      const queue = new RequestQueue<string>({ maxRequests: 20, maxAttempts: 4 })
      const states = new Map<string, string>()
      const final = new Set(['placed', 'refused', 'cancelled', 'expired'])
      let putBack = ''
      queue.subscribe(({ requestId, state }) => {
        const before = states.get(requestId)
        const mayChange = before === undefined || !final.has(before) || requestId === putBack
        if (!mayChange) throw new Error(`${requestId} was ${before} and became ${state}`)
        states.set(requestId, state)
      })
      let nowMs = 0
      let submitted = 0
      const open = () => [...states].filter(([, state]) => !final.has(state)).map(([id]) => id)
      for (const one of steps) {
        if (one.do === 'submit') {
          const request = resolveRequest({ priority: one.priority, cpus: one.shape })
          const options = { request, requestId: String(submitted), waitForWorker: one.waits, cost: one.cost }
          if (queue.size < 20) {
            queue.submit({ ...options, deadlineMs: one.deadlineMs }, nowMs)
            submitted++
          } else t.throws(() => queue.submit(options, nowMs), { code: 'NUMACAST_LIMIT' })
        } else if (one.do === 'take') {
          const older = open().map(Number)
          const taken = queue.take(
            placer(({ request }) => one.room[request.cpus] === true),
            nowMs,
          )
          if (taken === undefined) continue
          for (const id of older) {
            const other = queue.describe(String(id))
            const isAlike = other?.band === taken.band && other.request.cpus === taken.request.cpus
            if (id < Number(taken.requestId) && isAlike && other?.state === 'queued')
              throw new Error(`${id} was passed`)
          }
        } else if (one.do === 'wait') nowMs += one.forMs
        else if (one.do === 'wake') queue.wake()
        else if (one.do === 'cancel') queue.cancel(open()[one.pick % (open().length || 1)] ?? '')
        else {
          putBack = [...states.keys()][one.pick % (states.size || 1)] ?? ''
          queue.putBack(putBack)
          putBack = ''
        }
        if (queue.size !== open().length) throw new Error(`${queue.size} are open, and ${open().length} should be`)
        if (states.size !== submitted) throw new Error('a request has no state')
      }
      // With room for all, every open request is placed unless its deadline has passed.
      nowMs += 30_000
      while (queue.take(placer(), nowMs) !== undefined);
      t.equal(queue.size, 0)
    }),
    { numRuns: 200 },
  )
  t.end()
})
