import type { ListedPeer } from '../../discovery/listed-peer.js'
import type { NameResolver } from '../../discovery/name-resolver.js'
import { HelloClient, type HelloClientComponents } from './hello-client.js'
import type { LiveSubscriptions } from './live-subscriptions.js'
import { PeerDialer } from './peer-dialer.js'

export interface UnicastDiscoveryComponents extends HelloClientComponents {
  readonly live: LiveSubscriptions
  readonly resolve: NameResolver
}

/**
 * Everything that stands in for multicast: hellos to peers that do not receive it, streams from peers whose frames do
 * not arrive by it, and dialling of peers that it does not reach. docs/discovery.md describes how they work together.
 */
export class UnicastDiscovery {
  readonly #helloClient: HelloClient
  readonly #dialer: PeerDialer
  readonly #live: LiveSubscriptions

  /**
   * @param listed peers that the application has named
   * @param isFound whether other participants may find this one at its host's rendezvous port
   */
  constructor(components: UnicastDiscoveryComponents, listed: readonly ListedPeer[], isFound: boolean) {
    const helloClient = new HelloClient(components)
    this.#helloClient = helloClient
    this.#live = components.live
    this.#dialer = new PeerDialer({ ...components, helloClient }, listed, isFound)
  }

  /** Does what is due. Call it a few times per second, unless this participant was blind. */
  check(): void {
    this.#helloClient.check()
    this.#dialer.check()
    this.#live.check()
  }

  /** Resolves when the listed peers, and the peers that they know, have been dialled since the partitions changed. */
  settled(): Promise<void> {
    return this.#dialer.settled()
  }

  /** Resolves when the rendezvous port is released. */
  async close(): Promise<void> {
    this.#helloClient.close()
    await this.#dialer.close()
  }
}
