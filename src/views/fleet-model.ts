import { type EntityGuid, type Guid, participantOf } from '../core/ids.js'
import { Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from '../liveliness/verdict.js'
import { keyParts } from '../plane/keys.js'
import type { NodeCapacity } from '../plane/node-capacity.js'
import type { RosterRow } from '../plane/node-roster.js'
import { nodeName } from '../plane/targets.js'
import type { Sample } from '../pubsub/model/sample.js'
import { type Held, hold, SourceDepartures, sourceStatusOf, type VerdictOf } from './source-status.js'
import type { NodeStatus, WorkerStatus } from './status-document.js'
import { type ChosenRow, WorkerRows } from './worker-rows.js'

/** What nobody who could know speaks of any more stays visible so long. */
export const orphanRetentionMs = 5 * 60_000
/** Rows are written every five seconds; one of a server that stands still says nothing any more after three of them. */
export const staleRowMs = 15_000

export interface FleetModelOptions {
  /** After so long a worker that is unreachable counts as dead; null: never. */
  readonly unreachableDeadAfterMs: number | null
}

/**
 * Nodes and workers as those who serve the nodes tell them. Several may speak of one node or worker; each word is
 * kept, and which one counts is decided by who can still know: see {@link WorkerRows}.
 */
export class FleetModel {
  readonly #options: FleetModelOptions
  readonly #nodes = new Map<string, Map<EntityGuid, Held<NodeCapacity>>>()
  readonly #workers = new Map<string, WorkerRows>()
  readonly #departures = new SourceDepartures()
  /** By participant: the incarnation that it wrote in node.capacity, to order two collectors' rows. */
  readonly #incarnations = new Map<Guid, number>()
  /** Of those whose word is still held: how they died. A participant forgets its dead at once. */
  readonly #ends = new Map<Guid, Verdict>()

  constructor(options: FleetModelOptions) {
    this.#options = options
  }

  get hasNodes(): boolean {
    return this.#nodes.size > 0
  }

  /** Whether the participant has told of a node here. */
  hasServer(participant: Guid): boolean {
    return this.#incarnations.has(participant)
  }

  /** The participant has left, judged so. */
  left(participant: Guid, verdict: Verdict): void {
    if (verdict.liveliness === Liveliness.dead && this.hasServer(participant)) this.#ends.set(participant, verdict)
  }

  workerIds(): IterableIterator<string> {
    return this.#workers.keys()
  }

  applyNode(sample: Sample<NodeCapacity>): boolean {
    const { key, value, token } = sample
    const node = this.#nodes.get(key) ?? new Map<EntityGuid, Held<NodeCapacity>>()
    const before = node.get(token.writer)
    if (sample.instanceState === 'disposed' || value === undefined) {
      const removed = node.delete(token.writer)
      if (node.size === 0) this.#nodes.delete(key)
      return removed
    }
    if (sample.instanceState === 'no-writers') {
      if (before !== undefined) node.set(token.writer, { ...before, withdrawn: true })
      return before !== undefined
    }
    if (before !== undefined && !before.withdrawn && before.seq >= token.seq) return false
    this.#incarnations.set(participantOf(token.writer), value.collectorIncarnation)
    this.#nodes.set(key, node.set(token.writer, hold(value, sample)))
    return true
  }

  /** The worker that the sample bears on; undefined when it changes nothing. */
  applyRow(sample: Sample<RosterRow>): string | undefined {
    const { key, value, token } = sample
    const workerId = keyParts(key)[2]
    if (workerId === undefined) return undefined
    const rows = this.#workers.get(workerId) ?? new WorkerRows()
    if (sample.instanceState === 'disposed' || value === undefined) {
      if (!rows.remove(token.writer)) return undefined
      if (rows.size === 0) this.#workers.delete(workerId)
      return workerId
    }
    if (sample.instanceState === 'no-writers') return rows.withdraw(token.writer) ? workerId : undefined
    if (!rows.put(hold(value, sample))) return undefined
    this.#workers.set(workerId, rows)
    return workerId
  }

  /** Takes note of who is gone, and forgets what has been orphaned for long. Returns the workers forgotten. */
  observe(nowMs: number, verdictOf: VerdictOf): string[] {
    const writers = new Set<EntityGuid>()
    const forgotten: string[] = []
    for (const [key, node] of this.#nodes) {
      for (const held of node.values()) if (this.#isForgotten(held, verdictOf, nowMs, writers)) node.delete(held.writer)
      if (node.size === 0) this.#nodes.delete(key)
    }
    for (const [workerId, rows] of this.#workers) {
      for (const held of rows.values()) if (this.#isForgotten(held, verdictOf, nowMs, writers)) rows.remove(held.writer)
      if (rows.size > 0) continue
      this.#workers.delete(workerId)
      forgotten.push(workerId)
    }
    this.#departures.keepOnly(writers)
    const participants = new Set([...writers].map(participantOf))
    for (const known of [this.#incarnations, this.#ends]) {
      for (const guid of known.keys()) if (!participants.has(guid)) known.delete(guid)
    }
    return forgotten
  }

  #isForgotten(held: Held<unknown>, verdictOf: VerdictOf, nowMs: number, writers: Set<EntityGuid>): boolean {
    this.#departures.observe(held, verdictOf, nowMs)
    const goneMs = this.#departures.goneMs(held.writer)
    const isForgotten = goneMs !== undefined && nowMs - Math.max(goneMs, held.originTimeMs) >= orphanRetentionMs
    if (!isForgotten) writers.add(held.writer)
    return isForgotten
  }

  nodes(nowMs: number, verdictOf: VerdictOf): NodeStatus[] {
    const nodes: NodeStatus[] = []
    for (const node of this.#nodes.values()) {
      let best: Held<NodeCapacity> | undefined
      for (const held of node.values()) if (best === undefined || isBetterNode(held, best, verdictOf)) best = held
      if (best !== undefined) nodes.push(this.#nodeStatus(best, nowMs, verdictOf))
    }
    return nodes.sort((a, b) => compareText(nodeName(a), nodeName(b)) || compareText(a.bootId, b.bootId))
  }

  #nodeStatus(held: Held<NodeCapacity>, nowMs: number, verdictOf: VerdictOf): NodeStatus {
    const { value, writer, originTimeMs } = held
    const last = verdictOf(writer) ?? this.#ends.get(participantOf(writer))
    const verdict = held.withdrawn ? endOf(last) : last
    const sinceMs = verdict?.sinceMs ?? this.#departures.goneMs(writer) ?? nowMs
    return {
      bootId: value.bootId,
      host: value.host,
      numaNode: value.numaNode,
      cpus: value.cpus,
      memoryTotalBytes: value.memoryTotalBytes,
      memoryAvailableBytes: value.memoryAvailableBytes,
      memoryLimitBytes: value.memoryLimitBytes,
      memoryHeadroomBytes: value.memoryHeadroomBytes,
      cpuQuotaCores: value.cpuQuotaCores,
      cpuHeadroomCores: value.cpuHeadroomCores,
      memoryPressurePercent: value.memoryPressurePercent,
      cpuPressurePercent: value.cpuPressurePercent,
      workers: value.workers,
      collector: {
        pid: value.collectorPid,
        liveliness: verdict?.liveliness ?? 'dead',
        cause: verdict?.cause ?? null,
        livelinessForMs: Math.max(0, nowMs - sinceMs),
        adopted: value.adopted,
      },
      ageMs: Math.max(0, nowMs - originTimeMs),
    }
  }

  workers(nowMs: number, verdictOf: VerdictOf): WorkerStatus[] {
    const workers = [...this.#workers.keys()].flatMap((workerId) => this.worker(workerId, nowMs, verdictOf) ?? [])
    return workers.sort((a, b) => compareText(a.workerId, b.workerId))
  }

  worker(workerId: string, nowMs: number, verdictOf: VerdictOf): WorkerStatus | undefined {
    const chosen = this.row(workerId, verdictOf)
    return chosen === undefined ? undefined : this.#status(chosen, nowMs)
  }

  /** The row that counts now. */
  row(workerId: string, verdictOf: VerdictOf): ChosenRow | undefined {
    return this.#workers.get(workerId)?.choose(verdictOf, this.#collectorOf)
  }

  /** Whether somebody who can know says that the claimant of the name lives. */
  lives(workerId: string, claimant: Guid, verdictOf: VerdictOf): boolean {
    return this.#workers.get(workerId)?.lives(claimant, verdictOf) ?? false
  }

  readonly #collectorOf = (writer: EntityGuid): number => this.#incarnations.get(participantOf(writer)) ?? 0

  /** A worker of whom nobody speaks who could know is `unreachable`, not dead, until policy says otherwise. */
  #status({ held, standing }: ChosenRow, nowMs: number): WorkerStatus {
    const { value, writer, originTimeMs } = held
    const rowAgeMs = Math.max(0, nowMs - originTimeMs)
    const status: WorkerStatus = {
      workerId: value.workerId,
      bootId: value.bootId,
      host: value.host,
      numaNode: value.numaNode,
      pid: value.pid,
      incarnation: value.incarnation,
      state: value.state,
      liveliness: value.liveliness,
      cause: value.cause,
      detail: value.detail,
      evidence: value.evidence,
      livelinessForMs: value.livelinessForMs + rowAgeMs,
      probationMs: Math.max(0, value.probationMs - rowAgeMs),
      inFlight: value.inFlight,
      concurrency: value.concurrency,
      jobsCompleted: value.jobsCompleted,
      jobsFailed: value.jobsFailed,
      admissionOpen: value.admissionOpen,
      admissionReason: value.admissionReason,
      appliedIntents: value.appliedIntents,
      eventLoopUtilization: value.eventLoopUtilization,
      memoryHeadroomBytes: value.memoryHeadroomBytes,
      ageMs: value.sourceAgeMs + rowAgeMs,
    }
    if (status.liveliness === Liveliness.dead) return status
    if (status.liveliness === Liveliness.unreachable) return this.#orDead(status)
    if (standing === 0) {
      const forMs = Math.max(0, nowMs - (this.#departures.goneMs(writer) ?? nowMs))
      return this.#orDead(unreachable(status, 'its collector is gone', forMs))
    }
    if (standing === 1 && rowAgeMs >= staleRowMs) {
      return this.#orDead(unreachable(status, 'its collector stands still', rowAgeMs - staleRowMs))
    }
    return status
  }

  #orDead(status: WorkerStatus): WorkerStatus {
    const afterMs = this.#options.unreachableDeadAfterMs
    if (afterMs === null || status.livelinessForMs < afterMs) return status
    const detail = `unreachable for ${afterMs} ms, after which it counts as dead here`
    return { ...status, liveliness: Liveliness.dead, detail, livelinessForMs: status.livelinessForMs - afterMs }
  }
}

/** Of a writer that has closed: how its process ended, or that it took its leave while the process lives on. */
function endOf(verdict: Verdict | undefined): Partial<Verdict> | undefined {
  if (verdict?.liveliness === Liveliness.dead) return verdict
  return verdict?.liveliness === Liveliness.alive ? { cause: LivelinessCause.goodbye } : undefined
}

function unreachable(status: WorkerStatus, detail: string, livelinessForMs: number): WorkerStatus {
  return {
    ...status,
    liveliness: Liveliness.unreachable,
    cause: LivelinessCause.hostSilent,
    detail,
    evidence: VerdictEvidence.lease,
    livelinessForMs,
    probationMs: 0,
  }
}

function isBetterNode(a: Held<NodeCapacity>, b: Held<NodeCapacity>, verdictOf: VerdictOf): boolean {
  const standing = sourceStatusOf(a, verdictOf) - sourceStatusOf(b, verdictOf)
  if (standing !== 0) return standing > 0
  if (a.value.adopted !== b.value.adopted) return b.value.adopted
  const incarnation = a.value.collectorIncarnation - b.value.collectorIncarnation
  return incarnation === 0 ? a.originTimeMs > b.originTimeMs : incarnation > 0
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
