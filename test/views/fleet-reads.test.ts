import t, { type Test } from 'tap'
import { seededRandom } from '../../src/core/random.js'
import { BlockableLoop } from '../../src/testing/blockable-loop.js'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'
import type { FleetRead } from '../../src/views/fleet-reads.js'
import { FleetView } from '../../src/views/fleet-view.js'
import { FreshnessError } from '../../src/views/freshness/freshness-error.js'
import type { FleetReadOptions } from '../../src/views/freshness/read-options.js'
import { compareTokens, tokenOf } from '../../src/views/token/view-token.js'

async function openFleet(t: Test, seed = 1): Promise<MemoryFleet> {
  const fleet = new MemoryFleet(seed)
  t.teardown(() => fleet.close())
  return fleet
}

/** Resolves with the refusal of a read. */
async function refusal(fleet: MemoryFleet, view: FleetView, options: FleetReadOptions): Promise<FreshnessError> {
  const settled = await fleet.plane.settle(
    view.read(options).then(
      ({ witness }) => witness,
      (error: unknown) => error,
    ),
  )
  if (settled instanceof FreshnessError) return settled
  throw new Error(`served, or failed otherwise: ${JSON.stringify(settled)} ${settled}`)
}

const read = (fleet: MemoryFleet, view: FleetView, options: FleetReadOptions): Promise<FleetRead> =>
  fleet.plane.settle(view.read(options))

t.test('a read without a plane: best-effort is served and labelled, bounded and strong are refused', async (t) => {
  const fleet = await openFleet(t)
  const { view } = await fleet.operator()
  const { data, witness } = await view.read({ freshness: 'best-effort' })
  t.same(data.workers, [])
  t.match(witness, {
    servedFreshness: 'best-effort',
    degradedMode: 'unavailable',
    ageMs: null,
    catchUpState: 'unavailable',
  })
  for (const freshness of ['bounded', 'strong'] as const) {
    const error = await refusal(fleet, view, { freshness, timeoutMs: 100 })
    t.match(error, {
      code: 'NUMACAST_FRESHNESS',
      asked: { freshness, timeoutMs: 100 },
      servable: 'best-effort',
      refusals: [{ reason: 'no-owner' }],
      witness: { degradedMode: 'unavailable' },
    })
    t.match(
      error.message,
      new RegExp(`a ${freshness} read .* was refused: no node is known. best-effort could be served`),
    )
  }
})

t.test('on a healthy plane every freshness is served, with a witness that states it', async (t) => {
  const fleet = await openFleet(t)
  await fleet.collector()
  await fleet.worker('w1')
  const { view } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(1_000)
  for (const freshness of ['best-effort', 'bounded', 'strong'] as const) {
    const { data, witness } = await read(fleet, view, { freshness })
    t.match(data.workers, [{ workerId: 'w1', liveliness: 'alive' }], freshness)
    t.match(witness, {
      servedFreshness: freshness === 'best-effort' ? 'bounded' : freshness,
      lagSamples: 0,
      catchUpState: 'fresh',
      degradedMode: 'healthy',
      missing: [],
    })
    t.equal(witness.servedToken, witness.currentToken)
    t.ok(witness.ageMs !== null && witness.ageMs <= 4_000, `${witness.ageMs} ms`)
  }
  t.match(view.status(), { serving: { servedFreshness: 'bounded', degradedMode: 'healthy' } })
})

t.test('the age is that of the worker’s own report, not of its row', async (t) => {
  const fleet = await openFleet(t)
  await fleet.collector()
  await fleet.worker('w1', { stateRefreshMs: 60_000 })
  const { view } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(12_000)
  const { witness } = await read(fleet, view, { freshness: 'best-effort' })
  t.ok((witness.ageMs ?? 0) >= 10_000, `the collector wrote the row again meanwhile: ${witness.ageMs}`)
  t.match(await refusal(fleet, view, { freshness: 'bounded', timeoutMs: 0 }), { refusals: [{ reason: 'age' }] })
  t.match(await read(fleet, view, { freshness: 'bounded', maxAgeMs: 60_000 }), { data: {} })
  t.match(await refusal(fleet, view, { freshness: 'strong', maxAgeMs: 5_000 }), {
    refusals: [{ reason: 'age' }],
    servable: 'best-effort',
  })
  t.match(await read(fleet, view, { freshness: 'strong' }), { witness: { servedFreshness: 'strong' } })
})

t.test('a strong read includes what no datagram brought', async (t) => {
  const fleet = await openFleet(t)
  await fleet.collector()
  const worker = await fleet.worker('w1', { concurrency: 2 })
  const { view } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(1_000)
  fleet.plane.network.setLinkFaults('collector 0 #1', 'operator #3', { lossRatio: 1 })
  const slot = worker.trySlot()
  const running = slot?.run('j1', () => new Promise(() => {}))
  void running?.catch(() => undefined)
  await fleet.clock.advance(300)
  const before = await read(fleet, view, { freshness: 'best-effort' })
  t.match(before.data.workers, [{ inFlight: 0 }], 'the view does not know')
  t.equal(before.witness.lagSamples, 0, 'nor that it lacks anything')
  const { data, witness } = await read(fleet, view, { freshness: 'strong' })
  t.match(data.workers, [{ inFlight: 1 }])
  t.match(witness, { servedFreshness: 'strong', catchUpAction: 'bootstrap' })
  t.equal(compareTokens(before.witness.servedToken, witness.servedToken), 'before')
})

t.test(
  'a bounded read is refused once beacons and samples of an owner are lost for longer than the bound',
  async (t) => {
    const fleet = await openFleet(t)
    const collector = await fleet.collector()
    await fleet.worker('w1')
    const { view } = await fleet.operator()
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(1_000)
    const bounded = { freshness: 'bounded', maxAgeMs: 2_000, timeoutMs: 0 } as const
    fleet.cutOff(collector)
    await fleet.clock.advance(1_000)
    t.match(await read(fleet, view, { ...bounded, maxAgeMs: 5_000 }), { data: { workers: [{ workerId: 'w1' }] } })
    await fleet.clock.advance(1_500)
    const error = await refusal(fleet, view, bounded)
    t.match(error.owners, [{ participant: collector.participant.guid, role: 'collector' }])
    t.match(error.refusals, [{ reason: 'age', owner: { role: 'collector' } }])
    fleet.reconnect(collector)
    t.match(await read(fleet, view, { ...bounded, timeoutMs: 10_000 }), { witness: { servedFreshness: 'bounded' } })
  },
)

t.test(
  'a silent owner refuses a strong read, which names it; the other owners are asked at the same time',
  async (t) => {
    const fleet = await openFleet(t)
    const near = memoryHost('near')
    const far = memoryHost('far')
    const collector = await fleet.collector({}, undefined, far)
    await fleet.collector({}, undefined, near)
    const { view } = await fleet.operator('ada', near)
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(1_000)
    fleet.cutOff(collector)
    const startedMs = fleet.clock.nowMs()
    const error = await refusal(fleet, view, { freshness: 'strong', timeoutMs: 700 })
    t.match(error.refusals, [{ reason: 'silent', owner: { participant: collector.participant.guid, host: 'far' } }])
    t.match(error.message, /collector 0.*did not answer/)
    t.ok(fleet.clock.nowMs() - startedMs < 1_000)

    await fleet.clock.advance(10_000)
    const later = await refusal(fleet, view, { freshness: 'bounded', timeoutMs: 0 })
    t.match(later.refusals, [{ reason: 'catch-up', owner: { host: 'far' }, detail: /unavailable/ }])
    t.match(later.witness, { degradedMode: 'view-only', missing: [{ reason: 'unavailable', owner: { host: 'far' } }] })
    t.match(await view.read({ freshness: 'best-effort' }), { witness: { servedFreshness: 'best-effort' } })
  },
)

t.test(
  'an owner that was given up for its silence refuses strong reads, although another serves its node',
  async (t) => {
    const fleet = await openFleet(t)
    const collector = await fleet.collector()
    await fleet.scheduler()
    await fleet.worker('w1')
    const { view } = await fleet.operator()
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(1_000)
    fleet.cutOff(collector)
    await fleet.clock.advance(10_000)
    t.match(view.status().nodes, [{ collector: { adopted: true, liveliness: 'alive' } }])
    t.match(await read(fleet, view, { freshness: 'bounded' }), { witness: { servedFreshness: 'bounded' } })
    const error = await refusal(fleet, view, { freshness: 'strong', timeoutMs: 100 })
    t.match(error.refusals, [
      { reason: 'missing', owner: { participant: collector.participant.guid }, detail: /may be running/ },
    ])
    fleet.reconnect(collector)
    await fleet.clock.advance(10_000)
    t.match(await read(fleet, view, { freshness: 'strong' }), { witness: { missing: [] } })
  },
)

t.test('an owner that is known to have ended is not missed once its node is served', async (t) => {
  const fleet = await openFleet(t)
  const collector = await fleet.collector()
  await fleet.scheduler()
  await fleet.worker('w1')
  const { view } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  await fleet.plane.settle(collector.close())
  const error = await refusal(fleet, view, { freshness: 'bounded', timeoutMs: 0 })
  t.match(error.refusals, [{ reason: 'missing', detail: /nothing serves memory\/0/ }])
  await fleet.clock.advance(5_000)
  t.match(await read(fleet, view, { freshness: 'strong' }), { data: { workers: [{ liveliness: 'alive' }] } })
})

t.test(
  'what one participant has just written, another can demand: served once it is there, refused before',
  async (t) => {
    const fleet = await openFleet(t)
    await fleet.collector()
    await fleet.worker('w1')
    const { issuer } = await fleet.operator('ada')
    const { view } = await fleet.operator('bob')
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(1_000)

    const requiredToken = tokenOf(issuer.apply('drain', 'w1', { deadlineMs: null }).token)
    const demanded = { freshness: 'best-effort', requiredToken } as const
    const early = await refusal(fleet, view, { ...demanded, timeoutMs: 0 })
    t.match(early.refusals, [
      {
        reason: 'token',
        owner: { participant: requiredToken.slice(3, 35) },
        detail: /change 1 is required, 0 have been applied/,
      },
    ])
    const { data, witness } = await read(fleet, view, demanded)
    t.match(data.intents, [{ kind: 'drain', target: 'w1', holds: true }])
    t.ok(['before', 'equal'].includes(compareTokens(requiredToken, witness.servedToken)))

    fleet.plane.network.partition(['ada #3'], ['bob #4'])
    const unseen = tokenOf(issuer.lift('drain', 'w1').token)
    const late = await refusal(fleet, view, { freshness: 'bounded', requiredToken: unseen, timeoutMs: 300 })
    t.match(late.refusals, [{ reason: 'token', owner: { name: /ada/ }, detail: /change 2 is required, 1 have/ }])
    fleet.plane.network.heal()
    await read(fleet, view, { freshness: 'best-effort', requiredToken: unseen, timeoutMs: 30_000 })
    t.match(view.currentIntent('drain', 'w1'), { intent: { action: 'lift' } })
  },
)

t.test('an intent whose issuer has left can be demanded of a view that never met the issuer', async (t) => {
  const fleet = await openFleet(t)
  await fleet.collector()
  await fleet.scheduler()
  await fleet.worker('w1')
  const ada = await fleet.operator('ada')
  await fleet.plane.settle(ada.view.synced())
  const requiredToken = tokenOf(ada.issuer.apply('drain', 'w1', { deadlineMs: null }).token)
  await fleet.clock.advance(1_000)
  await ada.leave()
  const { view } = await fleet.operator('bob')
  const { data } = await read(fleet, view, { freshness: 'best-effort', requiredToken })
  t.match(data.intents, [{ kind: 'drain', target: 'w1', holds: true }])
  const never = tokenOf({ writer: requiredWriter(requiredToken), seq: 2 })
  t.match(await refusal(fleet, view, { freshness: 'best-effort', requiredToken: never, timeoutMs: 100 }), {
    refusals: [
      { reason: 'token', detail: /change 2 is required, 1 have been applied, and the owner is not known here/ },
    ],
  })
})

function requiredWriter(token: string): never {
  const [, guid, entity] = /^v1;(\w{32}):(\w+)\./.exec(token) ?? []
  return `${guid}.${entity}` as never
}

t.test('the token of one view can be demanded of another, also after an owner has ended', async (t) => {
  const fleet = await openFleet(t)
  const collector = await fleet.collector()
  await fleet.scheduler()
  await fleet.worker('w1')
  const ada = await fleet.operator('ada')
  await fleet.plane.settle(ada.view.synced())
  const tokens = [ada.view.token()]
  await fleet.clock.advance(2_000)
  tokens.push(ada.view.token())
  await fleet.plane.settle(collector.close())
  await fleet.clock.advance(5_000)
  tokens.push(ada.view.token())
  t.same(
    tokens.slice(1).map((token, at) => compareTokens(tokens[at] ?? '', token)),
    ['before', 'before'],
    'it only rises',
  )
  const { view } = await fleet.operator('bob')
  await read(fleet, view, { freshness: 'best-effort', requiredToken: ada.view.token() })
  const stale = await refusal(fleet, view, { freshness: 'best-effort', requiredToken: tokens[1] ?? '', timeoutMs: 100 })
  t.match(stale.refusals, [{ reason: 'token', owner: { participant: collector.participant.guid } }])
})

t.test('a process that was blocked does not serve as fresh what waited in its sockets', async (t) => {
  const fleet = await openFleet(t)
  for (const host of ['a', 'b', 'c', 'd']) await fleet.collector({}, undefined, memoryHost(host))
  const worker = await fleet.worker('w1', { concurrency: 2 }, memoryHost('a'))
  const loop = new BlockableLoop(fleet.clock, seededRandom(1))
  const view = FleetView.open(await fleet.join({ name: 'blocked' }, loop))
  t.teardown(() => view.close())
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(1_000)
  // As a program does that is woken by its own timer: one turn of the loop has read the oldest of what waits.
  const reading = new Promise<FleetRead>((resolve, reject) => {
    const ask = (): void =>
      void view.read({ freshness: 'bounded', maxAgeMs: 1_500, timeoutMs: 5_000 }).then(resolve, reject)
    loop.after(7_000, () => loop.afterPoll(ask))
  })
  loop.block(8_000)
  const work = (id: string): void => void worker.trySlot()?.run(id, () => new Promise(() => {}))
  await fleet.clock.advance(200)
  work('j1')
  await fleet.clock.advance(5_800)
  work('j2')
  const { data, witness } = await fleet.plane.settle(reading)
  t.ok((witness.ageMs ?? Infinity) <= 1_500, `${witness.ageMs} ms`)
  t.match(data.workers, [{ inFlight: 2 }], 'a change of two seconds ago is included')
})

t.test('a read that waits ends with its signal and with the view; bad options are refused', async (t) => {
  const fleet = await openFleet(t)
  const { view } = await fleet.operator()
  const stop = new AbortController()
  const waiting = view.read({ freshness: 'bounded', timeoutMs: 60_000, signal: stop.signal })
  const aborted = t.rejects(waiting, { message: 'enough' })
  await fleet.clock.advance(500)
  stop.abort(new Error('enough'))
  await fleet.plane.settle(aborted)
  await t.rejects(view.read({ freshness: 'strong', signal: stop.signal }), { message: 'enough' })

  for (const [options, message] of [
    [{ freshness: 'eventual' }, /freshness must be one of strong, bounded, best-effort/],
    [{ freshness: 'best-effort', maxAgeMs: 1 }, /maxAgeMs has no meaning for a best-effort read/],
    [{ freshness: 'strong', maxLagSamples: 1 }, /maxLagSamples has no meaning for a strong read/],
    [{ freshness: 'bounded', maxLagSamples: -1 }, /maxLagSamples must be a whole number from 0, not -1/],
    [{ freshness: 'bounded', maxAgeMs: Number.NaN }, /maxAgeMs/],
    [{ freshness: 'strong', timeoutMs: 0 }, /timeoutMs/],
    [{ freshness: 'best-effort', requiredToken: 'x' }, /malformed view token/],
  ] as const) {
    await t.rejects(view.read(options as FleetReadOptions), { code: 'NUMACAST_INVALID_ARGUMENT', message })
  }

  const ending = t.rejects(view.read({ freshness: 'bounded', timeoutMs: 60_000 }), { code: 'NUMACAST_CLOSED' })
  await fleet.clock.advance(500)
  view.close()
  await fleet.plane.settle(ending)
  await t.rejects(view.read({ freshness: 'best-effort' }), { code: 'NUMACAST_CLOSED' })
})
