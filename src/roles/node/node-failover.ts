import { type Guid, participantOf } from '../../core/ids.js'
import { RepeatingTimer } from '../../core/repeating-timer.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { keyParts } from '../../plane/keys.js'
import { type NodeCapacity, nodeCapacity } from '../../plane/node-capacity.js'
import { nodeRoster, type RosterRow, uncheckedRoster } from '../../plane/node-roster.js'
import { planePartition } from '../../plane/partitions.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'
import {
  type Candidate,
  compareCandidates,
  decideFailover,
  failoverTerms,
  isHalted,
  serves,
} from './failover-policy.js'
import type { KernelWatch } from './kernel-watch.js'
import type { NodeService } from './node-service.js'

export interface NodeFailoverComponents {
  readonly participant: Participant
  /** This one's own rank; its node is never adopted. */
  readonly numaNode: number | null
  readonly kernel: KernelWatch
  /** Begins to serve a node in the place of its collector, whose rows it is given. @throws what measuring it throws */
  readonly adopt: (numaNode: number, rows: readonly Sample<RosterRow>[]) => NodeService
}

interface Server {
  readonly guid: Guid
  readonly incarnation: number
  readonly heardMs: number
}

/** What is known of one node of this host that is not this one's own. */
interface NodeOfOthers {
  /** Its own collector: the latest that said so. */
  owner: Server | undefined
  /** Those who have served in the owner's place. */
  readonly custodians: Map<Guid, Server>
  ownerGoneMs: number | undefined
  relievedMs: number | undefined
  service: NodeService | undefined
}

const lookEveryMs = 250

/**
 * Looks after the other nodes of this host: when a node's own collector is gone, stopped, or busy for long, the first
 * candidate that lives serves the node in its place, and steps back once the owner, or a candidate that comes first, has
 * taken over. Everybody decides alike from what all can see, and while views of it differ two may serve one node for a
 * moment, which only costs traffic. A node that nobody remembers a collector of is nobody's to adopt.
 */
export class NodeFailover {
  readonly #components: NodeFailoverComponents
  readonly #nodes = new Map<number, NodeOfOthers>()
  /** Of those that are stalled, since when, whatever the cause. */
  #stalledSince: ReadonlyMap<Guid, number> = new Map()
  /** What was last said of the workers of the host's other nodes: who takes over has to know of whom to ask. */
  readonly #rows: Reader<RosterRow>
  readonly #looking: RepeatingTimer
  readonly #closers: (() => void)[]
  #closed = false

  constructor(components: NodeFailoverComponents) {
    const { participant, numaNode } = components
    this.#components = components
    const capacities = participant.reader(nodeCapacity, {
      partition: planePartition,
      filter: (node) => node.bootId === participant.identity.bootId && node.numaNode !== numaNode,
    })
    capacities.onSample((sample) => this.#heard(sample))
    for (const [, sample] of capacities.entries()) this.#heard(sample)
    const { bootId } = participant.identity
    this.#rows = participant.reader(uncheckedRoster, {
      partition: planePartition,
      keyFilter: (key) => {
        const [of, node] = keyParts(key)
        return of === bootId && Number(node) !== numaNode
      },
    })
    const hearing = participant.onPeer(({ peer }) => {
      if (peer.properties.role === 'collector') this.#look()
    })
    this.#looking = new RepeatingTimer(participant.clock, lookEveryMs, () => this.#look())
    this.#closers = [() => hearing.close(), () => capacities.close(), () => this.#rows.close()]
  }

  /** The nodes that are served here in the place of their collectors. */
  get adopted(): readonly number[] {
    return [...this.#nodes].flatMap(([numaNode, { service }]) => (service === undefined ? [] : [numaNode]))
  }

  /** Adopts and gives back no more; what is adopted falls silent. */
  stop(): void {
    this.#closed = true
    this.#looking.close()
    for (const { service } of this.#nodes.values()) service?.stop()
  }

  /** Twice is fine. */
  close(): void {
    this.stop()
    for (const { service } of this.#nodes.values()) service?.close()
    for (const close of this.#closers.splice(0)) close()
  }

  #heard({ value, instanceState, token, originTimeMs }: Sample<NodeCapacity>): void {
    const { participant, kernel } = this.#components
    const guid = participantOf(token.writer)
    if (value === undefined || instanceState !== 'alive') return
    const node = this.#node(value.numaNode)
    const server = { guid, incarnation: value.collectorIncarnation, heardMs: originTimeMs }
    if (value.adopted) {
      if (guid !== participant.guid) node.custodians.set(guid, server)
      return
    }
    if (node.owner !== undefined && node.owner.guid !== guid && node.owner.incarnation > server.incarnation) return
    node.owner = server
    // So that its end is a fact at once, here as for its workers.
    kernel.watch(guid)
  }

  #look(): void {
    if (this.#closed) return
    const { participant, adopt } = this.#components
    const nowMs = participant.clock.nowMs()
    this.#noticeStalled()
    const rivals = this.#rivals()
    for (const [numaNode, node] of this.#nodes) {
      const before = node.service
      const ownerServes = node.owner !== undefined && this.#serves(node.owner.guid)
      node.ownerGoneMs = ownerServes ? undefined : (node.ownerGoneMs ?? nowMs)
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
        },
        failoverTerms,
        nowMs,
      )
      if (decision === 'release') {
        participant.counters.add('failover.released')
        before?.close()
        node.service = undefined
      } else if (decision === 'adopt') {
        try {
          node.service = adopt(numaNode, this.#rowsOf(numaNode))
          participant.counters.add('failover.adopted')
        } catch (error) {
          participant.counters.addError('failover.adoption-failed', error)
        }
      }
    }
  }

  #rowsOf(numaNode: number): Sample<RosterRow>[] {
    return [...this.#rows.entries()].flatMap(([key, sample]) => {
      const isOfNode = Number(keyParts(key)[1]) === numaNode
      return isOfNode && 'value' in nodeRoster.check(sample.value) ? [sample] : []
    })
  }

  /** Who serves the node with a better right than this one, and has said so since it does. */
  #successor(node: NodeOfOthers, ownerServes: boolean, rivals: readonly Candidate[]): Guid | undefined {
    const { owner, custodians } = node
    if (ownerServes && owner !== undefined && this.#isRecent(owner)) return owner.guid
    return rivals.find(({ guid }) => {
      const custodian = custodians.get(guid)
      return custodian !== undefined && this.#isRecent(custodian)
    })?.guid
  }

  /** It publishes a node's capacity every second; one that stood still has to speak again first. */
  #isRecent({ guid, heardMs }: Server): boolean {
    const since = this.#components.participant.peer(guid)?.verdict.sinceMs
    return since !== undefined && heardMs > since && this.#components.participant.clock.nowMs() - heardMs < 3_000
  }

  /** Living candidates that come before this one. */
  #rivals(): Candidate[] {
    const { participant, numaNode } = this.#components
    const own: Candidate = { guid: participant.guid, numaNode }
    return participant
      .peers()
      .filter((peer) => peer.identity.bootId === participant.identity.bootId && this.#serves(peer.guid))
      .flatMap((peer) => candidateOf(peer) ?? [])
      .filter((candidate) => compareCandidates(candidate, own) < 0)
  }

  #noticeStalled(): void {
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

  #node(numaNode: number): NodeOfOthers {
    const known = this.#nodes.get(numaNode)
    if (known !== undefined) return known
    const node: NodeOfOthers = {
      owner: undefined,
      custodians: new Map(),
      ownerGoneMs: undefined,
      relievedMs: undefined,
      service: undefined,
    }
    this.#nodes.set(numaNode, node)
    return node
  }
}

function candidateOf({ guid, properties }: Peer): Candidate | undefined {
  if (properties.adopts !== true) return undefined
  if (properties.role === 'collector' && typeof properties.numaNode === 'number') {
    return { guid, numaNode: properties.numaNode }
  }
  return properties.role === 'scheduler' ? { guid, numaNode: null } : undefined
}
