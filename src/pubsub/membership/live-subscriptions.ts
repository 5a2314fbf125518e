import { NumacastError } from '../../core/errors.js'
import { entityGuid } from '../../core/ids.js'
import { countFailure } from '../../core/reporting/count-failure.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import { dialable } from '../../transport/lane/endpoint.js'
import type { FrameHandler, StreamLane } from '../../transport/lane/transport.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'
import { largeName, mirrorName } from '../../wire/group.js'
import type { CatchUpClient } from '../catchup/catch-up-client.js'
import type { GroupTable } from '../endpoints/group-table.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import { Lane } from '../model/topic.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { eachMatch, placeOf, type RemotePeer, sharesNetwork } from '../peer/remote-peer.js'

/** Takes the frames that peers publish by stream; `FrameDispatcher` does. */
export interface LiveFrameSink {
  onLiveFrame(peer: RemotePeer, body: Buffer): void
}

export interface LiveSubscriptionsComponents {
  readonly clock: Clock
  readonly stream: StreamLane
  readonly counters: Counters
  readonly identity: ProcessIdentity
  readonly observer: Pick<SelfMonitor, 'timeoutMultiplier'>
  readonly endpoints: LocalEndpoints
  readonly groups: GroupTable
  readonly peers: PeerRegistry
  readonly catchUp: CatchUpClient
  readonly frames: LiveFrameSink
}

/**
 * Subscribes by stream to the peers' live frames that multicast does not bring. These are the `stream` topics that are
 * read here and samples that fit no datagram. While no multicast of a peer arrives, they are all its writes to the
 * partitions read here.
 */
export class LiveSubscriptions {
  readonly #components: LiveSubscriptionsComponents
  /** Peers to which not everything wanted could be subscribed. */
  readonly #failed = new WeakSet<RemotePeer>()

  constructor(components: LiveSubscriptionsComponents) {
    this.#components = components
  }

  /** Checks whose multicast arrives, because it starts and stops without notice. Call it a few times per second. */
  check(): void {
    const { clock, identity, observer, peers, catchUp } = this.#components
    const nowMs = clock.nowMs()
    for (const peer of peers.values()) {
      const needsStream = peer.reachability.needsStream(
        peer.isBeyondMulticast,
        peer.monitor.lastReceivedMs,
        nowMs,
        observer.timeoutMultiplier,
      )
      if (this.#failed.delete(peer)) this.update(peer)
      if (needsStream === peer.isBeyondMulticast) continue
      peer.isBeyondMulticast = needsStream
      if (peer.descriptor !== undefined) peer.monitor.setPlace(placeOf(peer, peer.descriptor, identity))
      this.update(peer)
      if (needsStream) catchUp.scheduleNow(peer)
    }
  }

  /** Call it whenever the peer's matches or its descriptor have changed. */
  update(peer: RemotePeer): void {
    const wanted = this.#wantedGroups(peer)
    const endpoints = this.#endpointsOf(peer)
    const hasMoved = peer.dialledEndpoints !== endpoints.join(' ')
    for (const [group, subscription] of peer.subscriptions) {
      if (wanted.has(group) && !hasMoved) continue
      peer.subscriptions.delete(group)
      countFailure(this.#components.counters, 'stream.failed.unsubscribe', () => subscription.close())
    }
    peer.dialledEndpoints = endpoints.join(' ')
    if (endpoints.length === 0) return
    const onFrame: FrameHandler = (body) => this.#components.frames.onLiveFrame(peer, body)
    for (const group of wanted) {
      if (peer.subscriptions.has(group)) continue
      try {
        peer.subscriptions.set(group, this.#components.stream.subscribe(endpoints, group, onFrame))
      } catch (error) {
        // The reader stays on catch-up, driven by the beacons' digests.
        this.#components.counters.addError('stream.failed.subscribe', error)
        const isRefused = error instanceof NumacastError && error.code === 'NUMACAST_INVALID_ARGUMENT'
        if (!isRefused) this.#failed.add(peer) // no descriptor was free, for example
      }
    }
  }

  /** One common partition is enough for a writer: it sends everything to each of its partitions. */
  #wantedGroups(peer: RemotePeer): Set<string> {
    const { groups, endpoints } = this.#components
    const groupName = (partition: string): string => groups.data(partition).name
    const wanted = new Set<string>()
    const writers = peer.descriptor?.writers ?? []
    // By the newest descriptor, because a writer announces its first large sample when it has one.
    const large = new Set(writers.filter((writer) => writer.large).map(({ entity }) => entityGuid(peer.guid, entity)))
    for (const { reader, proxy } of eachMatch(peer)) {
      const isLarge = large.has(proxy.guid)
      if (proxy.info.lane !== Lane.stream && !isLarge) continue
      const shared = proxy.info.partitions.find((partition) => reader.partitions.includes(partition))
      if (shared === undefined) continue
      wanted.add(isLarge ? largeName(groupName(shared)) : groupName(shared))
    }
    if (!peer.isBeyondMulticast) return wanted
    // Beacons keep the peer's lease and announce later writers, so unmatched partitions are wanted too.
    const local = endpoints.partitions().reads
    if (local.has(builtinPartition)) wanted.add(mirrorName(groupName(builtinPartition)))
    for (const { partitions } of writers) {
      const shared = partitions.find((partition) => local.has(partition))
      if (shared !== undefined) wanted.add(mirrorName(groupName(shared)))
    }
    return wanted
  }

  /** Returns all addresses of a peer of another network, the best one of a peer of this network. */
  #endpointsOf(peer: RemotePeer): readonly string[] {
    const { descriptor } = peer
    if (descriptor === undefined) return []
    const isLocal = sharesNetwork(descriptor.identity, this.#components.identity)
    const endpoints = dialable(descriptor.liveEndpoints, isLocal)
    return isLocal ? endpoints.slice(0, 1) : endpoints
  }
}
