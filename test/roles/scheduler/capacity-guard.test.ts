import t from 'tap'
import type { Decision, Policy, WantedIntent } from '../../../src/placement/policies/policy.js'
import { nodeTarget } from '../../../src/plane/vocabulary/targets.js'
import { type ViewFacts, withholding } from '../../../src/roles/scheduler/capacity-guard.js'
import { MemoryFleet, memoryHost } from '../../../src/testing/memory-fleet.js'
import { PolicyFleet } from '../../placement/support/policy-fleet.js'

t.setTimeout(300_000)

const options = { minViewAgeMs: 3_000, maxAgeMs: 5_000 }
const healthy = { degraded: false, reason: null } as const

/** A policy that wants the same intents forever. */
function always(...wanted: readonly WantedIntent[]): Policy<null> {
  return { name: 'always', initial: null, decide: (): Decision<null> => ({ wanted, undecided: [], state: null }) }
}

function facts(
  over: Partial<ViewFacts> = {},
  zones: readonly ('alive' | 'unreachable' | 'old')[] = ['alive'],
): ViewFacts {
  const fleet = new PolicyFleet(always())
  fleet.nowMs = 60_000
  for (const [node, kind] of zones.entries()) {
    const collectorLiveliness = kind === 'old' ? 'alive' : kind
    fleet.zone(node, { collectorLiveliness, observedMs: kind === 'old' ? 54_999 : 55_000 })
  }
  return {
    isSynced: true,
    listeningForMs: 3_000,
    health: healthy,
    snapshot: fleet.builder.snapshot(),
    nowMs: 60_000,
    ...over,
  }
}

t.test('capacity may be removed unless the view is young, not synced, or the scheduler isolated', (t) => {
  const cases: [string, ViewFacts, ReturnType<typeof withholding>][] = [
    ['healthy', facts(), null],
    ['no zone', facts({}, []), null],
    [
      'not synced',
      facts({ isSynced: false }),
      { reason: 'too-young', detail: 'the state of the plane has not arrived yet' },
    ],
    [
      'young',
      facts({ listeningForMs: 2_999 }),
      { reason: 'too-young', detail: 'the view has listened for 2999 ms, less than 3000 ms' },
    ],
    ['its own loop is late', facts({ health: { degraded: true, reason: 'loop-late' } }), null],
    [
      'most peers are late',
      facts({ health: { degraded: true, reason: 'most-peers-late' } }),
      { reason: 'isolated', detail: 'most of its peers fell silent at once' },
    ],
    ['two zones are silent', facts({}, ['unreachable', 'old']), null],
    ['half is silent', facts({}, ['unreachable', 'old', 'old', 'alive', 'alive', 'alive']), null],
    [
      'more than 55 % are silent',
      facts({}, ['unreachable', 'old', 'old', 'alive', 'alive']),
      { reason: 'isolated', detail: '3 of 5 zones are silent' },
    ],
  ]
  for (const [name, given, expected] of cases) t.strictSame(withholding(given, options), expected, name)
  t.end()
})

t.test('a young scheduler withholds a pause with the reason, but not advice', async (t) => {
  const fleet = new MemoryFleet()
  await fleet.collector()
  const worker = await fleet.worker('a')
  await fleet.clock.advance(2_000)
  const common = { reason: 'r', ttlMs: 60_000 }
  const pause: WantedIntent = {
    kind: 'pause-node',
    target: nodeTarget({ bootId: 'boot', numaNode: 0 }),
    terms: {},
    ...common,
  }
  const prefer: WantedIntent = { kind: 'prefer-shard', target: 'a', terms: { shards: ['s'] }, ...common }
  const logged: string[] = []
  const log = (_: object, message: string): void => void logged.push(message)
  const logger = { debug: log, info: log, warn: log, error: log }
  const scheduler = await fleet.scheduler({ policies: [always(pause, prefer)], minViewAgeMs: 10_000, logger })
  await fleet.clock.advance(8_000)
  t.equal(worker.admission.open, true)
  t.strictSame(worker.directives.preferredShards, ['s'])
  t.match(scheduler.withheld, { reason: 'too-young', intents: 1 })
  const { pid, host } = scheduler.participant.identity
  const [shown] = await fleet.lateView((view) => view.status().schedulers)
  t.match(shown, { name: 'scheduler', host, pid, policies: ['always'], intentsInForce: 1 })
  t.match(shown?.withheld, { reason: 'too-young', intents: 1, detail: /^the view has listened for/ })
  t.equal(scheduler.intentsInForce, 1)
  const counted = scheduler.participant.counters.get('scheduler.withheld.too-young')
  t.ok(counted >= 5, `it was withheld in ${counted} decisions`)
  t.ok(logged.some((line) => line.includes('scheduler.withheld.too-young')))
  await fleet.clock.advance(4_000)
  t.equal(worker.admission.open, false)
  t.equal(scheduler.withheld, null)
  t.equal(scheduler.intentsInForce, 2)
  t.match(await fleet.lateView((view) => view.status().schedulers), [{ intentsInForce: 2, withheld: null }])
  await fleet.plane.settle(scheduler.close())
  await fleet.clock.advance(1_000)
  t.strictSame(await fleet.lateView((view) => view.status().schedulers), [], 'one that has left is not listed')
  await fleet.close()
})

t.test('a scheduler pauses nothing while most of the fleet is silent, and does afterwards', async (t) => {
  const fleet = new MemoryFleet()
  const hosts = ['h0', 'h1', 'h2', 'h3', 'h4'].map((name) => memoryHost(name))
  for (const [index, host] of hosts.entries()) {
    await fleet.collector({}, undefined, host)
    await fleet.worker(`w-${index}`, {}, host)
  }
  const scheduler = await fleet.scheduler({ adopts: false }, undefined, hosts[0])
  await fleet.clock.advance(10_000)
  const [own = '', ...others] = hosts.flatMap(({ bootId }) => bootId ?? [])
  fleet.cutHosts([own], others)
  await fleet.clock.advance(60_000)
  const paused = (): number =>
    scheduler.view.status().intents.filter(({ kind, holds }) => kind === 'pause-node' && holds).length
  t.equal(paused(), 0, 'it is isolated, and does not pause four hosts of five')
  t.match(scheduler.withheld, { reason: 'isolated', intents: 4 })
  fleet.cutHosts()
  await fleet.clock.advance(20_000)
  t.equal(paused(), 0)
  t.equal(scheduler.withheld, null)
  await fleet.close()
})
