import { closeEach } from '../../core/close-all.js'
import type { EntityGuid } from '../../core/ids.js'
import { countFailure } from '../../core/reporting/count-failure.js'
import { type NodeCapacity, nodeCapacity } from '../../plane/node/node-capacity.js'
import { nodeRoster, type RosterRow } from '../../plane/node/node-roster.js'
import { keyFrom } from '../../plane/vocabulary/keys.js'
import { downPartition, planePartition } from '../../plane/vocabulary/partitions.js'
import { type WorkerClaim, workerClaim } from '../../plane/worker/worker-claim.js'
import { type WorkerEnd, workerEnd } from '../../plane/worker/worker-end.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import type { KernelWatch } from './kernel-watch.js'
import type { ZoneReading } from './readings/zone-readings.js'
import type { Roster } from './roster.js'

export interface NodePublisherComponents {
  readonly participant: Participant
  readonly roster: Roster
  readonly kernel: Pick<KernelWatch, 'isWatching'>
}

/**
 * Writes what the server of a node publishes: the node's capacity, its rows and the ends of its workers to the plane,
 * and decisions on contested names to its workers.
 */
export class NodePublisher {
  readonly #participant: Participant
  readonly #roster: Roster
  readonly #kernel: Pick<KernelWatch, 'isWatching'>
  readonly #node: { readonly numaNode: number; readonly adopted: boolean }
  readonly #capacity: Writer<NodeCapacity>
  readonly #rows: Writer<RosterRow>
  readonly #ends: Writer<WorkerEnd>
  readonly #claims: Writer<WorkerClaim>

  constructor(
    { participant, roster, kernel }: NodePublisherComponents,
    node: { readonly numaNode: number; readonly adopted: boolean },
  ) {
    this.#participant = participant
    this.#roster = roster
    this.#kernel = kernel
    this.#node = node
    const down = downPartition(participant.identity.bootId, node.numaNode)
    this.#capacity = participant.writer(nodeCapacity, { partition: planePartition })
    this.#rows = participant.writer(nodeRoster, { partition: planePartition })
    this.#ends = participant.writer(workerEnd, { partition: planePartition })
    this.#claims = participant.writer(workerClaim, { partition: down })
  }

  /** Identifies its own rows. */
  get rowWriter(): EntityGuid {
    return this.#rows.guid
  }

  /** Identifies the ends that it has written. */
  get endWriter(): EntityGuid {
    return this.#ends.guid
  }

  /** Publishes what has changed in the roster, and the node's capacity. */
  publish(reading: ZoneReading): void {
    const { clock, identity } = this.#participant
    const keyOf = (workerId: string): string => keyFrom([identity.bootId, String(this.#node.numaNode), workerId])
    for (const row of this.#roster.takeChanged(clock.nowMs())) this.#write(() => this.#rows.write(row))
    for (const workerId of this.#roster.takeRemoved()) this.#write(() => this.#rows.dispose(keyOf(workerId)))
    const { ended, withdrawn } = this.#roster.takeEnds(clock.nowMs())
    for (const end of ended) this.#write(() => this.#ends.write(end))
    for (const key of withdrawn) this.#write(() => this.#ends.dispose(key))
    const { decided, settled } = this.#roster.takeClaims(clock.nowMs())
    for (const claim of decided) this.#write(() => this.#claims.write(claim))
    for (const workerId of settled) this.#write(() => this.#claims.dispose(workerId))
    this.publishCapacity(reading)
  }

  publishCapacity(reading: ZoneReading): void {
    const { identity, incarnation } = this.#participant
    const capacity: NodeCapacity = {
      host: identity.host,
      numaNode: this.#node.numaNode,
      bootId: identity.bootId,
      collectorPid: identity.pid,
      collectorIncarnation: incarnation,
      adopted: this.#node.adopted,
      ...reading,
      workers: this.#roster.totals(),
      rosterRows: this.#roster.size,
      unwatchedWorkers: this.#roster.liveParticipants().filter((guid) => !this.#kernel.isWatching(guid)).length,
    }
    this.#write(() => this.#capacity.write(capacity))
  }

  /** Sends changes of rows, ends and names now. */
  flush(): void {
    this.#rows.flush()
    this.#ends.flush()
    this.#claims.flush()
  }

  close(): void {
    closeEach([this.#capacity, this.#rows, this.#ends, this.#claims].map((writer) => () => writer.close()))
  }

  /** Counts what cannot be published: a reading that the schema refuses, a participant that its owner has closed. */
  #write(write: () => void): void {
    countFailure(this.#participant.counters, 'collector.publish-failed', write)
  }
}
