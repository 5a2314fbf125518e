import type { Counters } from '../../core/reporting/counters.js'
import { type Finding, Liveliness, LivelinessCause, VerdictEvidence } from '../../liveliness/verdict.js'
import type { FailureDetector } from '../peer/failure-detector.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import type { RemotePeer } from '../peer/remote-peer.js'
import type { PeerDirectory } from './peer-directory.js'

export interface PeerEvictionComponents {
  readonly counters: Counters
  readonly peers: PeerRegistry
  readonly directory: PeerDirectory
  readonly detector: FailureDetector
}

/** A peer that was silent for less than this keeps its place. */
const evictedAfterMs = 60_000

/** The peer is not dead: nothing is known of it but its silence. */
const forgotten: Finding = {
  liveliness: Liveliness.unreachable,
  cause: LivelinessCause.leaseExpired,
  detail: 'forgotten in favor of peers that are received',
  evidence: VerdictEvidence.lease,
}

/**
 * Makes room in a full registry. An observer that may be isolated declares no peer dead for silence, so peers that are
 * gone may stay `suspect` for good. When a newcomer was refused, the peers that were silent for longest are forgotten.
 * Each is reported as `unreachable` before it leaves, never as dead.
 */
export class PeerEviction {
  readonly #components: PeerEvictionComponents

  constructor(components: PeerEvictionComponents) {
    this.#components = components
  }

  /** To be called regularly. Evicts at most one peer for each participant that was refused since the last call. */
  run(nowMs: number): void {
    const { counters, peers, directory, detector } = this.#components
    // Peers that have left since then have made room too.
    const wanted = peers.takeRefused() - peers.room
    if (wanted <= 0) return
    const silent = [...peers.values()].filter((peer) => mayLeave(peer, nowMs))
    silent.sort((one, other) => one.monitor.lastReceivedMs - other.monitor.lastReceivedMs)
    for (const peer of silent.slice(0, wanted)) {
      if (peer.monitor.verdict.liveliness === Liveliness.suspect) detector.applyFinding(peer, forgotten)
      counters.add('peer.evicted')
      directory.drop(peer)
    }
  }
}

function mayLeave({ monitor }: RemotePeer, nowMs: number): boolean {
  const { liveliness } = monitor.verdict
  const isLost = liveliness === Liveliness.suspect || liveliness === Liveliness.unreachable
  return isLost && nowMs - monitor.quietFromMs >= evictedAfterMs
}
