import t from 'tap'
import { MemoryFleet, memoryHost } from '../../src/testing/memory-fleet.js'
import { compareTokens } from '../../src/views/token/view-token.js'

const any = { freshness: 'best-effort' } as const

t.test(
  'a worker is answered with its row, the owner of that row and its token, as fresh as was asked for',
  async (t) => {
    const fleet = new MemoryFleet()
    t.teardown(() => fleet.close())
    const collector = await fleet.collector({}, undefined, memoryHost('a'))
    const other = await fleet.collector({}, undefined, memoryHost('b'))
    const worker = await fleet.worker('w1', {}, memoryHost('a'))
    const { view } = await fleet.operator('ada', memoryHost('a'))
    await fleet.plane.settle(view.synced())
    await fleet.clock.advance(1_000)
    const found = await fleet.plane.settle(view.fetchWorker('w1', { freshness: 'strong' }))
    t.match(found, {
      found: true,
      worker: { workerId: 'w1', incarnation: worker.participant.incarnation, host: 'a' },
      owner: { participant: collector.participant.guid, role: 'collector', host: 'a' },
      witness: { servedFreshness: 'strong', lagSamples: 0 },
    })
    if (found.found) t.ok(['before', 'equal'].includes(compareTokens(found.token, found.witness.servedToken)))
    t.match(await fleet.plane.settle(view.fetchWorker('w2', { freshness: 'strong' })), {
      found: false,
      reason: 'unknown',
    })

    fleet.cutOff(other)
    await fleet.clock.advance(15_000)
    const bounded = { freshness: 'bounded', timeoutMs: 0 } as const
    t.match(
      await fleet.plane.settle(view.fetchWorker('w1', bounded)),
      { found: true, witness: { servedFreshness: 'bounded', missing: [], degradedMode: 'view-only' } },
      'a row depends on its own owner',
    )
    await t.rejects(fleet.plane.settle(view.read(bounded)), { code: 'NUMACAST_FRESHNESS' })
    await t.rejects(
      fleet.plane.settle(view.fetchWorker('w2', bounded)),
      { code: 'NUMACAST_FRESHNESS', owners: [{ host: 'b' }] },
      'the missing owner might know the worker',
    )
  },
)

t.test('without a row the answer has a reason: dead with its cause, replaced by which process', async (t) => {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  await fleet.collector()
  const first = await fleet.worker('w1')
  const { view } = await fleet.operator()
  await fleet.plane.settle(view.synced())
  const firstOf = { ...any, incarnation: first.participant.incarnation }
  t.match(await view.fetchWorker('w1', firstOf), { found: true })

  await fleet.clock.advance(1_000)
  const second = await fleet.worker('w1')
  await fleet.clock.advance(1_000)
  const secondOf = { incarnation: second.participant.incarnation, pid: second.participant.identity.pid }
  t.match(await view.fetchWorker('w1', any), { found: true, worker: secondOf })
  t.match(await view.fetchWorker('w1', firstOf), { found: false, reason: 'replaced', by: secondOf })
  t.match(await view.fetchWorker('w1', { ...any, incarnation: secondOf.incarnation + 1 }), { reason: 'unknown' })

  fleet.kill(first)
  await fleet.clock.advance(1_000)
  t.match(await view.fetchWorker('w1', firstOf), {
    found: false,
    reason: 'dead',
    cause: 'killed',
    detail: 'SIGKILL',
    incarnation: first.participant.incarnation,
    by: secondOf,
  })
  fleet.kill(second)
  await fleet.clock.advance(1_000)
  t.match(await view.fetchWorker('w1', any), { found: false, reason: 'dead', cause: 'killed', by: null })
  t.match(await view.fetchWorker('w1', { ...any, incarnation: secondOf.incarnation }), { reason: 'dead', by: null })
})

t.test('a name is ambiguous while a stronger claimant may be alive on a host that is not received', async (t) => {
  const fleet = new MemoryFleet()
  t.teardown(() => fleet.close())
  const [a, b] = [memoryHost('a'), memoryHost('b')]
  await fleet.collector({}, undefined, a)
  await fleet.collector({}, undefined, b)
  const strong = await fleet.worker('w1', { ownershipStrength: 5 }, b)
  const { view } = await fleet.operator('ada', a)
  await fleet.plane.settle(view.synced())
  await fleet.clock.advance(1_000)
  fleet.cutHosts([a.bootId], [b.bootId])
  const weak = await fleet.worker('w1', {}, a)
  await fleet.clock.advance(10_000)
  const answer = await view.fetchWorker('w1', any)
  t.match(answer, {
    found: false,
    reason: 'ambiguous',
    candidates: [{ pid: weak.participant.identity.pid }, { pid: strong.participant.identity.pid }],
  })
  fleet.cutHosts()
  await fleet.clock.advance(10_000)
  t.match(await view.fetchWorker('w1', any), { found: true, worker: { pid: strong.participant.identity.pid } })
})
