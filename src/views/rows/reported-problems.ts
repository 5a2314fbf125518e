import type { EntityGuid } from '../../core/ids.js'
import { type AbsentNode, absentNodeRetentionMs } from '../../plane/node/absent-node.js'
import type { UnservedWorker } from '../../plane/worker/unserved-worker.js'
import type { Sample } from '../../pubsub/model/sample.js'
import { type Held, nextHeld } from './held.js'
import type { VerdictOf } from './source-status.js'
import { type KnownNode, type UnplacedWorker, unplacedReasonOf } from './unplaced-worker.js'

/** A node that other participants have received from, and that this view does not see. */
export interface ReportedNode {
  readonly host: string
  readonly bootId: string
  readonly numaNode: number
  /** Live workers that it had when it was received from last. */
  readonly workers: number
  /** How long no participant that reports it has received from it. */
  readonly silentForMs: number
  /** The names of the participants that report it. */
  readonly reportedBy: readonly string[]
}

/**
 * What other participants report that a view cannot see itself: workers without a collector, and nodes that are gone.
 */
export class ReportedProblems {
  readonly #workers = new Map<string, Held<UnservedWorker>>()
  /** By node, then by writer. */
  readonly #nodes = new Map<string, Map<EntityGuid, Held<AbsentNode>>>()

  /** False when the sample changes nothing. */
  applyWorker(sample: Sample<UnservedWorker>): boolean {
    const before = this.#workers.get(sample.key)
    const after = nextHeld(before, sample)
    // A worker that has gone needs no collector.
    if (after === undefined || after.withdrawn) return this.#workers.delete(sample.key)
    this.#workers.set(sample.key, after)
    return after !== before
  }

  /** False when the sample changes nothing. */
  applyNode(sample: Sample<AbsentNode>): boolean {
    const reports = this.#nodes.get(sample.key) ?? new Map<EntityGuid, Held<AbsentNode>>()
    const before = reports.get(sample.token.writer)
    const after = nextHeld(before, sample)
    if (after === before) return false
    if (after !== undefined) reports.set(sample.token.writer, after)
    else reports.delete(sample.token.writer)
    if (reports.size === 0) this.#nodes.delete(sample.key)
    else this.#nodes.set(sample.key, reports)
    return true
  }

  /** Returns the workers that no collector serves, except workers that the view judges dead. */
  unplaced(nodes: readonly KnownNode[], nowMs: number, verdictOf: VerdictOf): UnplacedWorker[] {
    const unplaced: UnplacedWorker[] = []
    for (const { value, writer, originTimeMs } of this.#workers.values()) {
      if (verdictOf(writer) === undefined) continue
      const { workerId, incarnation, pid, bootId, host, numaNode } = value
      const unservedForMs = Math.round(value.unservedForMs + Math.max(0, nowMs - originTimeMs))
      const reason = unplacedReasonOf(value, nodes)
      unplaced.push({ workerId, incarnation, pid, bootId, host, numaNode, reason, unservedForMs })
    }
    return unplaced.sort((a, b) => (a.workerId < b.workerId ? -1 : 1))
  }

  /** Nodes that others report as absent, and that the view does not list. */
  reported(nodes: readonly KnownNode[], nowMs: number): ReportedNode[] {
    const reported: ReportedNode[] = []
    for (const reports of this.#nodes.values()) {
      const held = [...reports.values()].filter(({ originTimeMs }) => nowMs - originTimeMs < absentNodeRetentionMs)
      const [first] = held
      if (first === undefined) continue
      const { host, bootId, numaNode, workers } = first.value
      if (nodes.some((node) => node.bootId === bootId && node.numaNode === numaNode)) continue
      const silences = held.map(({ value, originTimeMs }) => value.silentForMs + Math.max(0, nowMs - originTimeMs))
      const reportedBy = [...new Set(held.map(({ value }) => value.reporter))].sort()
      reported.push({ host, bootId, numaNode, workers, silentForMs: Math.round(Math.min(...silences)), reportedBy })
    }
    return reported.sort((a, b) => (`${a.host}/${a.numaNode}` < `${b.host}/${b.numaNode}` ? -1 : 1))
  }

  /** Removes reports that have been kept for long enough. */
  expire(nowMs: number): void {
    for (const [key, reports] of this.#nodes) {
      for (const [writer, { originTimeMs }] of reports) {
        if (nowMs - originTimeMs >= absentNodeRetentionMs) reports.delete(writer)
      }
      if (reports.size === 0) this.#nodes.delete(key)
    }
  }
}
