import { type EntityGuid, type Guid, participantOf } from '../core/ids.js'
import { Liveliness, type Verdict } from '../liveliness/verdict.js'
import type { NodeCapacity } from '../plane/node/node-capacity.js'
import type { RosterRow } from '../plane/node/node-roster.js'
import { keyParts } from '../plane/vocabulary/keys.js'
import { nodeName } from '../plane/vocabulary/targets.js'
import type { WorkerCapacity } from '../plane/worker/worker-capacity.js'
import { type WorkerEnd, workerEndRetentionMs } from '../plane/worker/worker-end.js'
import type { PublishedProfile } from '../plane/worker/worker-profile.js'
import type { Sample } from '../pubsub/model/sample.js'
import { type EndChange, EndRecords, type RecordedEnd } from './rows/end-records.js'
import type { Held } from './rows/held.js'
import { NodeRows } from './rows/node-rows.js'
import { SharedVerdicts } from './rows/shared-verdicts.js'
import { SourceDepartures } from './rows/source-departures.js'
import type { VerdictOf } from './rows/source-status.js'
import { WorkerDetails } from './rows/worker-details.js'
import { type ChosenRow, claimantOf, type RowContext, WorkerRows } from './rows/worker-rows.js'
import { nodeStatusOf } from './status/node-status.js'
import type { NodeStatus, WorkerStatus } from './status/status-document.js'
import { FateUnknown, type WorkerFate } from './status/worker-fate.js'
import {
  type Judgement,
  judgeWorker,
  nextJudgementMs,
  type WorkerStatusFacts,
  workerStatusOf,
} from './status/worker-status.js'

/** A target that no informed server reports any more stays visible for this long. */
export const orphanRetentionMs = 5 * 60_000

export interface FleetModelOptions {
  /** A worker that is unreachable for this long counts as dead; null: never. */
  readonly unreachableDeadAfterMs: number | null
}

/** The statuses of all workers, and what they were computed from. */
interface KnownStatuses {
  readonly nowMs: number
  readonly version: number
  readonly verdictOf: SharedVerdicts
  readonly statuses: readonly WorkerStatus[]
}

/** The row that counts for a worker, and this view's judgement of the worker. */
export interface JudgedRow extends ChosenRow {
  readonly judgement: Judgement
  /** When the passing of time alone changes the judgement next; undefined when it never does. */
  readonly nextMs: number | undefined
}

/** What has been removed because it was kept for long enough. */
export interface Expired {
  readonly workers: readonly string[]
  readonly ends: readonly WorkerEnd[]
}

/**
 * Nodes and workers as the servers of the nodes report them. Several servers may report one node or worker. Each report
 * is kept, and {@link WorkerRows} chooses the effective row. The choice is kept until a row or the status of a server
 * changes. Statuses contain ages, so they are computed once per millisecond and shared within it.
 */
export class FleetModel {
  readonly #options: FleetModelOptions
  readonly #nodes = new Map<string, NodeRows>()
  readonly #workers = new Map<string, WorkerRows>()
  readonly #ends = new EndRecords()
  /** What workers publish besides their rows. */
  readonly details = new WorkerDetails()
  readonly #departures = new SourceDepartures()
  /** By participant: the incarnation that it wrote in node.capacity, to order the rows of two collectors. */
  readonly #incarnations = new Map<Guid, number>()
  /** The last verdict on servers of held reports that the participant no longer knows: it removes dead peers at once. */
  readonly #serverEnds = new Map<Guid, Verdict>()
  #statuses: KnownStatuses | undefined
  /** Changes with every row, report or end. */
  #version = 0
  /** Worker ids in order; undefined when one has been added or removed. */
  #order: readonly string[] | undefined
  /** Changes with everything but rows and verdicts that a status depends on. */
  #revision = 0

  constructor(options: FleetModelOptions) {
    this.#options = options
  }

  /** Another number with every change that a status depends on, besides verdicts and time. */
  get version(): number {
    return this.#version
  }

  get hasNodes(): boolean {
    return this.#nodes.size > 0
  }

  /** Whether the participant has reported a node here. */
  hasServer(participant: Guid): boolean {
    return this.#incarnations.has(participant)
  }

  /** The participant has left with this verdict. */
  participantLeft(participant: Guid, verdict: Verdict): void {
    const isLost = verdict.liveliness === Liveliness.dead || verdict.liveliness === Liveliness.unreachable
    if (!isLost || !this.hasServer(participant)) return
    this.#serverEnds.set(participant, verdict)
    this.#changed()
  }

  /** Returns the verdict on the server behind a report: the last one, if the participant has forgotten it. */
  serverVerdict({ writer }: Held<unknown>, verdictOf: VerdictOf): Verdict | undefined {
    return verdictOf(writer) ?? this.#serverEnds.get(participantOf(writer))
  }

  workerIds(): IterableIterator<string> {
    return this.#workers.keys()
  }

  ends(): IterableIterator<RecordedEnd> {
    return this.#ends.values()
  }

  applyNode(sample: Sample<NodeCapacity>): boolean {
    const { key, value, token } = sample
    const rows = this.#nodes.get(key) ?? new NodeRows()
    if (!rows.apply(sample)) return false
    if (rows.size === 0) this.#nodes.delete(key)
    else this.#nodes.set(key, rows)
    const participant = participantOf(token.writer)
    if (value !== undefined && this.#incarnations.get(participant) !== value.collectorIncarnation) {
      this.#incarnations.set(participant, value.collectorIncarnation)
      this.#changed()
    }
    return true
  }

  /** Returns the worker whose rows the sample changes; undefined when it changes nothing. */
  applyRow(sample: Sample<RosterRow>): string | undefined {
    const workerId = keyParts(sample.key)[2]
    if (workerId === undefined) return undefined
    const rows = this.#workers.get(workerId) ?? new WorkerRows()
    if (!rows.apply(sample)) return undefined
    this.#version++
    if (rows.size === 0) this.#removeWorker(workerId)
    else if (!this.#workers.has(workerId)) {
      this.#workers.set(workerId, rows)
      this.#order = undefined
    }
    return workerId
  }

  /** Returns the worker whose profile the sample changes; undefined when it changes nothing. */
  applyProfile(sample: Sample<PublishedProfile>): string | undefined {
    return this.#known(this.details.profiles.apply(sample))
  }

  /** Returns the worker whose capacity the sample changes; undefined when it changes nothing. */
  applyCapacity(sample: Sample<WorkerCapacity>): string | undefined {
    return this.#known(this.details.capacities.apply(sample))
  }

  /** Returns what the sample changes in the recorded ends; undefined when it changes nothing. */
  applyEnd(sample: Sample<WorkerEnd>): EndChange | undefined {
    const change = this.#ends.apply(sample)
    if (change !== undefined) this.#changed()
    return change
  }

  /** Takes note of servers that are gone, and removes what has been kept for long enough. */
  observe(nowMs: number, verdictOf: VerdictOf): Expired {
    const { ask } = new SharedVerdicts(verdictOf)
    const writers = new Set<EntityGuid>()
    const workers: string[] = []
    for (const [key, rows] of this.#nodes) {
      for (const held of rows.values()) if (this.#isOrphaned(held, ask, nowMs, writers)) rows.remove(held.writer)
      if (rows.size === 0) this.#nodes.delete(key)
    }
    for (const [workerId, rows] of this.#workers) {
      for (const held of rows.values()) if (this.#isOrphaned(held, ask, nowMs, writers)) rows.remove(held.writer)
      if (rows.size > 0) continue
      this.#removeWorker(workerId)
      workers.push(workerId)
    }
    this.#departures.keepOnly(writers)
    this.details.expire(nowMs, orphanRetentionMs)
    const participants = new Set([...writers].map(participantOf))
    for (const known of [this.#incarnations, this.#serverEnds]) {
      for (const guid of known.keys()) if (!participants.has(guid)) known.delete(guid)
    }
    this.#changed()
    return { workers, ends: this.#ends.expire(nowMs, workerEndRetentionMs) }
  }

  nodes(nowMs: number, verdictOf: VerdictOf): NodeStatus[] {
    const { ask } = new SharedVerdicts(verdictOf)
    const nodes = [...this.#nodes.values()].flatMap((rows) => {
      const held = rows.choose(ask)
      if (held === undefined) return []
      const serverVerdict = this.serverVerdict(held, ask)
      return [nodeStatusOf(held, { nowMs, serverVerdict, serverGoneMs: this.#departures.goneMs(held.writer) })]
    })
    return nodes.sort(compareNodes)
  }

  workers(nowMs: number, verdictOf: VerdictOf): WorkerStatus[] {
    const known = this.#statuses
    if (known?.nowMs === nowMs && known.version === this.#version && known.verdictOf.areCurrent(verdictOf)) {
      return [...known.statuses]
    }
    const shared = new SharedVerdicts(verdictOf)
    const context = this.#context(shared.ask)
    this.#order ??= [...this.#workers.keys()].sort(compareText)
    const statuses: WorkerStatus[] = []
    for (const workerId of this.#order) {
      const chosen = this.#workers.get(workerId)?.choose(context)
      if (chosen !== undefined) statuses.push(this.#status(chosen, nowMs, shared.ask))
    }
    this.#statuses = { nowMs, version: this.#version, verdictOf: shared, statuses }
    return [...statuses]
  }

  worker(workerId: string, nowMs: number, verdictOf: VerdictOf): WorkerStatus | undefined {
    const chosen = this.row(workerId, verdictOf)
    return chosen === undefined ? undefined : this.#status(chosen, nowMs, verdictOf)
  }

  /** The row that counts now, and the judgement that {@link worker} reports. */
  judged(workerId: string, nowMs: number, verdictOf: VerdictOf): JudgedRow | undefined {
    const chosen = this.row(workerId, verdictOf)
    if (chosen === undefined) return undefined
    const facts = this.#facts(chosen, nowMs, verdictOf)
    const judgement = judgeWorker(chosen, facts)
    return { ...chosen, judgement, nextMs: nextJudgementMs(chosen, judgement, facts) }
  }

  nodeKeys(): IterableIterator<string> {
    return this.#nodes.keys()
  }

  /** The report on a node that counts now. */
  node(key: string, verdictOf: VerdictOf): Held<NodeCapacity> | undefined {
    return this.#nodes.get(key)?.choose(verdictOf)
  }

  /** The row that counts now. */
  row(workerId: string, verdictOf: VerdictOf): ChosenRow | undefined {
    return this.#workers.get(workerId)?.choose(this.#context(verdictOf))
  }

  /** The rows of the claimants of which any may hold the name; see {@link WorkerRows.contenders}. */
  contenders(workerId: string, verdictOf: VerdictOf): ChosenRow[] {
    return this.#workers.get(workerId)?.contenders(this.#context(verdictOf)) ?? []
  }

  /** Whether a server that can know reports that the claimant of the name is alive. */
  isReportedAlive(workerId: string, claimant: Guid, verdictOf: VerdictOf): boolean {
    return this.#workers.get(workerId)?.isReportedAlive(claimant, verdictOf) ?? false
  }

  /** Whether a claimant of the name is known to be dead: by its row, its recorded end, or this view's policy. */
  isDead(workerId: string, claimant: Guid, nowMs: number, verdictOf: VerdictOf): boolean {
    for (const held of this.#workers.get(workerId)?.values() ?? []) {
      if (claimantOf(held) === claimant) {
        return this.fate(workerId, held.value.incarnation, nowMs, verdictOf).fate === 'dead'
      }
    }
    return false
  }

  /** What became of one process of a worker. */
  fate(workerId: string, incarnation: number, nowMs: number, verdictOf: VerdictOf): WorkerFate {
    const recorded = this.#ends.get({ workerId, incarnation })
    if (recorded !== undefined) {
      const { cause, detail, evidence } = recorded.end
      return { fate: 'dead', cause, detail, evidence, deadForMs: Math.round(Math.max(0, nowMs - recorded.endedMs)) }
    }
    const rows = this.#workers.get(workerId)
    const [best] = rows?.ofIncarnation(incarnation, this.#context(verdictOf)) ?? []
    if (best !== undefined) {
      const { liveliness, cause, detail, evidence, livelinessForMs } = this.#status(best, nowMs, verdictOf)
      if (liveliness === Liveliness.dead) return { fate: 'dead', cause, detail, evidence, deadForMs: livelinessForMs }
      if (liveliness !== Liveliness.unreachable) return { fate: 'alive', liveliness }
      return { fate: 'unknown', reason: FateUnknown.unreachable }
    }
    return this.#fateOfPredecessor(rows, incarnation, verdictOf)
  }

  /** What a worker published may come before its first row. */
  #known(workerId: string | undefined): string | undefined {
    if (workerId === undefined || !this.#workers.has(workerId)) return undefined
    this.#version++
    return workerId
  }

  #fateOfPredecessor(rows: WorkerRows | undefined, incarnation: number, verdictOf: VerdictOf): WorkerFate {
    let isNamed = false
    for (const held of rows?.values() ?? []) {
      const { predecessor } = held.value
      if (predecessor?.incarnation !== incarnation) continue
      const { cause, detail, lives } = predecessor
      if (!lives) return { fate: 'dead', cause, detail, evidence: null, deadForMs: null }
      if (!held.withdrawn && verdictOf(held.writer)?.liveliness === Liveliness.alive) {
        return { fate: 'alive', liveliness: Liveliness.alive }
      }
      isNamed = true
    }
    return { fate: 'unknown', reason: isNamed ? FateUnknown.unreachable : FateUnknown.noRecord }
  }

  #status(chosen: ChosenRow, nowMs: number, verdictOf: VerdictOf): WorkerStatus {
    return workerStatusOf(chosen, this.#facts(chosen, nowMs, verdictOf), this.details.detailOf(chosen.held.value))
  }

  #facts({ held, standing }: ChosenRow, nowMs: number, verdictOf: VerdictOf): WorkerStatusFacts {
    return {
      nowMs,
      end: this.#ends.get(held.value),
      serverVerdict: standing === 0 ? this.serverVerdict(held, verdictOf) : undefined,
      serverGoneMs: this.#departures.goneMs(held.writer),
      unreachableDeadAfterMs: this.#options.unreachableDeadAfterMs,
    }
  }

  #context(verdictOf: VerdictOf): RowContext {
    return { verdictOf, collectorOf: this.#collectorOf, isEnded: this.#isEnded, revision: this.#revision }
  }

  readonly #collectorOf = (writer: EntityGuid): number => this.#incarnations.get(participantOf(writer)) ?? 0

  readonly #isEnded = (row: RosterRow): boolean => this.#ends.size > 0 && this.#ends.get(row) !== undefined

  #isOrphaned(held: Held<unknown>, verdictOf: VerdictOf, nowMs: number, writers: Set<EntityGuid>): boolean {
    this.#departures.observe(held, verdictOf, nowMs)
    const goneMs = this.#departures.goneMs(held.writer)
    const isOrphaned = goneMs !== undefined && nowMs - Math.max(goneMs, held.originTimeMs) >= orphanRetentionMs
    if (!isOrphaned) writers.add(held.writer)
    return isOrphaned
  }

  /** Something besides the rows and the verdicts has changed that statuses depend on. */
  #changed(): void {
    this.#revision++
    this.#version++
  }

  #removeWorker(workerId: string): void {
    this.#workers.delete(workerId)
    this.#order = undefined
  }
}

/** By host name, then by boot id, because two hosts may share a name. */
function compareNodes(a: NodeStatus, b: NodeStatus): number {
  return compareText(nodeName(a), nodeName(b)) || compareText(a.bootId, b.bootId)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
