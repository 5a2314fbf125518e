import { closeEach } from '../../core/close-all.js'
import { type Guid, participantOf } from '../../core/ids.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { RosterRow } from '../../plane/node/node-roster.js'
import { upPartition } from '../../plane/vocabulary/partitions.js'
import type { NodeIdentity } from '../../plane/vocabulary/targets.js'
import { workerCapacity } from '../../plane/worker/worker-capacity.js'
import type { WorkerEnd } from '../../plane/worker/worker-end.js'
import { type WorkerState, workerState } from '../../plane/worker/worker-state.js'
import type { PeerEvent } from '../../pubsub/model/events.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { EndKeeper } from './end-keeper.js'
import { ForeignRows } from './failover/foreign-rows.js'
import { UnconfirmedWorkers } from './failover/unconfirmed-workers.js'
import type { KernelWatch } from './kernel-watch.js'
import { NodePublisher } from './node-publisher.js'
import { openNodeRelays } from './node-relays.js'
import { PublishSchedule, rosterRefreshMs } from './publish-schedule.js'
import type { ZoneReading, ZoneReadings } from './readings/zone-readings.js'
import { Roster } from './roster.js'

export interface NodeServiceComponents {
  readonly participant: Participant
  /** Measures the node. Closed with the service. */
  readonly readings: ZoneReadings
  readonly kernel: KernelWatch
  /** Ends of worker processes that earlier servers of the host's nodes have found. */
  readonly ends: EndKeeper
  /** The latest rows of earlier servers of the node. @default only rows that other servers still publish */
  readonly rows?: readonly Sample<RosterRow>[]
}

export interface NodeServiceOptions {
  readonly numaNode: number
  /** It stands in for the node's own collector. */
  readonly adopted: boolean
  readonly deadRetentionMs: number
  readonly capacityIntervalMs: number
  readonly rosterIntervalMs: number
  readonly probationMs: number
}

/** How long the first publication may wait for workers that do not answer. */
const firstPublicationMs = 1_000
/** Lease of a worker that only rows of an earlier server name, where the kernel cannot be asked. */
const unconfirmedLeaseMs = 3_000

/**
 * Serves one NUMA node: receives from its workers, keeps their roster, measures the node and publishes both, decides
 * between several claims to one name, and relays requests down and reports up. The node's collector does so as long as
 * it runs, another process of the host while the collector is away.
 */
export class NodeService {
  readonly numaNode: number
  readonly roster: Roster
  readonly #participant: Participant
  readonly #node: NodeIdentity
  readonly #readings: ZoneReadings
  readonly #kernel: KernelWatch
  readonly #ends: EndKeeper
  readonly #unconfirmed: UnconfirmedWorkers
  readonly #foreign: ForeignRows
  readonly #publisher: NodePublisher
  readonly #schedule: PublishSchedule
  /** What makes the service act; closed first. */
  readonly #triggers: readonly { close(): void }[]
  readonly #closers: (() => void)[]
  #reading: ZoneReading
  #endsDropped = 0

  /** @throws NumacastError NUMACAST_NOT_FOUND when the machine has no such node; the readings are closed then */
  constructor(components: NodeServiceComponents, options: NodeServiceOptions) {
    const { participant, readings, kernel, ends, rows = [] } = components
    const { numaNode } = options
    const { clock, identity } = participant
    try {
      this.#reading = readings.read()
    } catch (error) {
      readings.close()
      throw error
    }
    this.numaNode = numaNode
    this.#participant = participant
    this.#node = { bootId: identity.bootId, numaNode }
    this.#readings = readings
    this.#kernel = kernel
    this.#ends = ends
    this.roster = new Roster({ ...options, bootId: identity.bootId })
    this.#unconfirmed = new UnconfirmedWorkers(unconfirmedLeaseMs, {
      read: kernel.read,
      listening: participant.listening,
      receivesFrom: (guid) => participant.hasPeer(guid),
    })
    this.#publisher = new NodePublisher({ participant, roster: this.roster, kernel }, options)
    this.#schedule = new PublishSchedule(clock, options.rosterIntervalMs, {
      publish: () => this.#publisher.publish(this.#reading),
      flush: () => this.#publisher.flush(),
    })

    const partition = upPartition(identity.bootId, numaNode)
    const states = participant.reader(workerState, { partition })
    const capacities = participant.reader(workerCapacity, { partition })
    states.onSample((sample) => this.#onState(sample))
    capacities.onSample((sample) => {
      if (this.roster.applyCapacity(sample)) this.#schedule.publishPaced()
    })
    this.#foreign = new ForeignRows(
      {
        participant,
        node: this.#node,
        roster: this.roster,
        unconfirmed: this.#unconfirmed,
        changes: this.#schedule,
        ownWriter: this.#publisher.rowWriter,
      },
      rows,
    )
    const relays = openNodeRelays(participant, this.#node, this.roster)
    this.#triggers = [
      this.#schedule,
      participant.onPeer((event) => this.#onPeer(event)),
      new RepeatingTimer(clock, options.capacityIntervalMs, () => this.#measure()),
      new RepeatingTimer(clock, rosterRefreshMs, () => this.roster.refresh()),
    ]
    const foreignEnds = ends.onEnd((sample) => this.#onForeignEnd(sample))
    this.#closers = [states, capacities, this.#foreign, foreignEnds, relays, this.#publisher, readings].map(
      (part) => () => part.close(),
    )
    const limit = clock.after(firstPublicationMs, () => this.#start())
    states.synced().then(
      () => {
        limit.cancel()
        this.#start()
      },
      () => limit.cancel(),
    )
  }

  /** Whether the rows of another server of the node name every live worker of this roster. */
  isCoveredBy(participant: Guid): boolean {
    return this.#foreign.covers(participant)
  }

  /** Publishes nothing more. Readers and writers stay open until {@link close}. */
  stop(): void {
    closeEach(this.#triggers.map((trigger) => () => trigger.close()))
  }

  /** Idempotent. */
  close(): void {
    closeEach([() => this.stop(), ...this.#closers.splice(0)])
  }

  /** Publishes once every worker had the chance to answer: an earlier roster would be incomplete. */
  #start(): void {
    if (!this.#schedule.isStarted) this.#read()
    this.#schedule.start()
  }

  #onState(sample: Sample<WorkerState>): void {
    const { clock, counters } = this.#participant
    const nowMs = clock.nowMs()
    const guid = participantOf(sample.token.writer)
    const peer = this.#participant.peer(guid)
    if (this.#isForeign(sample.value, peer)) {
      counters.add('roster.rejected.foreign-host')
      return
    }
    this.#unconfirmed.confirm(guid)
    // First, because the liveliness of a claimant decides which one holds the name.
    if (peer !== undefined) this.roster.applyVerdict(guid, peer.verdict, nowMs)
    const acceptance = this.roster.applyState(sample, nowMs)
    if (acceptance === 'stale-sequence' || acceptance === 'lost-claim') counters.add(`roster.rejected.${acceptance}`)
    if (acceptance === 'stale-sequence') return
    this.#kernel.watch(guid)
    if (acceptance === 'took-over') this.#schedule.publishNow()
    else this.#schedule.publishPaced()
  }

  /**
   * Workers report to the collector of their own host. A participant of another host is never declared dead for silence,
   * so its claim to a name would not end.
   */
  #isForeign(state: WorkerState | undefined, peer: Peer | undefined): boolean {
    const { bootId } = this.#node
    return (state !== undefined && state.bootId !== bootId) || (peer !== undefined && peer.identity.bootId !== bootId)
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    const nowMs = this.#participant.clock.nowMs()
    if (kind === 'left') {
      this.#kernel.unwatch(peer.guid)
      this.#foreign.onLeft(peer, nowMs)
    }
    const changed = this.roster.applyVerdict(peer.guid, peer.verdict, nowMs)
    this.#onWorkerPeer(kind, peer, nowMs)
    if (kind === 'left') this.roster.removeParticipant(peer.guid)
    if (changed || this.roster.hasEndNews) this.#schedule.publishNow()
  }

  /** A worker's descriptor may come before its first report, and so may its end. */
  #onWorkerPeer(kind: PeerEvent['kind'], peer: Peer, nowMs: number): void {
    const { role, workerId, numaNode } = peer.properties
    if (role !== 'worker' || numaNode !== this.numaNode || typeof workerId !== 'string') return
    if (peer.identity.bootId !== this.#node.bootId) return
    if (kind === 'joined') this.#kernel.watch(peer.guid)
    const hasEnded = kind === 'left' && peer.verdict.liveliness === Liveliness.dead
    if (!hasEnded || this.roster.knows(workerId, peer.guid)) return
    this.roster.endedBeforeReport(peer, workerId, this.numaNode, nowMs)
    this.#schedule.publishNow()
  }

  #onForeignEnd({ key, value: end, token, writtenMs }: Sample<WorkerEnd>): void {
    if (end === undefined || token.writer === this.#publisher.endWriter) return
    if (end.numaNode !== this.numaNode || end.bootId !== this.#node.bootId) return
    if (this.roster.applyForeignEnd(end, writtenMs)) this.#ends.withdraw(key)
  }

  #measure(): void {
    const nowMs = this.#participant.clock.nowMs()
    this.roster.expire(nowMs)
    this.#countDroppedEnds()
    this.#foreign.judge(nowMs)
    if (!this.#read()) return
    this.#schedule.publishPaced()
    if (this.#schedule.isStarted) this.#publisher.publishCapacity(this.#reading)
  }

  #countDroppedEnds(): void {
    const dropped = this.roster.endsDropped - this.#endsDropped
    if (dropped === 0) return
    this.#endsDropped += dropped
    this.#participant.counters.add('roster.end-dropped', dropped)
  }

  /** False when it failed. The last reading remains, and its age shows, because node.capacity is not written again. */
  #read(): boolean {
    try {
      this.#reading = this.#readings.read()
      return true
    } catch (error) {
      this.#participant.counters.addError('collector.reading-failed', error)
      return false
    }
  }
}
