import t from 'tap'
import type { EntityGuid } from '../../../src/core/ids.js'
import { receivedIntentOf } from '../../../src/plane/intents/intents.js'
import { type NodeCapacity, nodeCapacitySchema } from '../../../src/plane/node/node-capacity.js'
import { type RosterRow, rosterRowSchema } from '../../../src/plane/node/node-roster.js'
import { type WorkerCapacity, workerCapacitySchema } from '../../../src/plane/worker/worker-capacity.js'
import { type PublishedProfile, workerProfileSchema } from '../../../src/plane/worker/worker-profile.js'
import {
  headroomFromCapacity,
  intentRowFrom,
  loadFromRoster,
  profileFromPublished,
  zoneFromCapacity,
} from '../../../src/views/snapshot/rows-from-topics.js'
import { SnapshotBuilder } from '../../../src/views/snapshot/snapshot-builder.js'

const place = { workerId: 'w', bootId: 'b', host: 'h', numaNode: 1, pid: 1, startTimeTicks: null, pidNamespace: null }

const roster: RosterRow = rosterRowSchema().parse({
  ...place,
  incarnation: 3,
  ownershipStrength: 0,
  state: 'busy',
  liveliness: 'alive',
  cause: null,
  detail: null,
  evidence: 'beacon',
  livelinessForMs: 0,
  probationMs: 400,
  predecessor: null,
  adopted: false,
  inFlight: 2,
  concurrency: 4,
  inFlightByQueue: { media: 2 },
  vramUsedBytes: 5,
  jobsCompleted: 0,
  jobsFailed: 0,
  admissionOpen: false,
  admissionReason: 'paused: by hand',
  appliedIntents: [],
  eventLoopUtilization: 0.5,
  memoryHeadroomBytes: 7,
  sourceWriter: 'x',
  sourceSeq: 1,
  sourceAgeMs: 30,
})

t.test('a roster row becomes a load with absolute times', (t) => {
  t.match(loadFromRoster(roster, 1_000), {
    incarnation: 3,
    bootId: 'b',
    numaNode: 1,
    liveliness: 'alive',
    reliableFromMs: 1_400,
    condition: 'busy',
    inFlight: 2,
    concurrency: 4,
    inFlightByQueue: { media: 2 },
    vramUsedBytes: 5,
    admissionOpen: false,
    observedMs: 970,
  })
  const judged = loadFromRoster(roster, 1_000, { liveliness: 'unreachable', probationMs: 0, nowMs: 9_000 })
  t.match(judged, { liveliness: 'unreachable', reliableFromMs: null, observedMs: 970 }, 'the verdict of the reader')
  t.end()
})

t.test('the rows of all topics of one worker join in a snapshot', (t) => {
  const capacity: NodeCapacity = nodeCapacitySchema().parse({
    bootId: 'b',
    numaNode: 1,
    host: 'h',
    collectorPid: 1,
    collectorIncarnation: 1,
    adopted: false,
    unwatchedWorkers: 0,
    cpus: 8,
    memoryTotalBytes: 100,
    memoryAvailableBytes: 60,
    distances: { 0: 21, 1: 10 },
    memoryLimitBytes: 50,
    memoryHeadroomBytes: 40,
    cpuQuotaCores: 4,
    cpuHeadroomCores: 3,
    memoryPressurePercent: null,
    cpuPressurePercent: 12,
    memoryPressureAvg60Percent: 3,
    cpuPressureAvg60Percent: 13,
    workers: { available: 0, busy: 1, unhealthy: 0, draining: 0 },
    rosterRows: 1,
  })
  const used: WorkerCapacity = workerCapacitySchema().parse({
    workerId: 'w',
    incarnation: 3,
    numaNode: 1,
    memoryResidentBytes: 1,
    memoryLimitBytes: null,
    memoryHeadroomBytes: 20,
    cpuUsedCores: 0.5,
    cpuQuotaCores: null,
    memoryPressurePercent: 1,
    cpuPressurePercent: 2,
    memoryPressureAvg60Percent: 4,
    cpuPressureAvg60Percent: 5,
    cpuThrottledPercent: 6,
    eventLoopUtilization: 0.25,
  })
  const profile: PublishedProfile = workerProfileSchema().parse({
    workerId: 'w',
    incarnation: 3,
    queues: ['media'],
    capabilities: ['transcode@2'],
    tags: ['region=eu'],
    labels: { rack: '1' },
    taints: [{ key: 'spot', value: '', effect: 'prefer-no-schedule' }],
    admission: { kind: 'vram-budget', vramBudgetBytes: 8 },
    residents: ['llama'],
    shards: ['s1'],
    numaBound: true,
  })
  const builder = new SnapshotBuilder()
  builder.apply({ kind: 'worker-profile', workerId: 'w', profile: profileFromPublished(profile) })
  builder.apply({ kind: 'worker-headroom', workerId: 'w', headroom: headroomFromCapacity(used, 500) })
  builder.apply({ kind: 'worker-load', workerId: 'w', load: loadFromRoster(roster, 1_000) })
  builder.apply({ kind: 'zone', zone: zoneFromCapacity(capacity, 800, 'alive') })
  const snapshot = builder.snapshot()
  t.match(
    [...snapshot.withCapability('transcode@2')],
    [
      {
        workerId: 'w',
        profile: {
          queues: ['media'],
          labels: { rack: '1' },
          admission: { kind: 'vram-budget', vramBudgetBytes: 8 },
          residents: ['llama'],
          numaBound: true,
        },
        headroom: { cpuUsedCores: 0.5, cpuThrottledPercent: 6, cpuPressureAvg60Percent: 5, observedMs: 500 },
      },
    ],
  )
  t.match(snapshot.zone('b', 1), {
    workers: 1,
    room: { isCpuKnown: true, cpus: 4, freeCpus: 3, memoryBytes: 50, freeMemoryBytes: 40 },
    pressurePercent: 12,
    row: { observedMs: 800, collectorLiveliness: 'alive', memoryPressureAvg60Percent: 3, cpuPressureAvg60Percent: 13 },
  })
  const blind = zoneFromCapacity({ ...capacity, cpuHeadroomCores: null }, 800, 'alive')
  builder.apply({ kind: 'zone', zone: blind })
  t.match(builder.snapshot().zone('b', 1)?.room, { isCpuKnown: false, cpus: 0, freeCpus: 0 })
  t.end()
})

t.test('an intent in force becomes a row, a lift does not', (t) => {
  const token = { writer: 'x.1' as EntityGuid, seq: 1 }
  const base = { intentId: 'i', target: 'b/1', issuer: 'me', issuerId: 'x', epoch: 1, reason: 'why', ttlMs: 500 }
  const apply = receivedIntentOf('rebalance', { ...base, action: 'apply', maxInFlight: 2 }, token, 100)
  t.strictSame(intentRowFrom(apply), {
    kind: 'rebalance',
    target: 'b/1',
    maxInFlight: 2,
    shards: [],
    reason: 'why',
    expiresMs: 600,
  })
  t.equal(
    intentRowFrom(receivedIntentOf('rebalance', { ...base, action: 'lift', maxInFlight: 0 }, token, 100)),
    undefined,
  )
  t.end()
})
