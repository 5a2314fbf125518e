// The decision as a scheduler makes it on a status document: every row is made into a status, and one policy decides.
import { type EntityGuid, type EntityId, entityGuid, type Guid } from '../../src/core/ids.js'
import { aliveVerdict } from '../../src/liveliness/verdict.js'
import { availableShare } from '../../src/placement/policies/available-memory.js'
import { atRest, type Hysteresis, step } from '../../src/placement/policies/hysteresis.js'
import { defaultMemoryPressureOptions } from '../../src/placement/policies/memory-pressure.js'
import type { NodeCapacity } from '../../src/plane/node/node-capacity.js'
import type { RosterRow } from '../../src/plane/node/node-roster.js'
import { keyFrom } from '../../src/plane/vocabulary/keys.js'
import { nodeTarget } from '../../src/plane/vocabulary/targets.js'
import type { Sample } from '../../src/pubsub/model/sample.js'
import { FleetModel } from '../../src/views/fleet-model.js'
import type { WorkerRow } from '../../src/views/snapshot/worker-row.js'
import type { ZoneRow } from '../../src/views/snapshot/zone-row.js'
import type { NodeStatus } from '../../src/views/status/status-document.js'
import type { BenchFleet } from './fleet.js'

export class StatusDecision {
  readonly #fleet = new FleetModel({ unreachableDeadAfterMs: null })
  readonly #workers: readonly WorkerRow[]
  #state: Readonly<Record<string, Hysteresis>> = {}
  #seq = 0

  constructor({ workers, zones }: BenchFleet, nowMs: number) {
    this.#workers = workers
    for (const zone of zones.values()) {
      const key = keyFrom([zone.bootId, String(zone.numaNode)])
      this.#fleet.applyNode(this.#sample(key, capacityOf(zone), zone, nowMs))
    }
    this.change(nowMs)
  }

  /** Writes every row again, as the roster of a busy fleet does within some seconds. */
  change(nowMs: number): void {
    for (const { workerId, load, headroom } of this.#workers) {
      const key = keyFrom([load.bootId, String(load.numaNode), workerId])
      const row = rosterRowOf(workerId, load, headroom?.eventLoopUtilization ?? null)
      this.#fleet.applyRow(this.#sample(key, row, load, nowMs))
    }
  }

  /** Returns how many intents are wanted, and how many workers were seen. */
  decide(nowMs: number): { wanted: number; workers: number } {
    const verdict = aliveVerdict(0)
    const nodes = this.#fleet.nodes(nowMs, () => verdict)
    const workers = this.#fleet.workers(nowMs, () => verdict)
    this.#state = Object.fromEntries(nodes.map((node) => [nodeTarget(node), judge(node, this.#state, nowMs)]))
    const wanted = Object.values(this.#state).filter(({ actingSinceMs }) => actingSinceMs !== null)
    return { wanted: wanted.length, workers: workers.length }
  }

  #sample<T>(
    key: string,
    value: T,
    { bootId, numaNode }: { bootId: string; numaNode: number },
    nowMs: number,
  ): Sample<T> {
    const writer = collectorOf(bootId, numaNode)
    return {
      key,
      value,
      validData: true,
      sampleState: 'not-read',
      viewState: 'not-new',
      instanceState: 'alive',
      token: { writer, seq: ++this.#seq },
      via: writer,
      writtenMs: nowMs,
      receivedMs: nowMs,
      writtenWallMs: 0,
      receivedWallMs: 0,
      disposedGenerationCount: 0,
      noWritersGenerationCount: 0,
    }
  }
}

/** The rule of the memory pressure policy. */
function judge(node: NodeStatus, states: Readonly<Record<string, Hysteresis>>, nowMs: number): Hysteresis {
  const { pauseBelowAvailable, pauseAbovePressurePercent, liftAboveAvailable } = defaultMemoryPressureOptions
  const available = availableShare(node)
  const isOver = available < pauseBelowAvailable || (node.memoryPressurePercent ?? 0) > pauseAbovePressurePercent
  const reading = isOver ? 'over' : available > liftAboveAvailable ? 'under' : 'between'
  const before = states[nodeTarget(node)] ?? atRest
  return step(before, reading, nowMs, defaultMemoryPressureOptions, () => `${available} is available`)
}

function collectorOf(bootId: string, numaNode: number): EntityGuid {
  return entityGuid(`${bootId}-${numaNode}`.padEnd(32, '0') as Guid, 1 as EntityId)
}

function capacityOf({ observedMs, collectorLiveliness, ...zone }: ZoneRow): NodeCapacity {
  const workers = { available: 0, busy: 0, unhealthy: 0, draining: 0 }
  return {
    ...zone,
    collectorPid: 1,
    collectorIncarnation: 1,
    adopted: false,
    workers,
    unwatchedWorkers: 0,
    rosterRows: 0,
  }
}

function rosterRowOf(workerId: string, load: WorkerRow['load'], eventLoopUtilization: number | null): RosterRow {
  return {
    workerId,
    bootId: load.bootId,
    host: load.host,
    numaNode: load.numaNode,
    pid: 1,
    startTimeTicks: null,
    pidNamespace: null,
    incarnation: 1,
    ownershipStrength: 0,
    state: load.condition,
    liveliness: load.liveliness,
    cause: null,
    detail: null,
    evidence: 'beacon',
    livelinessForMs: 0,
    probationMs: 0,
    predecessor: null,
    adopted: false,
    inFlight: load.inFlight,
    concurrency: load.concurrency,
    jobsCompleted: 0,
    jobsFailed: 0,
    inFlightByQueue: null,
    vramUsedBytes: 0,
    admissionOpen: load.admissionOpen,
    admissionReason: null,
    appliedIntents: [],
    eventLoopUtilization,
    memoryHeadroomBytes: null,
    sourceWriter: entityGuid(workerId.padEnd(32, '0') as Guid, 1 as EntityId),
    sourceSeq: 1,
    sourceAgeMs: 0,
  }
}
