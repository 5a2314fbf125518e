import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { InterestFilter } from '../endpoints/interest-filter.js'
import type { FailureDetector } from '../peer/failure-detector.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import type { RemotePeer } from '../peer/remote-peer.js'
import type { PeerDirectory } from './peer-directory.js'
import { PeerEviction } from './peer-eviction.js'

export interface PeerCheckComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly peers: PeerRegistry
  readonly directory: PeerDirectory
  readonly detector: FailureDetector
  readonly interest: InterestFilter
  /** An unreachable peer is forgotten after this time. */
  readonly forgetUnreachableMs: number
}

/** The regular check of all peers: drops the peers that no longer concern this participant, judges the
 * others, and makes room for newcomers. */
export class PeerCheck {
  readonly #components: PeerCheckComponents
  readonly #eviction: PeerEviction

  constructor(components: PeerCheckComponents) {
    this.#components = components
    this.#eviction = new PeerEviction(components)
  }

  /**
   * Judges this participant, then its peers. Returns false when this participant was blind: then nothing follows from
   * the silence of a peer.
   */
  run(): boolean {
    const { clock, peers, detector } = this.#components
    if (!detector.checkSelf(peers.values())) return false
    const nowMs = clock.nowMs()
    const watched: RemotePeer[] = []
    for (const peer of [...peers.values()]) {
      const { monitor, reachability } = peer
      // Its beacons have ended, and its signs of presence have not.
      if (monitor.isOverdue(nowMs) && reachability.isReceivedOtherwise(nowMs)) {
        monitor.expectEvery(reachability.intervalMs(nowMs))
      }
      if (!this.#dropped(peer, nowMs)) watched.push(peer)
    }
    detector.judge(watched)
    this.#eviction.run(nowMs)
    return true
  }

  #dropped(peer: RemotePeer, nowMs: number): boolean {
    const { counters, directory, interest, forgetUnreachableMs } = this.#components
    const { monitor, descriptor } = peer
    const isOverdue = monitor.isOverdue(nowMs)
    const { liveliness, sinceMs } = monitor.verdict
    const isQuiet = isOverdue || monitor.shouldAsk(nowMs)
    const isUnrelated = isQuiet && descriptor !== undefined && !interest.isRelated(descriptor)
    const isForgotten = isOverdue && liveliness === Liveliness.unreachable && nowMs - sinceMs >= forgetUnreachableMs
    if (!isUnrelated && isForgotten) counters.add('peer.forgotten')
    if (isUnrelated || isForgotten) directory.drop(peer)
    return isUnrelated || isForgotten
  }
}
