import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import type { Guid } from '../core/ids.js'
import type { ResolvedLivelinessOptions } from '../liveliness/liveliness-options.js'
import type { Observer } from '../liveliness/observer.js'
import { PeerMonitor } from '../liveliness/peer-monitor.js'
import { PeerReach } from '../liveliness/peer-reach.js'
import type { ProcessReading } from '../liveliness/process-reading.js'
import { type Finding, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from '../liveliness/verdict.js'
import type { FrameSource, StreamLane } from '../transport/transport.js'
import type { Beacon } from '../wire/beacon.js'
import { type ByteReader, malformed, Rejection } from '../wire/bytes.js'
import type { Descriptor, ProcessIdentity } from '../wire/descriptor.js'
import type { CatchUpClient } from './catch-up-client.js'
import type { PeerEvent } from './events.js'
import type { Matchmaker } from './matchmaker.js'
import { PeerJudge } from './peer-judge.js'
import { isDescribed, type RemotePeer, toPeer } from './remote-peer.js'

export interface PeerDirectoryComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly stream: StreamLane
  readonly identity: ProcessIdentity
  readonly liveliness: ResolvedLivelinessOptions
  readonly observer: Observer
  readonly catchUp: CatchUpClient
  readonly matchmaker: Matchmaker
  /** What the kernel says of a process of this host. */
  readonly probe: (identity: ProcessIdentity) => ProcessReading
  readonly onPeer: (event: PeerEvent) => void
  /** A verdict has changed, or a peer has been forgotten, also one that nobody was told of. */
  readonly onSettled: () => void
}

/** GUIDs remembered of those that left, of either kind. */
const maxRemembered = 4096
/** Peers held at once. */
const maxPeers = 16_384
/** Of these, those that have not described themselves yet: anybody can send a beacon, so each is a guess. */
const maxStrangers = 1_024

const farewell: Finding = {
  liveliness: Liveliness.dead,
  cause: LivelinessCause.goodbye,
  detail: null,
  evidence: VerdictEvidence.goodbye,
}

/** Who is there: takes in beacons and descriptors, holds the peers, and forgets those who are gone. */
export class PeerDirectory {
  readonly #components: PeerDirectoryComponents
  readonly #judge: PeerJudge
  readonly #peers = new Map<Guid, RemotePeer>()
  /** Said goodbye, or known to be dead: a late frame of theirs must not bring them back. */
  readonly #departed = new Set<Guid>()
  /** Given up for silence: they may come back, on probation. */
  readonly #givenUp = new Set<Guid>()
  /** Met, and not described yet. */
  readonly #strangers = new Set<Guid>()

  constructor(components: PeerDirectoryComponents) {
    const { clock, identity, observer, probe, catchUp } = components
    this.#components = components
    this.#judge = new PeerJudge({
      clock,
      identity,
      observer,
      probe,
      ask: (peer) => catchUp.ask(peer),
      onVerdict: (peer, before, verdict) => this.#onVerdict(peer, before, verdict),
    })
  }

  get size(): number {
    return this.#peers.size
  }
  get(guid: Guid): RemotePeer | undefined {
    return this.#peers.get(guid)
  }
  values(): IterableIterator<RemotePeer> {
    return this.#peers.values()
  }

  onBeacon(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, counters, stream, catchUp, matchmaker } = this.#components
    if (this.#departed.has(from)) {
      counters.add('beacon.from-departed')
      return
    }
    const nowMs = clock.nowMs()
    const known = this.#peers.get(from)
    if (known !== undefined) this.#checkSource(known, source, nowMs)
    if (beacon.goodbye) {
      remember(this.#departed, from)
      if (known !== undefined) this.conclude(known, farewell)
      return
    }
    const endpoint = stream.requestEndpointAt(source.address, beacon.streamPort)
    const peer = known ?? this.#meet(from, beacon, source, endpoint, nowMs)
    if (peer === undefined) {
      counters.add('beacon.refused.too-many-peers')
      return
    }
    peer.source = source
    peer.endpoint = endpoint
    peer.announcedVersion = Math.max(peer.announcedVersion, beacon.descriptorVersion)
    peer.monitor.beacon(beacon, nowMs)
    if (!isDescribed(peer)) catchUp.soon(peer)
    matchmaker.digest(peer, beacon.digest)
  }

  /** Samples from the datagram lane. @throws NumacastError NUMACAST_MALFORMED */
  onSamples(from: Guid, input: ByteReader, source: FrameSource): void {
    const { counters, clock, matchmaker } = this.#components
    const peer = this.#peers.get(from)
    if (peer === undefined) {
      counters.add('samples.from-unknown')
      return
    }
    this.#checkSource(peer, source, clock.nowMs())
    matchmaker.samples(peer, input)
  }

  /** A newer descriptor. */
  described(peer: RemotePeer, descriptor: Descriptor): void {
    const { identity, matchmaker, onPeer } = this.#components
    const isFirst = peer.descriptor === undefined
    peer.descriptor = descriptor
    this.#strangers.delete(peer.guid)
    peer.announcedVersion = Math.max(peer.announcedVersion, descriptor.version)
    const theirs = descriptor.identity
    peer.monitor.setPlace({
      reach: theirs.bootId === identity.bootId ? PeerReach.host : PeerReach.lan,
      sharesNetwork: theirs.bootId === identity.bootId && theirs.networkNamespace === identity.networkNamespace,
    })
    matchmaker.follow(peer, descriptor)
    const described = toPeer(peer)
    if (isFirst && described !== undefined) onPeer({ kind: 'joined', peer: described })
  }

  /** Judges this participant, then everybody else. To be called at each check. */
  judge(): void {
    const { clock, matchmaker } = this.#components
    if (!this.#judge.checkSelf(this.#peers.values())) return
    const nowMs = clock.nowMs()
    const watched: RemotePeer[] = []
    for (const peer of [...this.#peers.values()]) {
      if (peer.monitor.isOverdue(nowMs) && !matchmaker.isInEarshot(peer)) this.#drop(peer)
      else watched.push(peer)
    }
    this.#judge.round(watched)
  }

  /** A fact about a peer: the kernel's word, or its goodbye. */
  conclude(peer: RemotePeer, finding: Finding): void {
    this.#judge.conclude(peer, finding)
  }

  close(): void {
    for (const peer of this.#peers.values()) this.#forget(peer)
    this.#peers.clear()
    this.#strangers.clear()
  }

  /** Undefined when there are too many. */
  #meet(guid: Guid, beacon: Beacon, source: FrameSource, endpoint: string, nowMs: number): RemotePeer | undefined {
    if (this.#peers.size >= maxPeers || this.#strangers.size >= maxStrangers) return undefined
    const isReturning = this.#givenUp.delete(guid)
    const peer: RemotePeer = {
      guid,
      incarnation: beacon.incarnation,
      monitor: new PeerMonitor(this.#components.liveliness, beacon.intervalMs, nowMs, isReturning),
      source,
      endpoint,
      announcedVersion: beacon.descriptorVersion,
      descriptor: undefined,
      matches: new Map(),
      subscriptions: new Map(),
      pull: { timer: undefined, inFlight: false, isQuestion: false, failures: 0, ended: false },
    }
    this.#peers.set(guid, peer)
    this.#strangers.add(guid)
    return peer
  }

  /**
   * A participant sends all its datagrams from one socket, and the kernel says which: a frame from elsewhere is
   * somebody else's. Once the peer is overdue its address may have changed, and its next beacon is believed.
   * @throws NumacastError NUMACAST_MALFORMED
   */
  #checkSource(peer: RemotePeer, source: FrameSource, nowMs: number): void {
    if (peer.source.port === source.port && peer.source.address === source.address) return
    if (!peer.monitor.isOverdue(nowMs)) throw malformed(Rejection.foreignSource, 'frame')
  }

  #onVerdict(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    const { onPeer, onSettled, counters, matchmaker } = this.#components
    matchmaker.judged(peer, verdict.liveliness !== Liveliness.unreachable)
    counters.add(`peer.${verdict.liveliness}`)
    const changed = toPeer(peer)
    if (changed !== undefined) onPeer({ kind: 'liveliness-changed', peer: changed, before })
    if (verdict.liveliness === Liveliness.dead) {
      // One that was only silent for too long may come back; one that is known to be gone may not.
      const wasSilent = verdict.evidence === VerdictEvidence.lease || verdict.evidence === VerdictEvidence.phi
      remember(wasSilent ? this.#givenUp : this.#departed, peer.guid)
      this.#remove(peer)
      if (changed !== undefined) onPeer({ kind: 'left', peer: changed })
    }
    onSettled()
  }

  /** Forgets a peer without a verdict on it. */
  #drop(peer: RemotePeer): void {
    this.#remove(peer)
    const left = toPeer(peer)
    if (left !== undefined) this.#components.onPeer({ kind: 'left', peer: left })
    this.#components.onSettled()
  }

  #remove(peer: RemotePeer): void {
    this.#peers.delete(peer.guid)
    this.#strangers.delete(peer.guid)
    this.#forget(peer)
    this.#components.matchmaker.forget(peer)
  }

  #forget(peer: RemotePeer): void {
    this.#components.catchUp.forget(peer)
    for (const subscription of peer.subscriptions.values()) subscription.close()
    peer.subscriptions.clear()
  }
}

/** The oldest is forgotten for it when there are too many. */
function remember(guids: Set<Guid>, guid: Guid): void {
  guids.add(guid)
  if (guids.size > maxRemembered) guids.delete(guids.values().next().value as Guid)
}
