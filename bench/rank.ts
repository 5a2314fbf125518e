// How long does it take to rank a fleet for one request and to tell why the others are refused, against a plain filter,
// score and sort over plain objects; and what does it cost to keep the snapshot that ranking reads?
import { defaultPolicies } from '../src/placement/policies/default-policies.js'
import { rank } from '../src/placement/rank/rank.js'
import { resolveRequest } from '../src/placement/request/placement-request.js'
import type { PlacementSnapshot } from '../src/views/snapshot/placement-snapshot.js'
import { SnapshotBuilder } from '../src/views/snapshot/snapshot-builder.js'
import {
  alternate,
  type BenchOptions,
  type BenchRatio,
  type BenchResult,
  type BenchRow,
  type Contender,
  ratio,
} from './harness.js'
import { type BenchFleet, changesOf, drawChanges, drawFleet } from './rank/fleet.js'
import { plainRank } from './rank/plain-rank.js'
import { StatusDecision } from './rank/status-decision.js'

const nowMs = 1_000_000
const changesPerSecond = 50_000
const snapshotsPerSecond = 50

const request = resolveRequest({
  capability: 'transcode@2',
  tags: ['region=*'],
  selector: {
    required: [{ key: 'rack' }],
    preferred: [{ key: 'numacast.io/cpu-model', values: ['model-0', 'model-1'], weight: 10 }],
  },
  residents: ['ffmpeg'],
  cpus: 2,
  memoryBytes: 4 * 2 ** 30,
  numa: 'single',
})

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const contenders: Contender[] = []
  for (const workers of quick ? [1_000, 10_000] : [1_000, 10_000, 100_000]) {
    const fleet = drawFleet(workers, nowMs)
    const builder = build(fleet)
    const snapshot = builder.snapshot()
    checkEqual(fleet, snapshot)
    // Rankings per run: enough for a median, and about as long for each size.
    const repeats = Math.max(3, Math.round((quick ? 50_000 : 500_000) / workers))
    const few = Math.max(3, Math.round(repeats / 10))
    contenders.push(
      ranking(`numacast ${workers}`, repeats, (turn) => rankOnce(snapshot, turn, false)),
      ranking(`numacast ${workers} explained`, repeats, (turn) => rankOnce(snapshot, turn, true)),
      ranking(`numacast ${workers} explained and read`, few, (turn) => readAll(snapshot, turn)),
      ranking(`plain ${workers}`, few, () => plainRank(fleet, request, nowMs).candidates.length),
      upkeep(`upkeep ${workers}`, fleet, builder),
    )
    if (workers === 10_000) contenders.push(...decisions(fleet, quick ? 3 : 20))
  }
  const rows = await alternate(contenders, quick ? 1 : 7)
  return {
    rows,
    ratios: [
      atMost(rows, 'numacast 10000 explained', 1),
      ratio(rows, 'numacast 10000 explained', 'plain 10000', 0.25),
      ratio(rows, 'numacast 10000 explained and read', 'plain 10000', 1),
      ratio(rows, 'all policies 10000', 'status and one policy 10000', 0.2),
      atMost(rows, 'upkeep 10000', 0.5),
      ...(quick ? [] : [atMost(rows, 'upkeep 100000', 0.5)]),
    ],
    skipped: [],
  }
}

function build(fleet: BenchFleet): SnapshotBuilder {
  const builder = new SnapshotBuilder()
  for (const change of changesOf(fleet)) builder.apply(change)
  return builder
}

/** A ranking that differs from the plain one would be measured for nothing. */
function checkEqual(fleet: BenchFleet, snapshot: PlacementSnapshot): void {
  const plain = plainRank(fleet, request, nowMs)
  const ours = rank(snapshot, request, { nowMs })
  const refused = [...ours.refused()]
  const isEqual =
    plain.candidates.length === ours.size &&
    plain.candidates.every(({ worker }, place) => ours.at(place)?.workerId === worker.workerId) &&
    plain.refused.length === refused.length &&
    plain.refused.every(({ reasons }, index) => String(refused[index]?.reasons) === String(reasons))
  if (!isEqual) throw new Error(`the two rankings of ${fleet.workers.length} workers differ`)
}

function rankOnce(snapshot: PlacementSnapshot, turn: number, explain: boolean): number {
  return rank(snapshot, request, { nowMs, explain, ties: { kind: 'round-robin', turn } }).size
}

/** Every candidate with its terms, and every refusal with its reasons, as an object of its own. */
function readAll(snapshot: PlacementSnapshot, turn: number): number {
  const ranking = rank(snapshot, request, { nowMs, ties: { kind: 'round-robin', turn } })
  const candidates = [...ranking.candidates()]
  const refused = [...ranking.refused()]
  return candidates.length + refused.length
}

function ranking(name: string, repeats: number, rankOnce: (turn: number) => number): Contender {
  return {
    name,
    unit: 'ms',
    run() {
      const times: number[] = []
      for (let turn = 0; turn < repeats; turn++) {
        const start = performance.now()
        if (rankOnce(turn) === 0) throw new Error(`${name} found no candidate`)
        times.push(performance.now() - start)
      }
      return times
    },
  }
}

/** The cores that a second's changes take, with a snapshot every 20 ms. Garbage that they leave is collected within. */
function upkeep(name: string, fleet: BenchFleet, builder: SnapshotBuilder): Contender {
  const changes = drawChanges(fleet, changesPerSecond, nowMs)
  const perSnapshot = changesPerSecond / snapshotsPerSecond
  return {
    name,
    unit: 'cores',
    run() {
      const before = process.cpuUsage()
      for (const [index, change] of changes.entries()) {
        builder.apply(change)
        if (index % perSnapshot === perSnapshot - 1) builder.snapshot()
      }
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1e6
    },
  }
}

/** One decision of a scheduler, after every row of the roster has changed. */
function decisions(fleet: BenchFleet, repeats: number): Contender[] {
  const builder = build(fleet)
  const states = new Map(defaultPolicies().map((policy) => [policy, policy.initial]))
  const status = new StatusDecision(fleet, nowMs)
  let atMs = nowMs
  const timed = (change: () => void, decide: () => void): number[] => {
    const times: number[] = []
    for (let round = 0; round < repeats; round++) {
      atMs += 1_000
      change()
      const start = performance.now()
      decide()
      times.push(performance.now() - start)
    }
    return times
  }
  const changeRows = (): void => {
    for (const zone of fleet.zones.values()) builder.apply({ kind: 'zone', zone: { ...zone, observedMs: atMs } })
    for (const { workerId, load } of fleet.workers) {
      builder.apply({ kind: 'worker-load', workerId, load: { ...load, observedMs: atMs } })
    }
  }
  const decide = (): void => {
    const snapshot = builder.snapshot()
    for (const [policy, state] of states) states.set(policy, policy.decide(snapshot, state, atMs).state)
  }
  return [
    { name: 'all policies 10000', unit: 'ms', run: () => timed(changeRows, decide) },
    {
      name: 'status and one policy 10000',
      unit: 'ms',
      run: () =>
        timed(
          () => status.change(atMs),
          () => status.decide(atMs),
        ),
    },
  ]
}

function atMost(rows: readonly BenchRow[], name: string, goal: number): BenchRatio {
  const row = rows.find((one) => one.name === name)
  if (row === undefined) throw new Error(`nothing was measured by the name ${name}`)
  return { name: `${name} (${row.unit})`, value: row.median, goal, met: row.median <= goal }
}
