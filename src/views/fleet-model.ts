import { type EntityGuid, participantOf } from '../core/ids.js'
import type { Verdict } from '../liveliness/verdict.js'
import type { NodeCapacity } from '../plane/node-capacity.js'
import type { RosterRow } from '../plane/node-roster.js'
import { nodeTarget } from '../plane/targets.js'
import type { Sample } from '../pubsub/sample.js'
import type { NodeStatus, WorkerStatus } from './status-document.js'

/** How the view judges the participant behind a writer; undefined when it is not known any more. */
export type VerdictOf = (writer: EntityGuid) => Verdict | undefined

interface Held<T> {
  readonly value: T
  readonly writer: EntityGuid
  readonly seq: number
  readonly originTimeMs: number
}

/** A node or row whose collector is gone stays visible so long. */
export const orphanRetentionMs = 5 * 60_000

/**
 * Nodes and workers as their collectors tell them. Two collectors may speak of one node or worker, the old one
 * and the one that took over: per node the newer collector wins, per worker the newer incarnation of the worker,
 * then the newer collector, then the newer change.
 */
export class FleetModel {
  readonly #nodes = new Map<string, Held<NodeCapacity>>()
  readonly #workers = new Map<string, Held<RosterRow>>()
  /** By collector writer's participant: the incarnation it wrote in node.capacity, to order two collectors' rows. */
  readonly #collectorOf = new Map<string, number>()

  get hasNodes(): boolean {
    return this.#nodes.size > 0
  }

  applyNode(sample: Sample<NodeCapacity>): boolean {
    const { value } = sample
    if (sample.instanceState === 'disposed' || value === undefined) {
      return removeIfOwn(this.#nodes, sample.key, sample.token.writer)
    }
    if (sample.instanceState === 'no-writers') return true
    this.#collectorOf.set(participantOf(sample.token.writer), value.collectorIncarnation)
    const held = this.#nodes.get(sample.key)
    if (held !== undefined && held.value.collectorIncarnation > value.collectorIncarnation) return false
    if (held !== undefined && held.writer === sample.token.writer && held.seq >= sample.token.seq) return false
    this.#nodes.set(sample.key, hold(value, sample))
    return true
  }

  /** Returns the row before and after, or undefined when nothing that shows has changed. */
  applyRow(sample: Sample<RosterRow>): { before: RosterRow | undefined; after: RosterRow | undefined } | undefined {
    const { value } = sample
    const held = this.#workers.get(sample.key)
    if (sample.instanceState === 'disposed' || value === undefined) {
      return removeIfOwn(this.#workers, sample.key, sample.token.writer)
        ? { before: held?.value, after: undefined }
        : undefined
    }
    if (sample.instanceState === 'no-writers')
      return held === undefined ? undefined : { before: held.value, after: held.value }
    const next = hold(value, sample)
    if (held !== undefined && !this.#isNewer(next, held)) return undefined
    this.#workers.set(sample.key, next)
    return { before: held?.value, after: value }
  }

  #isNewer(a: Held<RosterRow>, b: Held<RosterRow>): boolean {
    if (a.value.incarnation !== b.value.incarnation) return a.value.incarnation > b.value.incarnation
    if (a.writer === b.writer) return a.seq > b.seq
    const collectorA = this.#collectorOf.get(participantOf(a.writer)) ?? Number.POSITIVE_INFINITY
    const collectorB = this.#collectorOf.get(participantOf(b.writer)) ?? 0
    if (collectorA !== collectorB) return collectorA > collectorB
    return a.originTimeMs >= b.originTimeMs
  }

  /** Forgets what has been orphaned for long. True when something went. */
  expire(nowMs: number, verdictOf: VerdictOf): boolean {
    let changed = false
    for (const held of [this.#nodes, this.#workers]) {
      for (const [key, { writer, originTimeMs }] of held) {
        if (nowMs - originTimeMs < orphanRetentionMs || !isGone(verdictOf(writer))) continue
        held.delete(key)
        changed = true
      }
    }
    if (changed) this.#forgetCollectors()
    return changed
  }

  #forgetCollectors(): void {
    const used = new Set<string>()
    for (const { writer } of this.#nodes.values()) used.add(participantOf(writer))
    for (const { writer } of this.#workers.values()) used.add(participantOf(writer))
    for (const guid of this.#collectorOf.keys()) if (!used.has(guid)) this.#collectorOf.delete(guid)
  }

  nodes(nowMs: number, verdictOf: VerdictOf): NodeStatus[] {
    const nodes: NodeStatus[] = []
    for (const { value, writer, originTimeMs } of this.#nodes.values()) {
      const verdict = verdictOf(writer)
      nodes.push({
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
        },
        ageMs: Math.max(0, nowMs - originTimeMs),
      })
    }
    return nodes.sort((a, b) => compareText(nodeTarget(a.host, a.numaNode), nodeTarget(b.host, b.numaNode)))
  }

  /** A worker whose collector is gone is `unreachable`, not dead: nobody who could know says otherwise. */
  workers(nowMs: number, verdictOf: VerdictOf): WorkerStatus[] {
    const workers: WorkerStatus[] = []
    for (const { value, writer, originTimeMs } of this.#workers.values()) {
      const { sourceWriter: _writer, sourceSeq: _seq, sourceAgeMs, livelinessForMs, ...row } = value
      const rowAgeMs = Math.max(0, nowMs - originTimeMs)
      const status = { ...row, livelinessForMs: livelinessForMs + rowAgeMs, ageMs: sourceAgeMs + rowAgeMs }
      const collector = verdictOf(writer)
      if (value.liveliness === 'dead' || !isGone(collector)) {
        workers.push(status)
        continue
      }
      workers.push({
        ...status,
        liveliness: 'unreachable',
        cause: 'host-silent',
        detail: 'its collector is gone',
        livelinessForMs: collector === undefined ? rowAgeMs : Math.max(0, nowMs - collector.sinceMs),
      })
    }
    return workers.sort((a, b) => compareText(a.workerId, b.workerId))
  }
}

function isGone(verdict: Verdict | undefined): boolean {
  return verdict === undefined || verdict.liveliness === 'dead' || verdict.liveliness === 'unreachable'
}

function hold<T>(value: T, sample: Sample<T>): Held<T> {
  return { value, writer: sample.token.writer, seq: sample.token.seq, originTimeMs: sample.originTimeMs }
}

function removeIfOwn<T>(held: Map<string, Held<T>>, key: string, writer: EntityGuid): boolean {
  return held.get(key)?.writer === writer && held.delete(key)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
