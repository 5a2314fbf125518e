import fc from 'fast-check'
import t from 'tap'
import type { ReservedTotals } from '../../src/placement/fit/reserved-totals.js'
import { rank } from '../../src/placement/rank/rank.js'
import { SnapshotBuilder } from '../../src/views/snapshot/snapshot-builder.js'
import type { SnapshotChange } from '../../src/views/snapshot/snapshot-change.js'
import { ObviousFleet } from './support/obvious-fleet.js'
import { obviousRank } from './support/obvious-rank.js'
import { FleetSource } from './support/random-fleet.js'
import { randomRequest } from './support/random-request.js'

const nowMs = 100_000

/** Draws intents and configuration of every kind and target, in force or just expired. */
function* standing(source: FleetSource): IterableIterator<SnapshotChange> {
  const intent = { reason: '', maxInFlight: null, shards: [] as string[] }
  const expiresMs = (): number => nowMs + source.pick([0, 1, 5_000, 60_000])
  for (const target of ['boot-0/0', 'boot-1/1', 'all']) {
    const share = target === 'all' ? 0.05 : 0.5
    if (source.chance(share))
      yield { kind: 'intent', intent: { ...intent, kind: 'pause-node', target, expiresMs: expiresMs() } }
    if (source.chance(share)) {
      yield { kind: 'intent', intent: { ...intent, kind: 'rebalance', target, maxInFlight: 2, expiresMs: expiresMs() } }
    }
    if (source.chance(share))
      yield { kind: 'config', config: { kind: 'concurrency-limit', scope: target, maxInFlight: 3 } }
    if (source.chance(share / 3)) {
      yield {
        kind: 'config',
        config: { kind: 'maintenance-mode', scope: target, enabled: source.chance(0.5), reason: '' },
      }
    }
  }
  for (const target of ['worker-1', 'worker-7', 'worker-11']) {
    if (source.chance(0.5))
      yield { kind: 'intent', intent: { ...intent, kind: 'drain', target, expiresMs: expiresMs() } }
    if (source.chance(0.5)) {
      yield {
        kind: 'intent',
        intent: { ...intent, kind: 'prefer-shard', target, shards: ['shard-1'], expiresMs: expiresMs() },
      }
    }
    if (source.chance(0.3))
      yield { kind: 'config', config: { kind: 'concurrency-limit', scope: target, maxInFlight: 1 } }
  }
  const queue = source.pick(['media', 'mail'])
  if (source.chance(0.5)) {
    const maxInFlight = source.integer(4)
    yield {
      kind: 'intent',
      intent: { ...intent, kind: 'throttle-queue', target: queue, maxInFlight, expiresMs: expiresMs() },
    }
  }
}

function reservations(source: FleetSource): ReservedTotals | undefined {
  if (source.chance(0.4)) return undefined
  const workers = source.some(['worker-0', 'worker-2', 'worker-3', 'worker-200', 'gone'], 0.7).map((workerId) => {
    const incarnations = source.pick([[1], [1], [2], [1, 2], [2, 1]])
    const sums = { jobs: 1, cpus: 1, memoryBytes: 2 ** 30, vramBytes: 2 ** 30 }
    return [workerId, incarnations.map((incarnation) => ({ incarnation, ...sums }))] as const
  })
  const zones = source
    .some(['boot-0/0', 'boot-1/0'], 0.7)
    .map((zone) => [zone, { cpus: 2, memoryBytes: 2 ** 31 }] as const)
  return { workers: new Map(workers), zones: new Map(zones) }
}

t.test('a ranking equals that of the reference implementation', (t) => {
  let candidates = 0
  const reasons = new Set<string>()
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 300 }), fc.nat(20), fc.boolean(), (seed, workers, turn, refuse) => {
      const source = new FleetSource(seed, 4, 3)
      const fleet = new ObviousFleet()
      const builder = new SnapshotBuilder()
      const changes = [...source.fleet(workers, nowMs), ...standing(source)]
      // Missing parts, unknown zones, and departed workers.
      for (const change of changes.filter(() => source.chance(0.97))) {
        fleet.apply(change)
        builder.apply(change)
        if (source.chance(0.01)) {
          const gone = { kind: 'worker-removed', workerId: `worker-${source.integer(workers + 1)}` } as const
          fleet.apply(gone)
          builder.apply(gone)
        }
      }
      const snapshot = builder.snapshot()
      const request = randomRequest(source)
      const reserved = reservations(source)
      const rows = [...snapshot.workers()].flatMap(({ workerId }) => fleet.row(workerId) ?? [])
      const expected = obviousRank(fleet, rows, request, {
        nowMs,
        turn,
        refuseProbation: refuse,
        ...(reserved !== undefined && { reserved }),
      })
      const options = {
        nowMs,
        ties: { kind: 'round-robin', turn },
        probation: refuse ? 'refuse' : 'score',
        ...(reserved !== undefined && { reserved }),
      } as const
      const ranking = rank(snapshot, request, options)
      const found = [...ranking.candidates()].map(({ workerId, score, scores }) => {
        const used = Object.fromEntries(Object.entries(scores).filter(([, value]) => value !== null))
        return { workerId, score, scores: used }
      })
      t.strictSame(found, expected.candidates)
      const refused = [...ranking.refused()].map(({ workerId, reasons }) => ({ workerId, reasons }))
      t.strictSame(refused, expected.refused)
      t.strictSame(
        [...rank(snapshot, request, { ...options, explain: false }).workerIds()],
        expected.candidates.map(({ workerId }) => workerId),
      )
      candidates += found.length
      for (const { reasons: all } of refused) for (const reason of all) reasons.add(reason)
    }),
    { numRuns: 100 },
  )
  t.ok(candidates > 200, `${candidates} candidates were compared`)
  t.equal(reasons.size, 19, `every reason occurred: ${[...reasons].join(', ')}`)
  t.end()
})
