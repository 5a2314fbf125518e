import fc from 'fast-check'
import t from 'tap'
import { Counters } from '../../../src/core/reporting/counters.js'
import type { PlacementSnapshot } from '../../../src/views/snapshot/placement-snapshot.js'
import { slotsPerChunk } from '../../../src/views/snapshot/slot-set.js'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'
import type { SnapshotChange } from '../../../src/views/snapshot/snapshot-change.js'
import type { WorkerRow } from '../../../src/views/snapshot/worker-row.js'
import { ObviousFleet } from '../../placement/support/obvious-fleet.js'
import { FleetSource } from '../../placement/support/random-fleet.js'

const nowMs = 50_000

/** Makes a random change to a small fleet, so that the same rows change repeatedly. */
function randomChange(source: FleetSource): SnapshotChange {
  const workerId = `worker-${source.integer(150)}`
  const incarnation = 1 + source.integer(3)
  const target = source.pick(['all', 'boot-0/0', 'boot-1/1', 'worker-1', 'worker-2'])
  switch (source.integer(12)) {
    case 0:
    case 1:
    case 2:
      return { kind: 'worker-load', workerId, load: source.load(incarnation, nowMs) }
    case 3:
    case 4:
      return { kind: 'worker-profile', workerId, profile: source.profile(incarnation) }
    case 5:
      return { kind: 'worker-headroom', workerId, headroom: source.headroom(incarnation, nowMs) }
    case 6:
      return { kind: 'worker-removed', workerId }
    case 7:
      return { kind: 'zone', zone: source.zone(source.integer(3), source.integer(2), nowMs) }
    case 8:
      return { kind: 'zone-removed', bootId: `boot-${source.integer(3)}`, numaNode: source.integer(2) }
    case 9: {
      const kind = source.pick(['pause-node', 'rebalance', 'drain', 'prefer-shard'] as const)
      const terms = { maxInFlight: 2, shards: ['shard-1'], reason: 'test', expiresMs: nowMs + 1 }
      return { kind: 'intent', intent: { kind, target, ...terms } }
    }
    case 10:
      return {
        kind: 'intent-ended',
        intentKind: source.pick(['pause-node', 'rebalance', 'drain', 'prefer-shard']),
        target,
      }
    default:
      return source.chance(0.5)
        ? {
            kind: 'config',
            config: { kind: 'maintenance-mode', scope: target, enabled: source.chance(0.7), reason: '' },
          }
        : { kind: 'config-ended', configKind: 'maintenance-mode', scope: target }
  }
}

/** Returns everything that a snapshot exposes, as plain data. */
function contents(snapshot: PlacementSnapshot): unknown {
  const ids = (rows: Iterable<WorkerRow>): string[] => [...rows].map(({ workerId }) => workerId).sort()
  return {
    rows: [...snapshot.workers()].sort(byId),
    found: [...snapshot.workers()].every((row) => snapshot.worker(row.workerId) === row),
    capability: ids(snapshot.withCapability('transcode@2')),
    label: ids(snapshot.withLabel('rack', '1')),
    labelKey: ids(snapshot.withLabel('rack')),
    queue: ids(snapshot.takingFrom('media')),
    host: ids(snapshot.onHost('boot-1')),
    node: ids(snapshot.onNode('boot-1', 1)),
    hosts: [...snapshot.hosts()].sort(),
    zones: [...snapshot.hosts()].sort().flatMap((host) => snapshot.zonesOf(host).map(zoneContents)),
    fleet: snapshot.fleet,
    intents: [...snapshot.intents()].map(({ kind, target }) => `${kind} ${target}`).sort(),
    taints: snapshot.taints.map(({ taint, slots }) => `${taint.key} ${taint.effect} ${slots.size}`).sort(),
  }
}

function zoneContents({
  target,
  row,
  workers,
  pause,
  rebalance,
  maintenance,
}: ReturnType<PlacementSnapshot['zonesOf']>[number]) {
  return { target, row, workers, pause, rebalance, maintenance }
}

/** Returns the same from the plain maps. */
function expectedContents(fleet: ObviousFleet): unknown {
  const rows = fleet.rows().sort(byId)
  const ids = (keep: (row: WorkerRow) => boolean): string[] =>
    rows
      .filter(keep)
      .map(({ workerId }) => workerId)
      .sort()
  const standing = (target: string) => {
    const maintenance = fleet.configs.get(`maintenance-mode ${target}`)
    return {
      pause: fleet.intents.get(`pause-node ${target}`) ?? null,
      rebalance: fleet.intents.get(`rebalance ${target}`) ?? null,
      maintenance: maintenance?.kind === 'maintenance-mode' && maintenance.enabled ? maintenance : null,
    }
  }
  const zones = new Set([...fleet.zones.keys(), ...rows.map(({ load }) => `${load.bootId}/${load.numaNode}`)])
  const taints = new Map<string, number>()
  for (const { profile } of rows) {
    for (const { key, effect } of profile?.taints ?? []) {
      taints.set(`${key} ${effect}`, (taints.get(`${key} ${effect}`) ?? 0) + 1)
    }
  }
  return {
    rows,
    found: true,
    capability: ids(({ profile }) => profile?.capabilities.includes('transcode@2') === true),
    label: ids(({ profile }) => profile?.labels.rack === '1'),
    labelKey: ids(({ profile }) => profile?.labels.rack !== undefined),
    queue: ids(({ profile }) => profile !== null && (profile.queues.length === 0 || profile.queues.includes('media'))),
    host: ids(({ load }) => load.bootId === 'boot-1'),
    node: ids(({ load }) => load.bootId === 'boot-1' && load.numaNode === 1),
    hosts: [...new Set([...zones].map((zone) => zone.split('/')[0] ?? ''))].sort(),
    zones: [...zones].sort().map((target) => ({
      target,
      row: fleet.zones.get(target) ?? null,
      workers: rows.filter(({ load }) => `${load.bootId}/${load.numaNode}` === target).length,
      ...standing(target),
    })),
    fleet: { ...standing('all'), limit: null },
    intents: [...fleet.intents.keys()].sort(),
    taints: [...taints].map(([taint, count]) => `${taint} ${count}`).sort(),
  }
}

function byId(a: WorkerRow, b: WorkerRow): number {
  return a.workerId < b.workerId ? -1 : 1
}

t.test('each snapshot equals the sum of the changes before it and never changes', (t) => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 1_500 }), (seed, changes) => {
      const source = new FleetSource(seed, 3, 2)
      const builder = new SnapshotBuilder()
      const fleet = new ObviousFleet()
      const taken: [PlacementSnapshot, unknown][] = []
      for (let change = 0; change < changes; change++) {
        const next = randomChange(source)
        builder.apply(next)
        fleet.apply(next)
        if (source.chance(0.004)) taken.push([builder.snapshot(), expectedContents(fleet)])
      }
      taken.push([builder.snapshot(), expectedContents(fleet)])
      for (const [snapshot, expected] of taken) t.strictSame(contents(snapshot), expected)
      for (const [index, [snapshot]] of taken.entries()) {
        const before = taken[index - 1]?.[0]
        t.ok(snapshot === before || snapshot.version > (before?.version ?? -1))
      }
    }),
    { numRuns: 30 },
  )
  t.end()
})

t.test('a snapshot shares unchanged parts with the snapshot before it', (t) => {
  const source = new FleetSource(1, 2, 2)
  const builder = new SnapshotBuilder()
  for (const change of source.fleet(slotsPerChunk * 5, nowMs)) builder.apply(change)
  const before = builder.snapshot()
  t.equal(builder.snapshot(), before, 'the same object without a change')
  builder.apply({
    kind: 'worker-load',
    workerId: 'worker-0',
    load: { ...source.load(1, nowMs), bootId: 'boot-0', numaNode: 0 },
  })
  const after = builder.snapshot()
  t.not(after.chunks[0], before.chunks[0])
  t.strictSame(
    after.chunks.slice(1).map((chunk, index) => chunk === before.chunks[index + 1]),
    [true, true, true, true],
  )
  const capability = 'ctranscode@2' // cspell:disable-line
  t.equal(after.index.get(capability), before.index.get(capability), 'an unchanged index entry')
  t.end()
})

t.test('a part of an earlier incarnation is skipped and counted', (t) => {
  const source = new FleetSource(1, 1, 1)
  const counters = new Counters()
  const builder = new SnapshotBuilder(counters)
  builder.apply({ kind: 'worker-load', workerId: 'w', load: source.load(2, nowMs) })
  builder.apply({ kind: 'worker-profile', workerId: 'w', profile: source.profile(1) })
  t.equal(builder.snapshot().worker('w')?.profile, null, 'a profile of another incarnation is not the worker’s')
  const profile = source.profile(2)
  builder.apply({ kind: 'worker-profile', workerId: 'w', profile })
  t.equal(builder.snapshot().worker('w')?.profile, profile)
  builder.apply({ kind: 'worker-load', workerId: 'w', load: source.load(1, nowMs) })
  t.equal(builder.snapshot().worker('w')?.load.incarnation, 2)
  t.equal(counters.get('snapshot.stale-part'), 1)
  t.end()
})
