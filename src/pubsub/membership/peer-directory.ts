import { closeEach } from '../../core/close-all.js'
import type { Guid } from '../../core/ids.js'
import { countFailure } from '../../core/reporting/count-failure.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import { type Finding, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from '../../liveliness/verdict.js'
import { tcpAddresses } from '../../transport/lane/endpoint.js'
import type { Descriptor, ProcessIdentity } from '../../wire/descriptor.js'
import type { CatchUpClient, PullReplySink } from '../catchup/catch-up-client.js'
import type { SyncWaiters } from '../catchup/sync-waiters.js'
import type { PeerEvent } from '../model/events.js'
import type { FailureDetector, VerdictListener } from '../peer/failure-detector.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { placeOf, type RemotePeer, toPeer } from '../peer/remote-peer.js'
import type { EndpointMatcher } from './endpoint-matcher.js'
import type { MatchedReaders } from './matched-readers.js'

/** Reports peers to the application; `ParticipantEvents` does. */
export interface PeerEventSink {
  peerChanged(event: PeerEvent): void
}

/** Follows the peers' descriptors and verdicts; `BuiltinFeed` does. */
export interface PeerFollower {
  /** The peer's descriptor, or the verdict on it, is new. */
  onPeerChanged(peer: RemotePeer): void
  /** The peer has left or is forgotten. */
  onPeerRemoved(peer: RemotePeer): void
}

export interface PeerDirectoryComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly identity: ProcessIdentity
  readonly observer: SelfMonitor
  readonly peers: PeerRegistry
  readonly detector: FailureDetector
  readonly catchUp: CatchUpClient
  readonly waiters: SyncWaiters
  readonly endpointMatcher: EndpointMatcher
  readonly matchedReaders: MatchedReaders
  readonly events: PeerEventSink
  readonly follower: PeerFollower
}

const goodbye: Finding = {
  liveliness: Liveliness.dead,
  cause: LivelinessCause.goodbye,
  detail: null,
  evidence: VerdictEvidence.goodbye,
}

const replaced: Finding = {
  liveliness: Liveliness.dead,
  cause: LivelinessCause.replaced,
  detail: null,
  evidence: VerdictEvidence.beacon,
}

/** Carries out what happens to a peer: it is described, judged, or leaves. Everything that depends on a peer follows. */
export class PeerDirectory implements PullReplySink, VerdictListener {
  readonly #components: PeerDirectoryComponents

  constructor(components: PeerDirectoryComponents) {
    this.#components = components
  }

  /** The participant has sent its goodbye. */
  goodbyeReceived(guid: Guid): void {
    const { peers, detector } = this.#components
    peers.departed.addEnded(guid)
    const known = peers.get(guid)
    if (known !== undefined) detector.applyFinding(known, goodbye)
  }

  /** A newer descriptor of the peer has arrived. */
  described(peer: RemotePeer, descriptor: Descriptor): void {
    const { identity, peers, endpointMatcher, matchedReaders, waiters, events, follower } = this.#components
    const isFirst = peer.descriptor === undefined
    peer.descriptor = descriptor
    peer.sources.setAddresses(tcpAddresses(descriptor.requestEndpoints))
    peers.markDescribed(peer)
    peer.announcedVersion = Math.max(peer.announcedVersion, descriptor.version)
    peer.monitor.setPlace(placeOf(peer, descriptor, identity))
    if (isFirst) this.#replaceOlder(descriptor)
    endpointMatcher.update(peer, descriptor)
    matchedReaders.update(peer, descriptor)
    follower.onPeerChanged(peer)
    const described = toPeer(peer)
    if (isFirst && described !== undefined) events.peerChanged({ kind: 'joined', peer: described })
    waiters.progressed(peer)
  }

  /** The peer has reported whether it receives this participant's multicast frames. */
  reportReception(peer: RemotePeer, receivesFromUs: boolean): void {
    const { clock, counters, observer, events } = this.#components
    const didReceive = peer.reachability.receivesFromUs === true
    if (!peer.reachability.receptionReported(receivesFromUs, clock.nowMs())) return
    if (!receivesFromUs) counters.add('peer.does-not-receive')
    // One peer that never received may be how the network is. If most stop receiving, the cause may be here.
    if (!receivesFromUs && didReceive && this.#isMissedByMost()) observer.local.missedByPeer(clock.nowMs())
    const changed = toPeer(peer)
    if (changed !== undefined) events.peerChanged({ kind: 'reception-changed', peer: changed })
  }

  onVerdict(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    const { events, waiters, counters, endpointMatcher, follower } = this.#components
    endpointMatcher.setReachable(peer, verdict.liveliness !== Liveliness.unreachable)
    counters.add(`peer.${verdict.liveliness}`)
    const isDead = verdict.liveliness === Liveliness.dead
    if (!isDead) follower.onPeerChanged(peer)
    const changed = toPeer(peer)
    if (changed !== undefined) events.peerChanged({ kind: 'liveliness-changed', peer: changed, before })
    if (isDead) this.#removePeer(peer, verdict)
    waiters.progressed(peer)
  }

  /** Forgets a peer without a verdict on it. */
  drop(peer: RemotePeer): void {
    this.#remove(peer)
    this.#components.waiters.progressed(peer)
  }

  /** Stops all requests and subscriptions; reports nothing. */
  close(): void {
    const { peers } = this.#components
    const all = [...peers.values()]
    closeEach(all.flatMap((peer) => [() => peers.delete(peer), () => this.#disconnect(peer)]))
  }

  #removePeer(peer: RemotePeer, { evidence }: Verdict): void {
    const { departed } = this.#components.peers
    // A peer that was only silent may return. A peer that is known to have ended may not.
    const wasSilent = evidence === VerdictEvidence.lease || evidence === VerdictEvidence.phi
    if (wasSilent) departed.addSilent(peer.guid, peer.pull.failures)
    else departed.addEnded(peer.guid)
    this.#remove(peer)
  }

  /** A process has been restarted under the pid of an older peer: that peer has ended, whatever its lease. */
  #replaceOlder({ identity }: Descriptor): void {
    const { peers, detector } = this.#components
    const { bootId, pidNamespace, pid, startTimeTicks } = identity
    if (pidNamespace === null || startTimeTicks === null) return
    for (const older of [...peers.values()]) {
      const theirs = older.descriptor?.identity
      if (theirs?.pid !== pid || theirs.bootId !== bootId || theirs.pidNamespace !== pidNamespace) continue
      if (theirs.startTimeTicks !== null && theirs.startTimeTicks < startTimeTicks)
        detector.applyFinding(older, replaced)
    }
  }

  #isMissedByMost(): boolean {
    const reports = [...this.#components.peers.values()].flatMap(
      ({ reachability }) => reachability.receivesFromUs ?? [],
    )
    return reports.filter((receives) => !receives).length * 2 > reports.length
  }

  #remove(peer: RemotePeer): void {
    const { peers, endpointMatcher, matchedReaders, follower, events } = this.#components
    const left = toPeer(peer)
    peers.delete(peer)
    closeEach([
      () => this.#disconnect(peer),
      () => endpointMatcher.removePeer(peer),
      () => matchedReaders.removePeer(peer),
      () => follower.onPeerRemoved(peer),
      () => left !== undefined && events.peerChanged({ kind: 'left', peer: left }),
    ])
  }

  #disconnect(peer: RemotePeer): void {
    const subscriptions = [...peer.subscriptions.values()]
    peer.subscriptions.clear()
    this.#components.catchUp.stopAsking(peer)
    for (const subscription of subscriptions) {
      countFailure(this.#components.counters, 'stream.failed.unsubscribe', () => subscription.close())
    }
  }
}
