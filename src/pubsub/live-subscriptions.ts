import type { Counters } from '../core/counters.js'
import { dialable } from '../transport/endpoint.js'
import type { FrameHandler, StreamLane } from '../transport/transport.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import { type RemotePeer, sharesNetwork } from './remote-peer.js'
import { Lane } from './topic.js'

export interface LiveSubscriptionsComponents {
  readonly stream: StreamLane
  readonly counters: Counters
  readonly identity: ProcessIdentity
  /** The stream lane's name of a partition. */
  readonly groupName: (partition: string) => string
  readonly onFrame: (peer: RemotePeer, body: Buffer) => void
}

/** Keeps the connections to a peer's live frames equal to what the matches with its `stream` topics need. */
export class LiveSubscriptions {
  readonly #components: LiveSubscriptionsComponents

  constructor(components: LiveSubscriptionsComponents) {
    this.#components = components
  }

  /** To be called whenever the peer's matches or its descriptor have changed. */
  follow(peer: RemotePeer): void {
    const wanted = this.#wantedGroups(peer)
    for (const [group, subscription] of peer.subscriptions) {
      if (wanted.has(group)) continue
      subscription.close()
      peer.subscriptions.delete(group)
    }
    const endpoints = this.#endpointsOf(peer)
    if (endpoints.length === 0) return
    const onFrame: FrameHandler = (body) => this.#components.onFrame(peer, body)
    for (const group of wanted) {
      if (peer.subscriptions.has(group)) continue
      try {
        peer.subscriptions.set(group, this.#components.stream.subscribe(endpoints, group, onFrame))
      } catch {
        // An endpoint that cannot be dialled: the reader stays on catch-up, driven by the beacons' digests.
        this.#components.counters.add('stream.failed.subscribe')
      }
    }
  }

  /** One common partition is enough for a match: a writer sends everything to each of its partitions. */
  #wantedGroups(peer: RemotePeer): Set<string> {
    const wanted = new Set<string>()
    for (const matches of peer.matches.values()) {
      for (const { reader, proxy } of matches) {
        if (proxy.info.lane !== Lane.stream) continue
        const shared = proxy.info.partitions.find((partition) => reader.partitions.includes(partition))
        if (shared !== undefined) wanted.add(this.#components.groupName(shared))
      }
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
