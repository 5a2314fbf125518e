import type { Clock } from '../../core/clock.js'
import type { Guid } from '../../core/ids.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { Descriptor } from '../../wire/descriptor.js'
import type { GossipReply, GossipRequest, Referral } from '../../wire/gossip.js'
import { maxReferralEndpoints, maxReferrals } from '../../wire/gossip.js'
import type { Hello, HelloReply } from '../../wire/hello.js'
import type { PullReply, PullRequest } from '../../wire/pull.js'
import type { CatchUpServer } from '../catchup/catch-up-server.js'
import { type InterestFilter, sharesPartition } from '../endpoints/interest-filter.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { PeerDirectory } from '../membership/peer-directory.js'
import type { PeerIntake } from '../membership/peer-intake.js'
import type { RemotePeer } from '../peer/remote-peer.js'

export interface RequestDispatcherComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly observer: Pick<SelfMonitor, 'timeoutMultiplier'>
  readonly endpoints: LocalEndpoints
  readonly peers: PeerDirectory
  readonly peerIntake: PeerIntake
  readonly server: CatchUpServer
  readonly relation: InterestFilter
  /** Somebody does not hear this participant by multicast. Resolves when its live frames can be had by stream. */
  readonly openLive: () => Promise<void>
}

/** Answers what participants ask each other, and makes peers of those who ask. */
export class RequestDispatcher {
  readonly #components: RequestDispatcherComponents

  constructor(components: RequestDispatcherComponents) {
    this.#components = components
  }

  async pull(request: PullRequest): Promise<PullReply> {
    const { peerIntake, server } = this.#components
    const peer = peerIntake.onRequester(request.descriptor, false)
    await this.#receivesFromUs(peer, request.hears)
    const reply = server.answer(request)
    return peer === undefined ? reply : { ...reply, ...this.#hearing(peer) }
  }

  async introduce(request: Hello): Promise<HelloReply> {
    const { self, clock, endpoints, peerIntake } = this.#components
    const { from, descriptor, intervalMs } = request
    const peer =
      descriptor?.guid === from
        ? peerIntake.onRequester(descriptor, intervalMs !== undefined)
        : peerIntake.onFamiliar(from, request.version)
    if (peer !== undefined && intervalMs !== undefined) {
      // Anybody can ask in anybody's name: that must not make a peer overdue that its beacons keep in good standing.
      peer.reachability.introducedItself(Math.max(presenceIntervalMs, intervalMs), clock.nowMs())
      peer.monitor.expectEvery(peer.reachability.intervalMs(clock.nowMs()))
    }
    await this.#receivesFromUs(peer, request.hears)
    const reply = { from: self, knows: peer?.descriptor?.version ?? 0, ...(peer && this.#hearing(peer)) }
    return request.knownVersion === endpoints.version ? reply : { ...reply, descriptor: endpoints.descriptor() }
  }

  /** Those who live and concern the requester, in the order of their GUIDs. */
  gossip({ from, reads, writes, after = '' as Guid }: GossipRequest): GossipReply {
    const interests = { reads: new Set(reads), writes: new Set(writes) }
    const wanted: Referral[] = []
    for (const peer of this.#components.peers.values()) {
      const { descriptor } = peer
      if (peer.guid <= after || peer.guid === from || descriptor === undefined) continue
      if (!isUp(peer) || !concerns(descriptor, interests)) continue
      const { bootId, networkNamespace } = descriptor.identity
      wanted.push({ guid: peer.guid, bootId, networkNamespace, endpoints: addressesOf(descriptor, peer.endpoint) })
    }
    wanted.sort((one, other) => (one.guid < other.guid ? -1 : 1))
    return { peers: wanted.slice(0, maxReferrals), more: wanted.length > maxReferrals }
  }

  /** Whether it is heard, as far as that can be said. */
  #hearing(peer: RemotePeer): { hears?: boolean } {
    const { clock, relation, observer } = this.#components
    const isWanted = peer.descriptor !== undefined && relation.isWanted(peer.descriptor)
    const hears = peer.reachability.statement(isWanted, clock.nowMs(), observer.timeoutMultiplier)
    return hears === undefined ? {} : { hears }
  }

  async #receivesFromUs(peer: RemotePeer | undefined, receivesFromUs: boolean | undefined): Promise<void> {
    if (receivesFromUs === undefined) return
    if (!receivesFromUs) await this.#components.openLive()
    if (peer !== undefined) this.#components.peers.told(peer, receivesFromUs)
  }
}

/** Its own list, and the address that it was heard from, which may be the only one that leads anywhere. */
function addressesOf({ requestEndpoints }: Descriptor, heard: string | undefined): string[] {
  return [...new Set([...requestEndpoints, ...(heard === undefined ? [] : [heard])])].slice(0, maxReferralEndpoints)
}

function isUp({ monitor }: RemotePeer): boolean {
  const { liveliness } = monitor.verdict
  return liveliness === Liveliness.alive || liveliness === Liveliness.stalled
}

function concerns(
  { writers, readers }: Descriptor,
  { reads, writes }: { readonly reads: ReadonlySet<string>; readonly writes: ReadonlySet<string> },
): boolean {
  return reads.has(builtinPartition) || sharesPartition(writers, reads) || sharesPartition(readers, writes)
}
