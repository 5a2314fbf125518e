import type { Guid } from '../../core/ids.js'
import type { Clock } from '../../core/time/clock.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { SelfMonitor } from '../../liveliness/self-monitor.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { Descriptor } from '../../wire/descriptor.js'
import type { FenceReply } from '../../wire/fence.js'
import type { GossipReply, GossipRequest, Referral } from '../../wire/gossip.js'
import { maxReferralEndpoints, maxReferrals } from '../../wire/gossip.js'
import type { Hello, HelloReply } from '../../wire/hello.js'
import type { PullReply, PullRequest } from '../../wire/pull.js'
import { type Reception, receptionField, reportedReception } from '../../wire/reception.js'
import type { CatchUpServer } from '../catchup/catch-up-server.js'
import { type InterestFilter, sharesPartition } from '../endpoints/interest-filter.js'
import type { LiveSocket } from '../endpoints/live-socket.js'
import type { LocalEndpoints } from '../endpoints/local-endpoints.js'
import type { PeerDirectory } from '../membership/peer-directory.js'
import type { PeerIntake } from '../membership/peer-intake.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import type { RemotePeer } from '../peer/remote-peer.js'

export interface RequestDispatcherComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly observer: Pick<SelfMonitor, 'timeoutMultiplier'>
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
  readonly directory: PeerDirectory
  readonly peerIntake: PeerIntake
  readonly server: CatchUpServer
  readonly interest: InterestFilter
  readonly liveSocket: LiveSocket
}

/** Answers the requests of other participants, and makes peers of the requesters. */
export class RequestDispatcher {
  readonly #components: RequestDispatcherComponents

  constructor(components: RequestDispatcherComponents) {
    this.#components = components
  }

  async pull(request: PullRequest): Promise<PullReply> {
    const { peerIntake, server } = this.#components
    const peer = peerIntake.onRequester(request.descriptor, false)
    await this.#takeReception(peer, reportedReception(request))
    const reply = server.answer(request)
    return peer === undefined ? reply : { ...reply, ...this.#receptionOf(peer) }
  }

  async hello(request: Hello): Promise<HelloReply> {
    const { self, clock, endpoints, peerIntake } = this.#components
    const { from, descriptor, intervalMs } = request
    const peer =
      descriptor?.guid === from
        ? peerIntake.onRequester(descriptor, intervalMs !== undefined)
        : peerIntake.onKnownRequester(from, request.version)
    if (peer !== undefined && intervalMs !== undefined) {
      // A request may be forged. It must not make a peer overdue that its beacons keep alive.
      peer.reachability.helloReceived(Math.max(presenceIntervalMs, intervalMs), clock.nowMs())
      peer.monitor.expectEvery(peer.reachability.intervalMs(clock.nowMs()))
    }
    await this.#takeReception(peer, reportedReception(request))
    const reply = { from: self, knows: peer?.descriptor?.version ?? 0, ...(peer && this.#receptionOf(peer)) }
    return request.knownVersion === endpoints.version ? reply : { ...reply, descriptor: endpoints.descriptor() }
  }

  /** Returns the present number of each writer. */
  fence(): FenceReply {
    const { self, endpoints } = this.#components
    const writers = endpoints.announcedWriters().map(({ writer }) => ({ writer: writer.entity, seq: writer.lastSeq }))
    return { from: self, version: endpoints.writersVersion, writers }
  }

  /** Returns the peers that are alive and concern the requester, in the order of their GUIDs. */
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

  /** Reports whether the peer's multicast arrives here, as far as that is known. */
  #receptionOf(peer: RemotePeer): Reception {
    const { clock, interest, observer } = this.#components
    const isWanted = peer.descriptor !== undefined && interest.isWanted(peer.descriptor)
    return receptionField(peer.reachability.receptionReport(isWanted, clock.nowMs(), observer.timeoutMultiplier))
  }

  /** A peer that does not receive this participant's multicast needs its live frames by stream. */
  async #takeReception(peer: RemotePeer | undefined, receivesFromUs: boolean | undefined): Promise<void> {
    const { liveSocket, directory } = this.#components
    if (receivesFromUs === undefined) return
    if (!receivesFromUs) await liveSocket.open()
    if (peer !== undefined) directory.reportReception(peer, receivesFromUs)
  }
}

/** Returns its own list, and the address that its frames came from, which may be the only reachable one. */
function addressesOf({ requestEndpoints }: Descriptor, observed: string | undefined): string[] {
  return [...new Set([...requestEndpoints, ...(observed === undefined ? [] : [observed])])].slice(
    0,
    maxReferralEndpoints,
  )
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
