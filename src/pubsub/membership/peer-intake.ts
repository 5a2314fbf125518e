import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import type { Guid } from '../../core/ids.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { FrameSource, StreamLane } from '../../transport/lane/transport.js'
import type { AckRequest } from '../../wire/ack-request.js'
import type { Beacon } from '../../wire/beacon.js'
import { type ByteReader, malformed, Rejection } from '../../wire/bytes.js'
import type { Descriptor } from '../../wire/descriptor.js'
import type { HelloReply } from '../../wire/hello.js'
import type { CatchUpClient } from '../catchup/catch-up-client.js'
import type { InterestFilter } from '../endpoints/interest-filter.js'
import { isDescribed, type RemotePeer } from '../peer/remote-peer.js'
import type { EndpointMatcher } from './endpoint-matcher.js'
import type { PeerDirectory } from './peer-directory.js'

export interface PeerIntakeComponents {
  /** This participant. */
  readonly self: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly stream: StreamLane
  readonly peers: PeerDirectory
  readonly catchUp: CatchUpClient
  readonly endpointMatcher: EndpointMatcher
  readonly relation: InterestFilter
}

/** How others come to be known: by their beacons, their signs of presence, their requests and their answers. */
export class PeerIntake {
  readonly #components: PeerIntakeComponents

  constructor(components: PeerIntakeComponents) {
    this.#components = components
  }

  /** A beacon among a partition's data, by multicast. @throws NumacastError NUMACAST_MALFORMED */
  onBeacon(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, catchUp, endpointMatcher } = this.#components
    const nowMs = clock.nowMs()
    const peer = this.#hear(from, beacon, source, nowMs)
    if (peer === undefined) return
    peer.reachability.beacon(beacon, nowMs)
    this.#alive(peer, beacon, nowMs)
    if (peer.descriptor === undefined) catchUp.soon(peer)
    else if (!isDescribed(peer)) catchUp.afterSpread(peer)
    endpointMatcher.digest(peer, beacon.digest)
  }

  /** A sign of presence: the peer reads a partition that is written to here. @throws NumacastError NUMACAST_MALFORMED */
  onPresence(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, catchUp } = this.#components
    const nowMs = clock.nowMs()
    const peer = this.#hear(from, beacon, source, nowMs)
    if (peer === undefined) return
    peer.reachability.presence(beacon, nowMs)
    this.#alive(peer, beacon, nowMs)
    // One that hears us describes itself by its own request; the helloClient looks after one that does not.
    if (peer.descriptor !== undefined && !isDescribed(peer)) catchUp.afterSpread(peer)
  }

  /** A beacon that the peer published for those beyond multicast. */
  onLiveBeacon(peer: RemotePeer, beacon: Beacon): void {
    const { clock, peers, catchUp, endpointMatcher } = this.#components
    const nowMs = clock.nowMs()
    if (beacon.goodbye) {
      peers.takeLeave(peer.guid)
      return
    }
    peer.announcedVersion = Math.max(peer.announcedVersion, beacon.descriptorVersion)
    peer.reachability.live(beacon, nowMs)
    this.#alive(peer, beacon, nowMs)
    if (!isDescribed(peer)) catchUp.afterSpread(peer)
    endpointMatcher.digest(peer, beacon.digest)
  }

  /** Samples from the datagram lane. @throws NumacastError NUMACAST_MALFORMED */
  onSamples(from: Guid, input: ByteReader, source: FrameSource): void {
    const { counters, peers, endpointMatcher } = this.#components
    const peer = peers.get(from)
    if (peer === undefined) {
      counters.add('samples.from-unknown')
      return
    }
    if (!peer.ways.isKnown(source)) throw malformed(Rejection.foreignSource, 'samples')
    endpointMatcher.samples(peer, input)
  }

  /** A question of one of its writers, from the datagram lane. @throws NumacastError NUMACAST_MALFORMED */
  onAsk(from: Guid, ask: AckRequest, source: FrameSource): void {
    const { peers, endpointMatcher } = this.#components
    const peer = peers.get(from)
    if (peer === undefined) return
    if (!peer.ways.isKnown(source)) throw malformed(Rejection.foreignSource, 'ask')
    endpointMatcher.ask(peer, ask)
  }

  /**
   * A participant has asked something, and said who it is. It becomes a peer when it shares a partition with this one,
   * or when it `stays`: it introduced itself and will again.
   */
  onRequester(descriptor: Descriptor, stays: boolean): RemotePeer | undefined {
    const { self, clock, counters, peers, catchUp, relation } = this.#components
    const { guid } = descriptor
    if (guid === self) return undefined
    if (peers.hasDeparted(guid)) {
      counters.add('request.from-departed')
      return undefined
    }
    const nowMs = clock.nowMs()
    const known = peers.get(guid)
    if (known !== undefined) {
      heardFrom(known, nowMs)
      known.reachability.acquainted(nowMs)
      if (known.descriptor !== undefined && !isSameProcess(known.descriptor, descriptor)) {
        counters.add('request.rejected.foreign-identity')
      } else if (descriptor.version > (known.descriptor?.version ?? 0)) {
        peers.described(known, descriptor)
        // One that has just been met is asked when it is heard, or when it is clear that it is not.
        const isPlaced = known.reachability.isBeaconing || known.isBeyondMulticast
        if (isPlaced && known.matches.size > 0) catchUp.afterSpread(known)
      }
      return known
    }
    if (!stays && !relation.isRelated(descriptor)) return undefined
    const peer = this.#meetDescribed(descriptor, nowMs)
    peer?.reachability.acquainted(nowMs)
    return peer
  }

  /** Somebody who says that this participant holds its descriptor. Undefined, and it will send it, when that is not so. */
  onFamiliar(guid: Guid, version: number): RemotePeer | undefined {
    const known = this.#components.peers.get(guid)
    if (known?.descriptor === undefined) return undefined
    heardFrom(known, this.#components.clock.nowMs())
    return known.descriptor.version === version ? known : undefined
  }

  /**
   * Somebody has answered an introduction. The one that was asked, or, when an address was asked, whoever lives there:
   * undefined then, when it is not to be a peer.
   */
  onAnswer({ from, descriptor, knows, hears }: HelloReply): RemotePeer | undefined {
    const { self, clock, peers, catchUp, relation } = this.#components
    if (from === self || peers.hasDeparted(from)) return undefined
    const nowMs = clock.nowMs()
    const known = peers.get(from)
    if (known !== undefined && descriptor !== undefined && descriptor.version > (known.descriptor?.version ?? 0)) {
      peers.described(known, descriptor)
      if (known.matches.size > 0) catchUp.soon(known)
    }
    const isWanted = descriptor !== undefined && relation.isRelated(descriptor)
    const peer = known ?? (isWanted ? this.#meetDescribed(descriptor, nowMs) : undefined)
    if (peer === undefined) return undefined
    if (known === undefined && peer.matches.size > 0) catchUp.soon(peer)
    if (peer.monitor.isOverdue(nowMs)) peer.reachability.lost(nowMs)
    peer.monitor.answered(nowMs)
    peer.holdsVersion = knows
    peer.reachability.acquainted(nowMs)
    if (hears !== undefined) peers.told(peer, hears)
    return peer
  }

  #meetDescribed(descriptor: Descriptor, nowMs: number): RemotePeer | undefined {
    const { peers } = this.#components
    const { guid, incarnation, version } = descriptor
    const peer = peers.meet({ guid, incarnation, version, intervalMs: presenceIntervalMs }, nowMs)
    if (peer !== undefined) peers.described(peer, descriptor)
    return peer
  }

  /** What every sign of life by multicast says of its sender. Undefined when there is nothing more to be taken from it. */
  #hear(from: Guid, beacon: Beacon, source: FrameSource, nowMs: number): RemotePeer | undefined {
    const { counters, stream, peers } = this.#components
    if (peers.hasDeparted(from)) {
      counters.add('beacon.from-departed')
      return undefined
    }
    const known = peers.get(from)
    if (known !== undefined && !known.ways.isKnown(source)) {
      // The kernel says where a frame came from. Once a peer is overdue its address may have changed.
      if (!known.monitor.isOverdue(nowMs)) throw malformed(Rejection.foreignSource, 'beacon')
      known.ways.moveTo(source)
    }
    if (beacon.goodbye) {
      // Of one that was never met it says nothing, and might be somebody else's.
      if (known === undefined) counters.add('beacon.goodbye-of-unknown')
      else peers.takeLeave(from)
      return undefined
    }
    const { incarnation, descriptorVersion: version, intervalMs } = beacon
    const peer = known ?? peers.meet({ guid: from, incarnation, version, intervalMs }, nowMs)
    if (peer === undefined) return undefined
    if (!peer.ways.takeBeacon(source, beacon.sequence)) {
      counters.add('beacon.copies')
      return undefined
    }
    heardFrom(peer, nowMs)
    const address = peer.ways.main?.address ?? source.address
    peer.endpoint = beacon.streamPort === 0 ? undefined : stream.requestEndpointAt(address, beacon.streamPort)
    peer.announcedVersion = Math.max(peer.announcedVersion, version)
    return peer
  }

  #alive(peer: RemotePeer, { loopDelayMs, progress, audience }: Beacon, nowMs: number): void {
    const { monitor, reachability } = peer
    peer.audience = audience
    monitor.beacon({ intervalMs: reachability.intervalMs(nowMs), loopDelayMs, progress }, nowMs)
  }
}

/** Any frame of the peer's own. */
function heardFrom({ monitor, reachability }: RemotePeer, nowMs: number): void {
  if (monitor.isOverdue(nowMs)) reachability.lost(nowMs)
  monitor.heard(nowMs)
}

function isSameProcess(one: Descriptor, other: Descriptor): boolean {
  return (
    one.incarnation === other.incarnation &&
    one.identity.bootId === other.identity.bootId &&
    one.identity.pid === other.identity.pid
  )
}
