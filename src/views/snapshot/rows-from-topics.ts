import type { Liveliness } from '../../liveliness/verdict.js'
import type { ReceivedIntent } from '../../plane/intents/intents.js'
import { expiryMs } from '../../plane/intents/intents.js'
import type { NodeCapacity } from '../../plane/node/node-capacity.js'
import type { RosterRow } from '../../plane/node/node-roster.js'
import type { WorkerCapacity } from '../../plane/worker/worker-capacity.js'
import type { PublishedProfile } from '../../plane/worker/worker-profile.js'
import type { IntentRow } from './snapshot-change.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile } from './worker-row.js'
import type { ZoneRow } from './zone-row.js'

/** What of a worker's liveliness the reader of a roster row may know better than the row. */
export interface WorkerJudgement {
  readonly liveliness: Liveliness
  /** How much longer the worker is on probation, from `nowMs` on. */
  readonly probationMs: number
  readonly nowMs: number
}

/**
 * Turns a roster row into a worker's load. `originTimeMs` is when the row was written, on this process's monotonic
 * clock; the row's own age leads back to when the worker wrote what it rests on.
 */
export function loadFromRoster(row: RosterRow, originTimeMs: number, judgement?: WorkerJudgement): WorkerLoad {
  const { liveliness, probationMs, nowMs } = judgement ?? { ...row, nowMs: originTimeMs }
  return {
    incarnation: row.incarnation,
    bootId: row.bootId,
    host: row.host,
    numaNode: row.numaNode,
    liveliness,
    reliableFromMs: probationMs > 0 ? nowMs + probationMs : null,
    condition: row.state,
    inFlight: row.inFlight,
    concurrency: row.concurrency,
    inFlightByQueue: row.inFlightByQueue,
    vramUsedBytes: row.vramUsedBytes,
    capacityScore: null,
    admissionOpen: row.admissionOpen,
    admissionReason: row.admissionReason,
    observedMs: originTimeMs - row.sourceAgeMs,
  }
}

/** Turns a zone's capacity into its row; the reader knows the liveliness of the collector that wrote it. */
export function zoneFromCapacity(
  capacity: NodeCapacity,
  originTimeMs: number,
  collectorLiveliness: Liveliness,
): ZoneRow {
  return {
    bootId: capacity.bootId,
    host: capacity.host,
    numaNode: capacity.numaNode,
    cpus: capacity.cpus,
    memoryTotalBytes: capacity.memoryTotalBytes,
    memoryAvailableBytes: capacity.memoryAvailableBytes,
    distances: capacity.distances,
    memoryLimitBytes: capacity.memoryLimitBytes,
    memoryHeadroomBytes: capacity.memoryHeadroomBytes,
    cpuQuotaCores: capacity.cpuQuotaCores,
    cpuHeadroomCores: capacity.cpuHeadroomCores,
    memoryPressurePercent: capacity.memoryPressurePercent,
    cpuPressurePercent: capacity.cpuPressurePercent,
    memoryPressureAvg60Percent: capacity.memoryPressureAvg60Percent,
    cpuPressureAvg60Percent: capacity.cpuPressureAvg60Percent,
    collectorLiveliness,
    observedMs: originTimeMs,
  }
}

export function headroomFromCapacity(capacity: WorkerCapacity, originTimeMs: number): WorkerHeadroom {
  return {
    incarnation: capacity.incarnation,
    cpuQuotaCores: capacity.cpuQuotaCores,
    cpuUsedCores: capacity.cpuUsedCores,
    memoryLimitBytes: capacity.memoryLimitBytes,
    memoryHeadroomBytes: capacity.memoryHeadroomBytes,
    memoryPressurePercent: capacity.memoryPressurePercent,
    cpuPressurePercent: capacity.cpuPressurePercent,
    memoryPressureAvg60Percent: capacity.memoryPressureAvg60Percent,
    cpuPressureAvg60Percent: capacity.cpuPressureAvg60Percent,
    cpuThrottledPercent: capacity.cpuThrottledPercent,
    eventLoopUtilization: capacity.eventLoopUtilization,
    observedMs: originTimeMs,
  }
}

export function profileFromPublished(published: PublishedProfile): WorkerProfile {
  const { workerId: _, ...profile } = published
  return profile
}

/** Turns an intent that holds into its row; undefined for a lift, which asks for nothing. */
export function intentRowFrom(received: ReceivedIntent): IntentRow | undefined {
  const { kind, intent } = received
  if (intent.action === 'lift') return undefined
  return {
    kind,
    target: intent.target,
    maxInFlight: 'maxInFlight' in intent ? intent.maxInFlight : null,
    shards: 'shards' in intent ? intent.shards : [],
    reason: intent.reason,
    expiresMs: expiryMs(received),
  }
}
