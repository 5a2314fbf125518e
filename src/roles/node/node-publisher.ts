import { countFailure } from '../../core/count-failure.js'
import type { EntityGuid } from '../../core/ids.js'
import { keyFrom } from '../../plane/keys.js'
import { type NodeCapacity, nodeCapacity } from '../../plane/node-capacity.js'
import { nodeRoster, type RosterRow } from '../../plane/node-roster.js'
import { downPartition, planePartition } from '../../plane/partitions.js'
import { type WorkerClaim, workerClaim } from '../../plane/worker-claim.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Writer } from '../../pubsub/writer/writer.js'
import type { Roster } from './roster.js'
import type { ZoneReading } from './zone-readings.js'

/** All that who serves a node writes: to the plane its capacity and its rows, to its workers whose a name is. */
export class NodePublisher {
  readonly #participant: Participant
  readonly #roster: Roster
  readonly #node: { readonly numaNode: number; readonly adopted: boolean }
  readonly #capacity: Writer<NodeCapacity>
  readonly #rows: Writer<RosterRow>
  readonly #claims: Writer<WorkerClaim>

  constructor(
    participant: Participant,
    roster: Roster,
    node: { readonly numaNode: number; readonly adopted: boolean },
  ) {
    this.#participant = participant
    this.#roster = roster
    this.#node = node
    const down = downPartition(participant.identity.bootId, node.numaNode)
    this.#capacity = participant.writer(nodeCapacity, { partition: planePartition })
    this.#rows = participant.writer(nodeRoster, { partition: planePartition })
    this.#claims = participant.writer(workerClaim, { partition: down })
  }

  /** By which its own rows are told from those of others. */
  get rowWriter(): EntityGuid {
    return this.#rows.guid
  }

  /** What has changed in the roster, and the node. */
  publish(reading: ZoneReading): void {
    const { clock, identity } = this.#participant
    const keyOf = (workerId: string): string => keyFrom([identity.bootId, String(this.#node.numaNode), workerId])
    for (const row of this.#roster.takeChanged(clock.nowMs())) this.#publish(() => this.#rows.write(row))
    for (const workerId of this.#roster.takeRemoved()) this.#publish(() => this.#rows.dispose(keyOf(workerId)))
    const { decided, settled } = this.#roster.takeClaims()
    for (const claim of decided) this.#publish(() => this.#claims.write(claim))
    for (const workerId of settled) this.#publish(() => this.#claims.dispose(workerId))
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
    }
    this.#publish(() => this.#capacity.write(capacity))
  }

  /** Hands what somebody waits for to the lanes now. */
  flush(): void {
    this.#rows.flush()
    this.#claims.flush()
  }

  close(): void {
    for (const writer of [this.#capacity, this.#rows, this.#claims]) writer.close()
  }

  /** Counts what cannot be published: a reading that the schema refuses, a participant that its owner has closed. */
  #publish(write: () => void): void {
    countFailure(this.#participant.counters, 'collector.publish-failed', write)
  }
}
