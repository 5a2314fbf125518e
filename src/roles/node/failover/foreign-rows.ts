import { type EntityGuid, type Guid, participantOf } from '../../../core/ids.js'
import { nodeRoster, type RosterRow } from '../../../plane/node/node-roster.js'
import { keyParts } from '../../../plane/vocabulary/keys.js'
import { planePartition } from '../../../plane/vocabulary/partitions.js'
import { type NodeIdentity, nodeTarget } from '../../../plane/vocabulary/targets.js'
import type { Peer } from '../../../pubsub/model/peer.js'
import type { Sample } from '../../../pubsub/model/sample.js'
import type { Participant } from '../../../pubsub/participant.js'
import type { Reader } from '../../../pubsub/reader/reader.js'
import type { RosterChanges } from '../publish-schedule.js'
import type { Roster } from '../roster.js'
import type { UnconfirmedEntry, UnconfirmedWorkers } from './unconfirmed-workers.js'

export interface ForeignRowsComponents {
  readonly participant: Participant
  readonly node: NodeIdentity
  readonly roster: Roster
  readonly unconfirmed: UnconfirmedWorkers
  readonly changes: RosterChanges
  /** The writer of this server's own rows. */
  readonly ownWriter: EntityGuid
}

/**
 * Receives the roster rows of other servers. A row of this node is what an earlier server knew of a worker. A row of
 * another node may be a rival claim to the name of a worker of this node.
 */
export class ForeignRows {
  readonly #components: ForeignRowsComponents
  readonly #reader: Reader<RosterRow>
  /** The workers that the rows of each other server of this node name. */
  readonly #named = new Map<Guid, Set<string>>()

  /** @param known rows that were received before */
  constructor(components: ForeignRowsComponents, known: readonly Sample<RosterRow>[]) {
    this.#components = components
    this.#reader = components.participant.reader(nodeRoster, {
      partition: planePartition,
      keyFilter: (key) => this.#concernsThisNode(key),
    })
    this.#reader.onSample((sample) => this.#onSample(sample))
    for (const sample of known) this.#onSample(sample)
    for (const [, sample] of this.#reader.entries()) this.#onSample(sample)
  }

  /** Whether the rows of another server name every live worker of the roster. */
  covers(participant: Guid): boolean {
    const named = this.#named.get(participant)
    return this.#components.roster.liveWorkers().every((workerId) => named?.has(workerId) ?? false)
  }

  /** A participant has left. If it was an unconfirmed worker that died, its end goes to the roster. */
  onLeft({ guid, verdict }: Peer, nowMs: number): void {
    this.#named.delete(guid)
    if (verdict.liveliness !== 'dead') return
    const end = this.#components.unconfirmed.ended(guid, verdict)
    if (end === undefined) return
    this.#inherit(end, nowMs)
    this.#components.changes.publishNow()
  }

  /** Judges the workers that only rows of earlier servers name. */
  judge(nowMs: number): void {
    const judged = this.#components.unconfirmed.judge(nowMs)
    for (const entry of judged) this.#inherit(entry, nowMs)
    if (judged.length > 0) this.#components.changes.publishNow()
  }

  /** Idempotent. */
  close(): void {
    this.#reader.close()
  }

  #onSample({ key, value: row, instanceState, token, writtenMs }: Sample<RosterRow>): void {
    const { participant, roster, unconfirmed, changes, ownWriter } = this.#components
    if (token.writer === ownWriter) return
    const nowMs = participant.clock.nowMs()
    const server = participantOf(token.writer)
    if (row === undefined || instanceState === 'disposed') {
      this.#onDisposed(key, server)
      return
    }
    if (!this.#isOfThisNode(row)) {
      if (instanceState !== 'no-writers' && roster.applyForeign(row, nowMs)) changes.publishPaced()
      return
    }
    if (instanceState !== 'no-writers') {
      this.#named.set(server, (this.#named.get(server) ?? new Set()).add(row.workerId))
    }
    if (roster.knows(row.workerId, participantOf(row.sourceWriter as EntityGuid))) return
    const dead = unconfirmed.offer(row, writtenMs)
    if (dead === undefined) return
    this.#inherit(dead, nowMs)
    changes.publishPaced()
  }

  #onDisposed(key: string, server: Guid): void {
    const { roster, changes } = this.#components
    const { workerId, ...node } = rowKey(key)
    this.#named.get(server)?.delete(workerId)
    if (this.#isOfThisNode(node)) return
    if (roster.removeForeign(workerId, nodeTarget(node))) changes.publishPaced()
  }

  #inherit({ row, rowTimeMs, verdict }: UnconfirmedEntry, nowMs: number): void {
    this.#components.roster.inherit(row, rowTimeMs, verdict, nowMs)
  }

  /** Of all rows of the fleet only this node's, and rival claims to the names of its workers. */
  #concernsThisNode(key: string): boolean {
    const { workerId, ...node } = rowKey(key)
    return this.#components.roster.has(workerId) || this.#isOfThisNode(node)
  }

  #isOfThisNode({ bootId, numaNode }: NodeIdentity): boolean {
    const { node } = this.#components
    return numaNode === node.numaNode && bootId === node.bootId
  }
}

function rowKey(key: string): NodeIdentity & { readonly workerId: string } {
  const [bootId = '', numaNode = '', workerId = ''] = keyParts(key)
  return { bootId, numaNode: Number(numaNode), workerId }
}
