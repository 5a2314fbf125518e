import { type Random, seededRandom } from '../../src/core/random.js'
import type { SnapshotChange } from '../../src/views/snapshot/snapshot-change.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile, WorkerRow } from '../../src/views/snapshot/worker-row.js'
import type { ZoneRow } from '../../src/views/snapshot/zone-row.js'

const GiB = 2 ** 30
const workersPerZone = 32
const zonesPerHost = 2

/** A fleet as plain objects: what ranking over plain objects has, and what snapshots are built from. */
export interface BenchFleet {
  readonly workers: WorkerRow[]
  /** By `host/node`. */
  readonly zones: ReadonlyMap<string, ZoneRow>
}

/** Draws a fleet of mostly healthy workers, half of them loaded; three of four are candidates for the bench's request. */
export function drawFleet(count: number, nowMs: number): BenchFleet {
  const random = seededRandom(count)
  const zones = new Map<string, ZoneRow>()
  const workers: WorkerRow[] = []
  for (let index = 0; index < count; index++) {
    const zoneIndex = Math.floor(index / workersPerZone)
    const bootId = `boot-${Math.floor(zoneIndex / zonesPerHost)}`
    const numaNode = zoneIndex % zonesPerHost
    const key = `${bootId}/${numaNode}`
    if (!zones.has(key)) zones.set(key, drawZone(random, bootId, numaNode, nowMs))
    workers.push({
      workerId: `worker-${index}`,
      load: drawLoad(random, bootId, numaNode, nowMs),
      profile: drawProfile(random),
      headroom: drawHeadroom(random, nowMs),
    })
  }
  return { workers, zones }
}

export function* changesOf({ workers, zones }: BenchFleet): IterableIterator<SnapshotChange> {
  for (const zone of zones.values()) yield { kind: 'zone', zone }
  for (const { workerId, load, profile, headroom } of workers) {
    yield { kind: 'worker-load', workerId, load }
    if (profile !== null) yield { kind: 'worker-profile', workerId, profile }
    if (headroom !== null) yield { kind: 'worker-headroom', workerId, headroom }
  }
}

/** Draws changes such as a running fleet sends: two of three are of a worker's load, the others of its headroom. */
export function drawChanges({ workers }: BenchFleet, count: number, nowMs: number): SnapshotChange[] {
  const random = seededRandom(count)
  const changes: SnapshotChange[] = []
  for (let index = 0; index < count; index++) {
    const worker = workers[Math.floor(random() * workers.length)]
    if (worker === undefined) continue
    const { workerId, load } = worker
    if (index % 3 === 2) changes.push({ kind: 'worker-headroom', workerId, headroom: drawHeadroom(random, nowMs) })
    else changes.push({ kind: 'worker-load', workerId, load: drawLoad(random, load.bootId, load.numaNode, nowMs) })
  }
  return changes
}

function drawZone(random: Random, bootId: string, numaNode: number, nowMs: number): ZoneRow {
  return {
    bootId,
    host: 'host',
    numaNode,
    cpus: 64,
    memoryTotalBytes: 256 * GiB,
    memoryAvailableBytes: random() * 256 * GiB,
    distances: { '0': numaNode === 0 ? 10 : 21, '1': numaNode === 1 ? 10 : 21 },
    memoryLimitBytes: null,
    memoryHeadroomBytes: null,
    cpuQuotaCores: null,
    cpuHeadroomCores: random() * 64,
    memoryPressurePercent: random() * 5,
    cpuPressurePercent: random() * 30,
    memoryPressureAvg60Percent: random() * 5,
    cpuPressureAvg60Percent: random() * 30,
    collectorLiveliness: 'alive',
    observedMs: nowMs - random() * 1_000,
  }
}

function drawLoad(random: Random, bootId: string, numaNode: number, nowMs: number): WorkerLoad {
  const inFlight = Math.floor(random() * 9)
  return {
    incarnation: 1,
    bootId,
    host: 'host',
    numaNode,
    liveliness: random() < 0.98 ? 'alive' : 'stalled',
    reliableFromMs: random() < 0.98 ? null : nowMs + 5_000,
    condition: inFlight === 8 ? 'busy' : 'available',
    inFlight,
    concurrency: 8,
    inFlightByQueue: null,
    vramUsedBytes: 0,
    capacityScore: null,
    admissionOpen: inFlight < 8,
    admissionReason: null,
    observedMs: nowMs - random() * 5_000,
  }
}

function drawProfile(random: Random): WorkerProfile {
  const pick = (of: number): number => Math.floor(random() * of)
  return {
    incarnation: 1,
    capabilities: random() < 0.9 ? ['transcode@1', 'transcode@2'] : ['transcode@1'],
    tags: [`region=${pick(4)}`, `tier=${pick(3)}`],
    labels: { 'numacast.io/cpu-model': `model-${pick(5)}`, rack: `rack-${pick(40)}` },
    taints: random() < 0.03 ? [{ key: 'spot', value: '', effect: 'prefer-no-schedule' }] : [],
    queues: [],
    admission: { kind: 'fixed' },
    residents: random() < 0.3 ? ['ffmpeg'] : [],
    shards: [],
    numaBound: true,
  }
}

function drawHeadroom(random: Random, nowMs: number): WorkerHeadroom {
  const used = random() * 4
  return {
    incarnation: 1,
    cpuQuotaCores: 8,
    cpuUsedCores: used,
    memoryLimitBytes: 32 * GiB,
    memoryHeadroomBytes: (4 + random() * 28) * GiB,
    memoryPressurePercent: random() * 5,
    cpuPressurePercent: random() * 20,
    memoryPressureAvg60Percent: null,
    cpuPressureAvg60Percent: null,
    cpuThrottledPercent: 0,
    eventLoopUtilization: random(),
    observedMs: nowMs - random() * 1_000,
  }
}
