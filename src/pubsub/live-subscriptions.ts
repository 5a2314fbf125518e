import type { Counters } from '../core/counters.js'
import type { FrameHandler, StreamLane } from '../transport/transport.js'
import type { ProcessIdentity } from '../wire/descriptor.js'
import type { RemotePeer } from './remote-peer.js'
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
    const endpoint = this.#endpointOf(peer)
    if (endpoint === undefined) return
    const onFrame: FrameHandler = (body) => this.#components.onFrame(peer, body)
    for (const group of wanted) {
      if (peer.subscriptions.has(group)) continue
      try {
        peer.subscriptions.set(group, this.#components.stream.subscribe(endpoint, group, onFrame))
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

  #endpointOf(peer: RemotePeer): string | undefined {
    const { descriptor } = peer
    if (descriptor === undefined) return undefined
    const { identity } = this.#components
    // Namespace inodes are alike on different hosts, so they only say something under one kernel.
    const isLocal =
      descriptor.identity.bootId === identity.bootId &&
      descriptor.identity.networkNamespace === identity.networkNamespace
    return descriptor.liveEndpoints.find((endpoint) => isLocal || !endpoint.startsWith('ipc:'))
  }
}
