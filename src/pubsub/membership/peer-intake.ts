import type { Guid } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { presenceIntervalMs } from '../../discovery/peer-reachability.js'
import type { FrameSource, StreamLane } from '../../transport/lane/transport.js'
import type { AckRequest } from '../../wire/ack-request.js'
import type { Beacon } from '../../wire/beacon.js'
import type { Descriptor } from '../../wire/descriptor.js'
import { type ByteReader, malformed, Rejection } from '../../wire/encoding/bytes.js'
import type { HelloReply } from '../../wire/hello.js'
import { reportedReception } from '../../wire/reception.js'
import type { CatchUpClient } from '../catchup/catch-up-client.js'
import type { InterestFilter } from '../endpoints/interest-filter.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { isDescribed, type RemotePeer } from '../peer/remote-peer.js'
import type { EndpointMatcher } from './endpoint-matcher.js'
import type { PeerDirectory } from './peer-directory.js'

/** Changes of a descriptor that a message in the name of a peer may be ahead by. */
const maxVersionStep = 1_024

export interface PeerIntakeComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly stream: StreamLane
  readonly peers: PeerRegistry
  readonly directory: PeerDirectory
  readonly catchUp: CatchUpClient
  readonly endpointMatcher: EndpointMatcher
  readonly interest: InterestFilter
}

/** Makes peers of other participants, by their beacons, signs of presence, requests and answers. */
export class PeerIntake {
  readonly #components: PeerIntakeComponents

  constructor(components: PeerIntakeComponents) {
    this.#components = components
  }

  /** Takes a beacon from a partition's data group, by multicast. @throws NumacastError NUMACAST_MALFORMED */
  onBeacon(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, catchUp, endpointMatcher } = this.#components
    const nowMs = clock.nowMs()
    const peer = this.#receive(from, beacon, source, nowMs)
    if (peer === undefined) return
    peer.reachability.beacon(beacon, nowMs)
    this.#markAlive(peer, beacon, nowMs)
    if (peer.descriptor === undefined) catchUp.scheduleNow(peer)
    else if (!isDescribed(peer)) catchUp.scheduleSpread(peer)
    endpointMatcher.digest(peer, beacon.digest)
  }

  /** Takes a sign of presence: the peer reads a partition that is written to here. @throws NumacastError NUMACAST_MALFORMED */
  onPresence(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, catchUp } = this.#components
    const nowMs = clock.nowMs()
    const peer = this.#receive(from, beacon, source, nowMs)
    if (peer === undefined) return
    peer.reachability.presence(beacon, nowMs)
    this.#markAlive(peer, beacon, nowMs)
    // A peer that receives from us describes itself by its own request. `HelloClient` contacts the others.
    if (peer.descriptor !== undefined && !isDescribed(peer)) catchUp.scheduleSpread(peer)
  }

  /** Takes a beacon that the peer published by stream, for peers beyond multicast. */
  onLiveBeacon(peer: RemotePeer, beacon: Beacon): void {
    const { clock, directory, catchUp, endpointMatcher } = this.#components
    const nowMs = clock.nowMs()
    if (beacon.goodbye) {
      directory.goodbyeReceived(peer.guid)
      return
    }
    peer.announcedVersion = Math.max(peer.announcedVersion, beacon.descriptorVersion)
    peer.reachability.live(beacon, nowMs)
    this.#markAlive(peer, beacon, nowMs)
    if (!isDescribed(peer)) catchUp.scheduleSpread(peer)
    endpointMatcher.digest(peer, beacon.digest)
  }

  /** Takes samples from the datagram lane. @throws NumacastError NUMACAST_MALFORMED */
  onSamples(from: Guid, input: ByteReader, source: FrameSource): void {
    const { counters, peers, endpointMatcher } = this.#components
    const peer = peers.get(from)
    if (peer === undefined) {
      counters.add('samples.from-unknown')
      return
    }
    if (!peer.sources.isKnown(source)) throw malformed(Rejection.foreignSource, 'samples')
    endpointMatcher.samples(peer, input)
  }

  /** Takes a writer's question for acknowledgments, from the datagram lane. @throws NumacastError NUMACAST_MALFORMED */
  onAckRequest(from: Guid, request: AckRequest, source: FrameSource): void {
    const { peers, endpointMatcher } = this.#components
    const peer = peers.get(from)
    if (peer === undefined) return
    if (!peer.sources.isKnown(source)) throw malformed(Rejection.foreignSource, 'ask')
    endpointMatcher.acknowledgmentAsked(peer, request)
  }

  /**
   * Takes the descriptor of a participant that has sent a request. It becomes a peer when it shares a partition with
   * this one, or when it `stays`: it sent a hello and will repeat it.
   */
  onRequester(descriptor: Descriptor, stays: boolean): RemotePeer | undefined {
    const { self, clock, counters, peers, catchUp, interest } = this.#components
    const { guid } = descriptor
    if (guid === self) return undefined
    if (peers.departed.has(guid)) {
      counters.add('request.from-departed')
      return undefined
    }
    const nowMs = clock.nowMs()
    const known = peers.get(guid)
    if (known !== undefined) {
      markReceived(known, nowMs)
      known.reachability.contacted(nowMs)
      // A new peer is asked when its multicast arrives, or when it is clear that it does not.
      const isPlaced = known.reachability.isBeaconing || known.isBeyondMulticast
      const isNew = this.#takeDescriptor(known, descriptor)
      if (isNew && isPlaced && known.matches.size > 0) catchUp.scheduleSpread(known)
      return known
    }
    if (!stays && !interest.isRelated(descriptor)) return undefined
    const peer = this.#addDescribed(descriptor, nowMs)
    peer?.reachability.contacted(nowMs)
    return peer
  }

  /** Takes a hello without a descriptor. Returns undefined, and the peer then sends it, unless that version is held. */
  onKnownRequester(guid: Guid, version: number): RemotePeer | undefined {
    const known = this.#components.peers.get(guid)
    if (known?.descriptor === undefined) return undefined
    markReceived(known, this.#components.clock.nowMs())
    return known.descriptor.version === version ? known : undefined
  }

  /**
   * Takes the answer to a hello: from the peer that was asked, or from the participant at a dialled address. Returns
   * undefined when that participant does not become a peer.
   */
  onHelloReply(reply: HelloReply): RemotePeer | undefined {
    const { from, descriptor, knows } = reply
    const { self, clock, peers, directory, catchUp, interest } = this.#components
    if (from === self || peers.departed.has(from)) return undefined
    const nowMs = clock.nowMs()
    const known = peers.get(from)
    if (known !== undefined && descriptor !== undefined && this.#takeDescriptor(known, descriptor)) {
      if (known.matches.size > 0) catchUp.scheduleNow(known)
    }
    const isWanted = descriptor !== undefined && interest.isRelated(descriptor)
    const peer = known ?? (isWanted ? this.#addDescribed(descriptor, nowMs) : undefined)
    if (peer === undefined) return undefined
    if (known === undefined && peer.matches.size > 0) catchUp.scheduleNow(peer)
    if (peer.monitor.isOverdue(nowMs)) peer.reachability.lost(nowMs)
    peer.monitor.answered(nowMs)
    peer.holdsVersion = knows
    peer.reachability.contacted(nowMs)
    const isReceived = reportedReception(reply)
    if (isReceived !== undefined) directory.reportReception(peer, isReceived)
    return peer
  }

  /**
   * Takes the descriptor of a known peer from a message in its name, which any process can send. Versions only rise,
   * by one for each change. A version far ahead, or behind, shows that this descriptor or the held one may be
   * forged: the peer itself is asked, and its answer counts whatever its version. Returns whether it was taken.
   */
  #takeDescriptor(known: RemotePeer, descriptor: Descriptor): boolean {
    const { counters, directory, catchUp } = this.#components
    const held = known.descriptor
    if (held !== undefined && !isSameProcess(held, descriptor)) {
      counters.add('descriptor.rejected.foreign-identity')
      return false
    }
    const step = descriptor.version - (held?.version ?? 0)
    if (held !== undefined && (step < 0 || step > maxVersionStep)) {
      counters.add('descriptor.doubtful-version')
      catchUp.ask(known)
      return false
    }
    if (step > 0) directory.described(known, descriptor)
    return step > 0
  }

  #addDescribed(descriptor: Descriptor, nowMs: number): RemotePeer | undefined {
    const { peers, directory } = this.#components
    const { guid, incarnation, version } = descriptor
    const peer = peers.add({ guid, incarnation, version, intervalMs: presenceIntervalMs }, nowMs)
    if (peer !== undefined) directory.described(peer, descriptor)
    return peer
  }

  /** Takes what each sign of life by multicast tells of its sender. Returns undefined when nothing more follows from it. */
  #receive(from: Guid, beacon: Beacon, source: FrameSource, nowMs: number): RemotePeer | undefined {
    const { counters, stream, peers, directory } = this.#components
    if (peers.departed.has(from)) {
      counters.add('beacon.from-departed')
      return undefined
    }
    const known = peers.get(from)
    if (known !== undefined && !known.sources.isKnown(source)) {
      // The kernel reports where a frame came from. Once a peer is overdue its address may have changed.
      if (!known.monitor.isOverdue(nowMs)) throw malformed(Rejection.foreignSource, 'beacon')
      known.sources.moveTo(source)
    }
    if (beacon.goodbye) {
      // The goodbye of an unknown participant means nothing, and may be forged.
      if (known === undefined) counters.add('beacon.goodbye-of-unknown')
      else directory.goodbyeReceived(from)
      return undefined
    }
    const { incarnation, descriptorVersion: version, intervalMs } = beacon
    const peer = known ?? peers.add({ guid: from, incarnation, version, intervalMs }, nowMs)
    if (peer === undefined) return undefined
    if (!peer.sources.takeBeacon(source, beacon.sequence)) {
      counters.add('beacon.copies')
      return undefined
    }
    markReceived(peer, nowMs)
    const address = peer.sources.main?.address ?? source.address
    peer.endpoint = beacon.streamPort === 0 ? undefined : stream.requestEndpointAt(address, beacon.streamPort)
    peer.announcedVersion = Math.max(peer.announcedVersion, version)
    return peer
  }

  #markAlive(peer: RemotePeer, { loopDelayMs, progress, audience }: Beacon, nowMs: number): void {
    const { monitor, reachability } = peer
    peer.audience = audience
    monitor.beacon({ intervalMs: reachability.intervalMs(nowMs), loopDelayMs, progress }, nowMs)
  }
}

/** A frame of the peer has arrived. */
function markReceived({ monitor, reachability }: RemotePeer, nowMs: number): void {
  if (monitor.isOverdue(nowMs)) reachability.lost(nowMs)
  monitor.frameReceived(nowMs)
}

function isSameProcess(one: Descriptor, other: Descriptor): boolean {
  return (
    one.incarnation === other.incarnation &&
    one.identity.bootId === other.identity.bootId &&
    one.identity.pid === other.identity.pid
  )
}
