import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import { entityGuid } from '../../core/ids.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import { dialable } from '../../transport/lane/endpoint.js'
import type { FrameHandler, StreamLane } from '../../transport/lane/transport.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import { largeName, mirrorName } from '../../wire/group.js'
import { Lane } from '../model/topic.js'
import { eachMatch, placeOf, type RemotePeer, sharesNetwork } from '../peer/remote-peer.js'

export interface LiveSubscriptionsComponents {
  readonly clock: Clock
  readonly stream: StreamLane
  readonly counters: Counters
  readonly identity: ProcessIdentity
  readonly observer: Pick<SelfMonitor, 'timeoutMultiplier'>
  /** The partitions that are read here. */
  readonly reads: () => ReadonlySet<string>
  /** The stream lane's name of a partition. */
  readonly groupName: (partition: string) => string
  /** The peer is not heard by multicast. */
  readonly onBeyond: (peer: RemotePeer) => void
  readonly onFrame: (peer: RemotePeer, body: Buffer) => void
}

/**
 * Hear it by multicast, or dial it by stream: keeps the connections to a peer's live frames equal to what is read here
 * of its `stream` topics, to samples of it that fit no datagram, and, while it is not heard by multicast, to whatever it writes to the partitions read here.
 */
export class LiveSubscriptions {
  readonly #components: LiveSubscriptionsComponents

  constructor(components: LiveSubscriptionsComponents) {
    this.#components = components
  }

  /** Multicast from a peer comes and goes without anybody telling: to be called a few times a second. */
  look(peers: Iterable<RemotePeer>): void {
    const { clock, identity, observer, onBeyond } = this.#components
    const nowMs = clock.nowMs()
    for (const peer of peers) {
      const needsStream = peer.reachability.needsStream(
        peer.isBeyondMulticast,
        peer.monitor.lastHeardMs,
        nowMs,
        observer.timeoutMultiplier,
      )
      if (needsStream === peer.isBeyondMulticast) continue
      peer.isBeyondMulticast = needsStream
      if (peer.descriptor !== undefined) peer.monitor.setPlace(placeOf(peer, peer.descriptor, identity))
      this.follow(peer)
      if (needsStream) onBeyond(peer)
    }
  }

  /** To be called whenever the peer's matches or its descriptor have changed. */
  follow(peer: RemotePeer): void {
    const wanted = this.#wantedGroups(peer)
    const endpoints = this.#endpointsOf(peer)
    const hasMoved = peer.dialled !== endpoints.join(' ')
    for (const [group, subscription] of peer.subscriptions) {
      if (wanted.has(group) && !hasMoved) continue
      subscription.close()
      peer.subscriptions.delete(group)
    }
    peer.dialled = endpoints.join(' ')
    if (endpoints.length === 0) return
    const onFrame: FrameHandler = (body) => this.#components.onFrame(peer, body)
    for (const group of wanted) {
      if (peer.subscriptions.has(group)) continue
      try {
        peer.subscriptions.set(group, this.#components.stream.subscribe(endpoints, group, onFrame))
      } catch (error) {
        // An endpoint that cannot be dialled: the reader stays on catch-up, driven by the beacons' digests.
        this.#components.counters.addError('stream.failed.subscribe', error)
      }
    }
  }

  /** One common partition is enough for a writer: it sends everything to each of its partitions. */
  #wantedGroups(peer: RemotePeer): Set<string> {
    const { groupName, reads } = this.#components
    const wanted = new Set<string>()
    const writers = peer.descriptor?.writers ?? []
    // By the newest descriptor: a writer announces its first large sample when it has one.
    const large = new Set(writers.filter((writer) => writer.large).map(({ entity }) => entityGuid(peer.guid, entity)))
    for (const { reader, proxy } of eachMatch(peer)) {
      const isLarge = large.has(proxy.guid)
      if (proxy.info.lane !== Lane.stream && !isLarge) continue
      const shared = proxy.info.partitions.find((partition) => reader.partitions.includes(partition))
      if (shared === undefined) continue
      wanted.add(isLarge ? largeName(groupName(shared)) : groupName(shared))
    }
    if (!peer.isBeyondMulticast) return wanted
    // Not only what matches: its beacons keep its lease, and tell of writers to come.
    const local = reads()
    if (local.has(builtinPartition)) wanted.add(mirrorName(groupName(builtinPartition)))
    for (const { partitions } of writers) {
      const shared = partitions.find((partition) => local.has(partition))
      if (shared !== undefined) wanted.add(mirrorName(groupName(shared)))
    }
    return wanted
  }

  /** All ways to a peer of another host, the best one to a peer of this. */
  #endpointsOf(peer: RemotePeer): readonly string[] {
    const { descriptor } = peer
    if (descriptor === undefined) return []
    const isLocal = sharesNetwork(descriptor.identity, this.#components.identity)
    return dialable(descriptor.liveEndpoints, isLocal).slice(0, isLocal ? 1 : undefined)
  }
}
