import { closeEach } from '../../../core/close-all.js'
import { type Guid, participantOf } from '../../../core/ids.js'
import { RepeatingTimer } from '../../../core/time/repeating-timer.js'
import { Liveliness } from '../../../liveliness/verdict.js'
import { type NodeCapacity, nodeCapacity } from '../../../plane/node/node-capacity.js'
import { nodeRoster, type RosterRow, uncheckedRoster } from '../../../plane/node/node-roster.js'
import { keyParts } from '../../../plane/vocabulary/keys.js'
import { planePartition } from '../../../plane/vocabulary/partitions.js'
import type { Peer } from '../../../pubsub/model/peer.js'
import type { Sample } from '../../../pubsub/model/sample.js'
import type { Participant } from '../../../pubsub/participant.js'
import type { Reader } from '../../../pubsub/reader/reader.js'
import type { KernelWatch } from '../kernel-watch.js'
import type { NodeService } from '../node-service.js'
import {
  compareCandidates,
  decideFailover,
  type FailoverCandidate,
  failoverTerms,
  isHalted,
  serves,
} from './failover-policy.js'
import { type OtherNode, otherNode, type Server } from './other-node.js'

export interface NodeFailoverComponents {
  readonly participant: Participant
  /** The collector's own node, which also is its rank; null for a scheduler. */
  readonly numaNode: number | null
  readonly kernel: KernelWatch
  /** Begins to serve a node, from the rows of its last server. @throws what measuring the node throws */
  readonly adopt: (numaNode: number, rows: readonly Sample<RosterRow>[]) => NodeService
}

const checkEveryMs = 250
/** A node that could not be served is tried again after this. */
const retryAfterMs = 30_000

/**
 * Serves other nodes of this host in the place of their collectors. A node is adopted when its own collector is gone,
 * stopped, or busy for long. It is also adopted when it has no collector and one of its workers reports this. The first
 * candidate that is alive adopts it, and stops once the owner, or a candidate that comes before it, has taken over. All
 * candidates decide by the same rule from what all can see. While their views differ two may serve one node for a
 * moment, which only costs traffic.
 */
export class NodeFailover {
  readonly #components: NodeFailoverComponents
  readonly #nodes = new Map<number, OtherNode>()
  /** Since when stalled peers have been stalled, whatever the cause. */
  #stalledSince: ReadonlyMap<Guid, number> = new Map()
  /** The latest rows of the host's other nodes: an adopter has to know which workers to ask for. */
  readonly #rows: Reader<RosterRow>
  readonly #checking: RepeatingTimer
  readonly #closers: (() => void)[]
  #closed = false

  constructor(components: NodeFailoverComponents) {
    const { participant, numaNode } = components
    this.#components = components
    const capacities = participant.reader(nodeCapacity, {
      partition: planePartition,
      filter: (node) => node.bootId === participant.identity.bootId && node.numaNode !== numaNode,
    })
    capacities.onSample((sample) => this.#onCapacity(sample))
    for (const [, sample] of capacities.entries()) this.#onCapacity(sample)
    const { bootId } = participant.identity
    this.#rows = participant.reader(uncheckedRoster(), {
      partition: planePartition,
      keyFilter: (key) => {
        const [of, node] = keyParts(key)
        return of === bootId && Number(node) !== numaNode
      },
    })
    const peers = participant.onPeer(({ peer }) => {
      if (peer.properties.role === 'collector') this.#check()
    })
    this.#checking = new RepeatingTimer(participant.clock, checkEveryMs, () => this.#check())
    this.#closers = [() => peers.close(), () => capacities.close(), () => this.#rows.close()]
  }

  /** The nodes that are served here in the place of their collectors. */
  get adopted(): readonly number[] {
    return [...this.#nodes].flatMap(([numaNode, { service }]) => (service === undefined ? [] : [numaNode]))
  }

  /** A worker of the node reports that no collector serves it. */
  want(numaNode: number): void {
    if (numaNode === this.#components.numaNode) {
      this.#components.participant.counters.add('collector.own-worker-unserved')
      return
    }
    this.#node(numaNode).isWanted = true
  }

  /** Adopts and releases no more. The adopted nodes publish nothing more. */
  stop(): void {
    this.#closed = true
    this.#checking.close()
    closeEach(
      [...this.#nodes.values()].map(
        ({ service }) =>
          () =>
            service?.stop(),
      ),
    )
  }

  /** Idempotent. */
  close(): void {
    closeEach([
      () => this.stop(),
      ...[...this.#nodes.values()].map(
        ({ service }) =>
          () =>
            service?.close(),
      ),
      ...this.#closers.splice(0),
    ])
  }

  #onCapacity({ value, instanceState, token, writtenMs }: Sample<NodeCapacity>): void {
    const { participant, kernel } = this.#components
    const guid = participantOf(token.writer)
    if (value === undefined || instanceState !== 'alive') return
    const node = this.#node(value.numaNode)
    const server = { guid, incarnation: value.collectorIncarnation, reportedMs: writtenMs }
    if (value.adopted) {
      if (guid !== participant.guid) node.standIns.set(guid, server)
      return
    }
    if (this.#isLater(node.owner, server)) return
    node.owner = server
    // Its end is then known at once.
    kernel.watch(guid)
  }

  /**
   * Whether the known owner is another process, joined later, and serves. An owner that is gone does not count, however
   * late it joined: clocks are set back, and numbers may be forged.
   */
  #isLater(known: Server | undefined, { guid, incarnation }: Server): boolean {
    return known !== undefined && known.guid !== guid && known.incarnation > incarnation && this.#serves(known.guid)
  }

  #check(): void {
    if (this.#closed) return
    const { participant } = this.#components
    const nowMs = participant.clock.nowMs()
    this.#updateStalled()
    const rivals = this.#rivals()
    for (const [numaNode, node] of this.#nodes) {
      const before = node.service
      const ownerServes = node.owner !== undefined && this.#serves(node.owner.guid)
      node.ownerGoneMs = ownerServes ? undefined : (node.ownerGoneMs ?? nowMs)
      this.#updateUse(node, nowMs)
      const successor = this.#successor(node, ownerServes, rivals)
      node.relievedMs = successor === undefined ? undefined : (node.relievedMs ?? nowMs)
      const decision = decideFailover(
        {
          ownerServes,
          ownerGoneMs: node.ownerGoneMs,
          isOwnerDown: node.owner !== undefined && this.#isDown(node.owner.guid),
          isOutranked: rivals.length > 0,
          isServing: before !== undefined,
          isDegraded: participant.health.degraded,
          relievedMs: node.relievedMs,
          isCovered: successor !== undefined && (before?.isCoveredBy(successor) ?? false),
          isNeeded: node.owner !== undefined || node.isWanted,
          idleForMs: node.idleSinceMs === undefined ? 0 : nowMs - node.idleSinceMs,
        },
        failoverTerms,
        nowMs,
      )
      if (decision === 'release') {
        participant.counters.add('failover.released')
        before?.close()
        node.service = undefined
      } else if (decision === 'adopt') this.#adopt(numaNode, node, nowMs)
    }
  }

  #adopt(numaNode: number, node: OtherNode, nowMs: number): void {
    const { participant, adopt } = this.#components
    if (node.failedMs !== undefined && nowMs - node.failedMs < retryAfterMs) return
    try {
      node.service = adopt(numaNode, this.#rowsOf(numaNode))
      node.failedMs = undefined
      participant.counters.add('failover.adopted')
    } catch (error) {
      node.failedMs = nowMs
      participant.counters.addError('failover.adoption-failed', error)
    }
  }

  /** Takes note of whether an adopted node without a collector of its own has workers, and of stand-ins that have gone. */
  #updateUse(node: OtherNode, nowMs: number): void {
    for (const guid of node.standIns.keys()) {
      if (this.#components.participant.peer(guid) === undefined) node.standIns.delete(guid)
    }
    const isIdle = node.owner === undefined && node.service?.roster.size === 0
    node.idleSinceMs = isIdle ? (node.idleSinceMs ?? nowMs) : undefined
    if (node.service !== undefined) node.isWanted = false
  }

  #rowsOf(numaNode: number): Sample<RosterRow>[] {
    return [...this.#rows.entries()].flatMap(([key, sample]) => {
      const isOfNode = Number(keyParts(key)[1]) === numaNode
      return isOfNode && 'value' in nodeRoster.check(sample.value) ? [sample] : []
    })
  }

  /** The server with a better right to the node than this process, if it has published since it serves. */
  #successor(node: OtherNode, ownerServes: boolean, rivals: readonly FailoverCandidate[]): Guid | undefined {
    const { owner, standIns } = node
    if (ownerServes && owner !== undefined && this.#isRecent(owner)) return owner.guid
    return rivals.find(({ guid }) => {
      const standIn = standIns.get(guid)
      return standIn !== undefined && this.#isRecent(standIn)
    })?.guid
  }

  /** A server publishes a node's capacity every second. A server that was stalled has to publish again first. */
  #isRecent({ guid, reportedMs }: Server): boolean {
    const since = this.#components.participant.peer(guid)?.verdict.sinceMs
    return since !== undefined && reportedMs > since && this.#components.participant.clock.nowMs() - reportedMs < 3_000
  }

  /** Live candidates that come before this process. */
  #rivals(): FailoverCandidate[] {
    const { participant, numaNode } = this.#components
    const own: FailoverCandidate = { guid: participant.guid, numaNode }
    return participant
      .peers()
      .filter((peer) => peer.identity.bootId === participant.identity.bootId && this.#serves(peer.guid))
      .flatMap((peer) => candidateOf(peer) ?? [])
      .filter((candidate) => compareCandidates(candidate, own) < 0)
  }

  #updateStalled(): void {
    const stalled = this.#components.participant
      .peers()
      .filter(({ verdict }) => verdict.liveliness === Liveliness.stalled)
    this.#stalledSince = new Map(
      stalled.map(({ guid, verdict }) => [guid, this.#stalledSince.get(guid) ?? verdict.sinceMs]),
    )
  }

  #serves(guid: Guid): boolean {
    const { participant } = this.#components
    if (guid === participant.guid) return true
    const verdict = participant.peer(guid)?.verdict
    if (verdict === undefined) return false
    const nowMs = participant.clock.nowMs()
    return serves(verdict, nowMs - (this.#stalledSince.get(guid) ?? nowMs), failoverTerms)
  }

  #isDown(guid: Guid): boolean {
    const verdict = this.#components.participant.peer(guid)?.verdict
    return verdict === undefined || isHalted(verdict.cause)
  }

  #node(numaNode: number): OtherNode {
    const known = this.#nodes.get(numaNode)
    if (known !== undefined) return known
    const node = otherNode()
    this.#nodes.set(numaNode, node)
    return node
  }
}

function candidateOf({ guid, properties }: Peer): FailoverCandidate | undefined {
  if (properties.adopts !== true) return undefined
  if (properties.role === 'collector' && typeof properties.numaNode === 'number') {
    return { guid, numaNode: properties.numaNode }
  }
  return properties.role === 'scheduler' ? { guid, numaNode: null } : undefined
}
