import { Coalescer } from '../../core/coalescer.js'
import { type Guid, participantOf } from '../../core/ids.js'
import type { Subscription } from '../../core/listeners.js'
import { RepeatingTimer } from '../../core/repeating-timer.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { keyParts } from '../../plane/keys.js'
import { nodeRoster, type RosterRow } from '../../plane/node-roster.js'
import { downPartition, planePartition, upPartition } from '../../plane/partitions.js'
import { everyone, type NodeIdentity, nodeTarget } from '../../plane/targets.js'
import { workerCapacity } from '../../plane/worker-capacity.js'
import type { WorkerEnd } from '../../plane/worker-end.js'
import { type WorkerState, workerState } from '../../plane/worker-state.js'
import type { PeerEvent } from '../../pubsub/model/events.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { EndKeeper } from './end-keeper.js'
import type { KernelWatch } from './kernel-watch.js'
import { NodePublisher } from './node-publisher.js'
import { keepRequests, type RelayTarget, relayReports, relayRequests } from './relays.js'
import { Roster } from './roster.js'
import { UnconfirmedWorkers } from './unconfirmed-workers.js'
import type { ZoneReading, ZoneReadings } from './zone-readings.js'

export interface NodeServiceComponents {
  readonly participant: Participant
  /** What it measures of the node; closed with the service. */
  readonly readings: ZoneReadings
  readonly kernel: KernelWatch
  /** Ends of worker processes that earlier servers of the host's nodes have found. */
  readonly ends: EndKeeper
  /** What those who served the node before last said of its workers. @default none but what others still say */
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

/** Rows are written again after this, so that their age and the silence of who writes them can be told apart. */
const rosterRefreshMs = 5_000
/** A change of liveliness waits for no pace; of many at once, as when a host's workers restart, this bounds the rate. */
const urgentIntervalMs = 5
/** How long the first word may wait for workers that do not answer. */
const firstWordMs = 1_000
/** Silence of a worker that was only ever heard of, where the kernel cannot be asked. */
const inheritedLeaseMs = 3_000

/**
 * Serves one NUMA node: hears its workers, keeps their roster, measures the node and tells the plane, decides between
 * two claims to one name, and relays requests down and reports up. The node's collector does so for good, another one
 * for as long as that one is away.
 */
export class NodeService {
  readonly numaNode: number
  readonly roster: Roster
  readonly #participant: Participant
  readonly #readings: ZoneReadings
  readonly #kernel: KernelWatch
  readonly #ends: EndKeeper
  readonly #inherited: UnconfirmedWorkers
  readonly #publisher: NodePublisher
  readonly #pacedPublisher: Coalescer
  readonly #urgent: Coalescer
  readonly #repeating: RepeatingTimer[]
  readonly #hearing: Subscription
  readonly #closers: (() => void)[]
  /** Per other server of this node, the workers that its rows name. */
  readonly #rowsOf = new Map<Guid, Set<string>>()
  #reading: ZoneReading
  #endsDropped = 0
  #speaks = false
  #stopped = false

  /** @throws NumacastError NUMACAST_NOT_FOUND when the machine has no such node; it has closed the readings then */
  constructor(components: NodeServiceComponents, options: NodeServiceOptions) {
    const { participant, readings, kernel, ends, rows: known = [] } = components
    const { numaNode } = options
    const { clock, identity } = participant
    try {
      this.#reading = readings.read()
    } catch (error) {
      readings.close()
      throw error
    }
    const up = upPartition(identity.bootId, numaNode)
    const down = downPartition(identity.bootId, numaNode)
    this.numaNode = numaNode
    this.#participant = participant
    this.#readings = readings
    this.#kernel = kernel
    this.#ends = ends
    this.roster = new Roster({ ...options, bootId: identity.bootId })
    this.#inherited = new UnconfirmedWorkers(inheritedLeaseMs, {
      read: kernel.read,
      listening: participant.listening,
      hears: (guid) => participant.hears(guid),
    })
    this.#publisher = new NodePublisher(participant, this.roster, options)
    this.#pacedPublisher = new Coalescer(
      clock,
      options.rosterIntervalMs,
      () => this.#publisher.publish(this.#reading),
      { leading: 'after-poll', refreshMs: rosterRefreshMs },
    )
    this.#urgent = new Coalescer(clock, urgentIntervalMs, () => {
      this.#pacedPublisher.now()
      this.#publisher.flush()
    })

    const states = participant.reader(workerState, { partition: up })
    const capacities = participant.reader(workerCapacity, { partition: up })
    const rows = participant.reader(nodeRoster, {
      partition: planePartition,
      // Of all the fleet's rows only those that bear on this node: its own, and rival claims to its workers' names.
      keyFilter: (key) => this.#bearsOnThisNode(key),
    })
    states.onSample((sample) => this.#heard(sample))
    capacities.onSample((sample) => {
      this.roster.applyCapacity(sample)
      this.#touch()
    })
    rows.onSample((sample) => this.#toldByOthers(sample))
    for (const sample of known) this.#toldByOthers(sample)
    for (const [, sample] of rows.entries()) this.#toldByOthers(sample)
    this.#hearing = participant.onPeer((event) => this.#onPeer(event))
    const foreignEnds = ends.onEnd((sample) => this.#onForeignEnd(sample))
    const requests = relayRequests(participant, planePartition, down)
    const kept = keepRequests(participant, planePartition, this.#audience())
    const reports = relayReports(participant, up, planePartition)
    this.#repeating = [
      new RepeatingTimer(clock, options.capacityIntervalMs, () => this.#measure()),
      new RepeatingTimer(clock, rosterRefreshMs, () => this.roster.refresh()),
    ]
    this.#closers = [
      () => states.close(),
      () => capacities.close(),
      () => rows.close(),
      () => foreignEnds.close(),
      () => requests.close(),
      () => kept.close(),
      () => reports.close(),
      () => this.#publisher.close(),
      () => this.#readings.close(),
    ]
    const limit = clock.after(firstWordMs, () => this.#speak())
    states.synced().then(
      () => {
        limit.cancel()
        this.#speak()
      },
      () => limit.cancel(),
    )
  }

  /** Whether another server of the node has told of every worker that lives in this roster. */
  isCoveredBy(participant: Guid): boolean {
    const told = this.#rowsOf.get(participant)
    return this.roster.liveWorkers().every((workerId) => told?.has(workerId) ?? false)
  }

  /** Says nothing more; readers and writers stay open until {@link close}. */
  stop(): void {
    this.#stopped = true
    this.#pacedPublisher.close()
    this.#urgent.close()
    this.#hearing.close()
    for (const repeating of this.#repeating) repeating.close()
  }

  /** Twice is fine. */
  close(): void {
    this.stop()
    for (const close of this.#closers.splice(0)) close()
  }

  /** What was said before every worker had the chance to answer would be half of the truth. */
  #speak(): void {
    if (this.#speaks || this.#stopped) return
    this.#speaks = true
    this.#read()
    this.#pacedPublisher.now()
  }

  #heard(sample: Sample<WorkerState>): void {
    const { clock, counters } = this.#participant
    const nowMs = clock.nowMs()
    const guid = participantOf(sample.token.writer)
    const peer = this.#participant.peer(guid)
    this.#inherited.heard(guid)
    // First: whether a claimant lives decides whose the name is.
    if (peer !== undefined) this.roster.applyVerdict(guid, peer.verdict, nowMs)
    const acceptance = this.roster.applyState(sample, nowMs)
    if (acceptance === 'stale-sequence' || acceptance === 'lost-claim') counters.add(`roster.rejected.${acceptance}`)
    if (acceptance === 'stale-sequence') return
    this.#kernel.watch(guid)
    if (acceptance === 'took-over') this.#hurry()
    else this.#touch()
  }

  #onPeer({ kind, peer }: PeerEvent): void {
    const nowMs = this.#participant.clock.nowMs()
    if (kind === 'left') {
      this.#kernel.unwatch(peer.guid)
      if (peer.verdict.liveliness === Liveliness.dead) this.#endInherited(peer, nowMs)
    }
    const changed = this.roster.applyVerdict(peer.guid, peer.verdict, nowMs)
    this.#watchWorker(kind, peer, nowMs)
    if (kind === 'left') {
      this.roster.removeParticipant(peer.guid)
      this.#rowsOf.delete(peer.guid)
    }
    if (changed || this.roster.hasEndNews) this.#hurry()
  }

  #onForeignEnd({ key, value: end, token, originTimeMs }: Sample<WorkerEnd>): void {
    if (end === undefined || end.numaNode !== this.numaNode || token.writer === this.#publisher.endWriter) return
    if (end.bootId !== this.#participant.identity.bootId) return
    if (this.roster.applyForeignEnd(end, originTimeMs)) this.#ends.withdraw(key)
  }

  #audience(): RelayTarget {
    const own = nodeTarget({ bootId: this.#participant.identity.bootId, numaNode: this.numaNode })
    const isNode = (target: string): boolean => target === own || target === everyone
    return {
      intent: (kind, target) => {
        switch (kind) {
          case 'drain':
          case 'prefer-shard':
            return this.roster.has(target)
          case 'pause-node':
          case 'rebalance':
            return isNode(target)
          case 'throttle-queue':
            return true
        }
      },
      scope: (scope) => isNode(scope) || this.roster.has(scope),
    }
  }

  /** A worker's descriptor may come before its first word, and its end as well. */
  #watchWorker(kind: PeerEvent['kind'], peer: Peer, nowMs: number): void {
    const { role, workerId, numaNode } = peer.properties
    if (role !== 'worker' || numaNode !== this.numaNode || typeof workerId !== 'string') return
    if (peer.identity.bootId !== this.#participant.identity.bootId) return
    if (kind === 'joined') this.#kernel.watch(peer.guid)
    if (kind !== 'left' || peer.verdict.liveliness !== 'dead' || this.roster.knows(workerId, peer.guid)) return
    this.roster.endedUnheard(peer, workerId, this.numaNode, nowMs)
    this.#hurry()
  }

  /** By the key of a roster's row. */
  #bearsOnThisNode(key: string): boolean {
    const [bootId = '', node = '', workerId = ''] = keyParts(key)
    return this.roster.has(workerId) || this.#isOfThisNode({ bootId, numaNode: Number(node) })
  }

  #isOfThisNode({ bootId, numaNode }: NodeIdentity): boolean {
    return numaNode === this.numaNode && bootId === this.#participant.identity.bootId
  }

  /** A row by another server: of this node, what was known before; of another node, perhaps a rival claim. */
  #toldByOthers({ key, value: row, instanceState, token, originTimeMs }: Sample<RosterRow>): void {
    if (token.writer === this.#publisher.rowWriter) return
    const nowMs = this.#participant.clock.nowMs()
    const by = participantOf(token.writer)
    if (row === undefined || instanceState === 'disposed') {
      const [bootId = '', node = '', workerId = ''] = keyParts(key)
      this.#rowsOf.get(by)?.delete(workerId)
      const numaNode = Number(node)
      if (this.#isOfThisNode({ bootId, numaNode })) return
      if (this.roster.removeForeign(workerId, nodeTarget({ bootId, numaNode }))) this.#touch()
      return
    }
    if (!this.#isOfThisNode(row)) {
      if (instanceState !== 'no-writers' && this.roster.applyForeign(row, nowMs)) this.#touch()
      return
    }
    if (instanceState !== 'no-writers') this.#rowsOf.set(by, (this.#rowsOf.get(by) ?? new Set()).add(row.workerId))
    if (this.roster.knows(row.workerId, participantOf(row.sourceWriter as typeof token.writer))) return
    const dead = this.#inherited.offer(row, originTimeMs)
    if (dead === undefined) return
    this.roster.inherit(dead.row, dead.rowTimeMs, dead.verdict, nowMs)
    this.#touch()
  }

  #endInherited({ guid, verdict }: Peer, nowMs: number): void {
    const end = this.#inherited.ended(guid, verdict)
    if (end === undefined) return
    this.roster.inherit(end.row, end.rowTimeMs, end.verdict, nowMs)
    this.#hurry()
  }

  #judgeInherited(nowMs: number): void {
    const judged = this.#inherited.judge(nowMs)
    for (const { row, rowTimeMs, verdict } of judged) this.roster.inherit(row, rowTimeMs, verdict, nowMs)
    if (judged.length > 0) this.#hurry()
  }

  #measure(): void {
    const nowMs = this.#participant.clock.nowMs()
    this.roster.expire(nowMs)
    this.#countDroppedEnds()
    this.#judgeInherited(nowMs)
    if (!this.#read()) return
    this.#touch()
    if (this.#speaks) this.#publisher.publishCapacity(this.#reading)
  }

  #countDroppedEnds(): void {
    const dropped = this.roster.endsDropped - this.#endsDropped
    if (dropped === 0) return
    this.#endsDropped += dropped
    this.#participant.counters.add('roster.end-dropped', dropped)
  }

  /** False when it failed: the last reading stands, and its age shows, because node.capacity is not written again. */
  #read(): boolean {
    try {
      this.#reading = this.#readings.read()
      return true
    } catch (error) {
      this.#participant.counters.addError('collector.reading-failed', error)
      return false
    }
  }

  #touch(): void {
    if (this.#speaks) this.#pacedPublisher.touch()
  }

  #hurry(): void {
    if (this.#speaks) this.#urgent.touch()
  }
}
