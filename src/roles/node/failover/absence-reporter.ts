import { closeEach } from '../../../core/close-all.js'
import { type EntityGuid, participantOf } from '../../../core/ids.js'
import { countFailure } from '../../../core/reporting/count-failure.js'
import { RepeatingTimer } from '../../../core/time/repeating-timer.js'
import { aliveVerdict, Liveliness, type Verdict } from '../../../liveliness/verdict.js'
import { type AbsentNode, absentNode, absentNodeRetentionMs } from '../../../plane/node/absent-node.js'
import { type NodeCapacity, nodeCapacity } from '../../../plane/node/node-capacity.js'
import { planePartition } from '../../../plane/vocabulary/partitions.js'
import type { PeerEvent } from '../../../pubsub/model/events.js'
import type { Participant } from '../../../pubsub/participant.js'
import type { Reader } from '../../../pubsub/reader/reader.js'
import type { Writer } from '../../../pubsub/writer/writer.js'
import type { Held } from '../../../views/rows/held.js'
import { NodeRows } from '../../../views/rows/node-rows.js'
import { serverStateOf, sourceStatusOf } from '../../../views/rows/source-status.js'

const checkEveryMs = 1_000
/** Nodes that are remembered. */
const maxNodes = 4_096

/**
 * Reports nodes that this participant has received from and that no server reports any more. A participant that joins
 * later thus learns that they exist.
 */
export class AbsenceReporter {
  readonly #participant: Participant
  readonly #reader: Reader<NodeCapacity>
  readonly #writer: Writer<AbsentNode>
  readonly #nodes = new Map<string, NodeRows>()
  /** How servers ended that the participant no longer knows. */
  readonly #ends = new Map<EntityGuid, Verdict>()
  readonly #reported = new Set<string>()
  readonly #closers: (() => void)[]

  constructor(participant: Participant) {
    this.#participant = participant
    this.#reader = participant.reader(nodeCapacity, { partition: planePartition })
    this.#writer = participant.writer(absentNode, { partition: planePartition })
    const samples = this.#reader.onSample((sample) => {
      const rows = this.#nodes.get(sample.key) ?? new NodeRows()
      // A server that has closed may have left live workers behind: its last report is kept.
      if (sample.instanceState === 'disposed') return
      if (rows.apply(sample) && this.#nodes.size < maxNodes) this.#nodes.set(sample.key, rows)
    })
    const peers = participant.onPeer((event) => this.#onPeer(event))
    const checking = new RepeatingTimer(participant.clock, checkEveryMs, () => this.#check())
    this.#closers = [
      () => checking.close(),
      () => peers.close(),
      () => samples.close(),
      () => this.#reader.close(),
      () => this.#writer.close(),
    ]
  }

  /** Idempotent. */
  close(): void {
    closeEach(this.#closers.splice(0))
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    if (kind !== 'left') return
    for (const rows of this.#nodes.values()) {
      for (const { writer } of rows.values()) {
        if (participantOf(writer) === peer.guid) this.#ends.set(writer, peer.verdict)
      }
    }
  }

  #check(): void {
    const nowMs = this.#participant.clock.nowMs()
    for (const [key, rows] of this.#nodes) {
      const held = rows.choose(this.#verdictOf)
      if (held === undefined) continue
      if (sourceStatusOf(held, this.#verdictOf) > 0) {
        this.#withdraw(key)
        this.#keepOnly(rows, held)
        continue
      }
      const silentForMs = Math.max(0, nowMs - held.originTimeMs)
      const verdict = this.#verdictOf(held.writer) ?? this.#ends.get(held.writer)
      const { liveliness } = serverStateOf(held, verdict)
      const isClosed = liveliness === Liveliness.dead && liveWorkers(held.value) === 0
      if (isClosed || silentForMs >= absentNodeRetentionMs) this.#remove(key, rows)
      else if (!this.#reported.has(key)) this.#report(key, held, liveliness, silentForMs)
    }
  }

  #report(key: string, { value }: Held<NodeCapacity>, liveliness: Liveliness, silentForMs: number): void {
    const { bootId, numaNode, host, collectorPid } = value
    const { name, counters } = this.#participant
    const workers = liveWorkers(value)
    this.#reported.add(key)
    countFailure(counters, 'absence.publish-failed', () => {
      const reporter = name === '' ? this.#participant.guid : name.slice(0, 256)
      this.#writer.write({ bootId, numaNode, host, collectorPid, liveliness, workers, silentForMs, reporter })
    })
  }

  #withdraw(key: string): void {
    if (!this.#reported.delete(key)) return
    countFailure(this.#participant.counters, 'absence.publish-failed', () => this.#writer.dispose(key))
  }

  #remove(key: string, rows: NodeRows): void {
    this.#withdraw(key)
    for (const { writer } of rows.values()) this.#ends.delete(writer)
    this.#nodes.delete(key)
  }

  /** The reports of earlier servers are not needed while one serves. */
  #keepOnly(rows: NodeRows, current: Held<NodeCapacity>): void {
    for (const { writer } of [...rows.values()]) {
      if (writer === current.writer || this.#verdictOf(writer) !== undefined) continue
      rows.remove(writer)
      this.#ends.delete(writer)
    }
  }

  readonly #verdictOf = (writer: EntityGuid): Verdict | undefined => {
    const guid = participantOf(writer)
    return guid === this.#participant.guid ? aliveVerdict(0) : this.#participant.peer(guid)?.verdict
  }
}

function liveWorkers({ workers }: NodeCapacity): number {
  return workers.available + workers.busy + workers.unhealthy + workers.draining
}
