import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import type { Guid } from '../core/ids.js'
import { Earshot, presenceIntervalMs } from '../discovery/earshot.js'
import { PeerMonitor } from '../liveliness/peer-monitor.js'
import { Liveliness, LivelinessCause, type ProcessProbe, type Verdict } from '../liveliness/verdict.js'
import type { FrameSource, StreamLane } from '../transport/transport.js'
import type { Beacon } from '../wire/beacon.js'
import { type ByteReader, malformed, Rejection } from '../wire/bytes.js'
import type { Descriptor, ProcessIdentity } from '../wire/descriptor.js'
import type { IntroductionReply } from '../wire/introduction.js'
import type { CatchUpClient } from './catch-up-client.js'
import type { PeerEvent } from './events.js'
import type { MatchedReaders } from './matched-readers.js'
import type { Matchmaker } from './matchmaker.js'
import { PeerJudge } from './peer-judge.js'
import type { Relation } from './relation.js'
import { isDescribed, type RemotePeer, toPeer } from './remote-peer.js'

export interface PeerDirectoryComponents {
  /** This participant. */
  readonly self: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly stream: StreamLane
  readonly identity: ProcessIdentity
  readonly leaseMs: number
  readonly forgetUnreachableMs: number
  readonly catchUp: CatchUpClient
  readonly matchmaker: Matchmaker
  readonly matchedReaders: MatchedReaders
  readonly relation: Relation
  /** What the kernel says of a process of this host. */
  readonly probe: (identity: ProcessIdentity) => ProcessProbe
  readonly onPeer: (event: PeerEvent) => void
  /** A verdict has changed, or a peer has been forgotten, also one that nobody was told of. */
  readonly onSettled: () => void
}

/** What is known of somebody at the first sign of life. */
interface Met {
  readonly guid: Guid
  readonly incarnation: number
  /** Of its descriptor. */
  readonly version: number
  readonly intervalMs: number
}

/** GUIDs that said goodbye or died: a late frame of theirs must not bring them back. */
const maxDeparted = 4096
/** Peers held at once. */
const maxPeers = 16_384
/** Of these, those that have not described themselves yet: anybody can send a beacon, so each is a guess. */
const maxStrangers = 1_024

/** Who is there: takes in beacons, requests and descriptors, holds the peers, and forgets those who are gone. */
export class PeerDirectory {
  readonly #components: PeerDirectoryComponents
  readonly #judge: PeerJudge
  readonly #peers = new Map<Guid, RemotePeer>()
  readonly #departed = new Set<Guid>()
  /** Met, and not described yet. */
  readonly #strangers = new Set<Guid>()

  constructor(components: PeerDirectoryComponents) {
    const { clock, identity, probe } = components
    this.#components = components
    this.#judge = new PeerJudge({
      clock,
      identity,
      probe,
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

  /** A beacon among a partition's data, by multicast. @throws NumacastError NUMACAST_MALFORMED */
  onBeacon(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, catchUp, matchmaker } = this.#components
    const nowMs = clock.nowMs()
    const peer = this.#hear(from, beacon, source, nowMs)
    if (peer === undefined) return
    peer.earshot.beacon(beacon.intervalMs, nowMs)
    peer.monitor.beacon(peer.earshot.intervalMs(nowMs), beacon.loopDelayMs, nowMs)
    if (peer.descriptor === undefined) catchUp.soon(peer)
    else if (!isDescribed(peer)) catchUp.afterSpread(peer)
    matchmaker.digest(peer, beacon.digest)
  }

  /** A sign of presence: the peer reads a partition that is written to here. @throws NumacastError NUMACAST_MALFORMED */
  onPresence(from: Guid, beacon: Beacon, source: FrameSource): void {
    const { clock, catchUp } = this.#components
    const nowMs = clock.nowMs()
    const peer = this.#hear(from, beacon, source, nowMs)
    if (peer === undefined) return
    peer.earshot.presence(beacon.intervalMs, nowMs)
    peer.monitor.beacon(peer.earshot.intervalMs(nowMs), beacon.loopDelayMs, nowMs)
    // One that hears us describes itself by its own request; the introducer looks after one that does not.
    if (peer.descriptor !== undefined && !isDescribed(peer)) catchUp.afterSpread(peer)
  }

  /** A beacon that the peer published for those beyond multicast. */
  onLiveBeacon(peer: RemotePeer, beacon: Beacon): void {
    const { clock, catchUp, matchmaker } = this.#components
    const nowMs = clock.nowMs()
    if (beacon.goodbye) {
      this.#takeLeave(peer.guid, peer)
      return
    }
    peer.announcedVersion = Math.max(peer.announcedVersion, beacon.descriptorVersion)
    peer.earshot.live(beacon.intervalMs, nowMs)
    peer.monitor.beacon(peer.earshot.intervalMs(nowMs), beacon.loopDelayMs, nowMs)
    if (!isDescribed(peer)) catchUp.afterSpread(peer)
    matchmaker.digest(peer, beacon.digest)
  }

  /**
   * A participant has asked something, and said who it is. It becomes a peer when it shares a partition with this one,
   * or when it `stays`: it introduced itself and will again.
   */
  onRequester(descriptor: Descriptor, stays: boolean): RemotePeer | undefined {
    const { clock, counters, catchUp } = this.#components
    const { guid } = descriptor
    if (guid === this.#components.self) return undefined
    if (this.#departed.has(guid)) {
      counters.add('request.from-departed')
      return undefined
    }
    const nowMs = clock.nowMs()
    const known = this.#peers.get(guid)
    if (known !== undefined) {
      this.#heardFrom(known, nowMs)
      if (known.descriptor !== undefined && !isSameProcess(known.descriptor, descriptor)) {
        counters.add('request.rejected.foreign-identity')
      } else if (descriptor.version > (known.descriptor?.version ?? 0)) {
        this.described(known, descriptor)
        if (known.matches.size > 0) catchUp.afterSpread(known)
      }
      return known
    }
    if (!stays && !this.#components.relation.isRelated(descriptor)) return undefined
    const { incarnation, version } = descriptor
    const peer = this.#meet({ guid, incarnation, version, intervalMs: presenceIntervalMs }, nowMs)
    if (peer === undefined) return undefined
    this.described(peer, descriptor)
    if (peer.matches.size > 0) catchUp.soon(peer)
    return peer
  }

  /** Somebody who says that this participant holds its descriptor. Undefined, and it will send it, when that is not so. */
  onFamiliar(guid: Guid, version: number): RemotePeer | undefined {
    const known = this.#peers.get(guid)
    if (known?.descriptor === undefined) return undefined
    this.#heardFrom(known, this.#components.clock.nowMs())
    return known.descriptor.version === version ? known : undefined
  }

  /** The peer has answered an introduction. */
  introduced(peer: RemotePeer, { descriptor, knows, hears }: IntroductionReply): void {
    const { clock, catchUp } = this.#components
    this.#heardFrom(peer, clock.nowMs())
    peer.holdsVersion = knows
    this.told(peer, hears)
    if (descriptor === undefined || descriptor.version <= (peer.descriptor?.version ?? 0)) return
    this.described(peer, descriptor)
    if (peer.matches.size > 0) catchUp.soon(peer)
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
    const { identity, matchmaker, matchedReaders, onPeer } = this.#components
    const isFirst = peer.descriptor === undefined
    peer.descriptor = descriptor
    this.#strangers.delete(peer.guid)
    peer.announcedVersion = Math.max(peer.announcedVersion, descriptor.version)
    peer.monitor.setSameHost(descriptor.identity.bootId === identity.bootId)
    if (isFirst) this.#replaceOlder(descriptor)
    matchmaker.follow(peer, descriptor)
    matchedReaders.follow(peer, descriptor)
    const described = toPeer(peer)
    if (isFirst && described !== undefined) onPeer({ kind: 'joined', peer: described })
  }

  /** Judges everybody. `lateMs` is how late this participant itself is: peers are not blamed for that. */
  judge(lateMs: number): void {
    const { clock, counters, relation, forgetUnreachableMs } = this.#components
    const nowMs = clock.nowMs()
    for (const peer of [...this.#peers.values()]) {
      this.#judge.credit(peer, lateMs)
      const { monitor, earshot, descriptor } = peer
      // Its beacons have ended, and its signs of presence have not.
      if (monitor.isOverdue(nowMs) && earshot.isHeard(nowMs)) monitor.expectEvery(earshot.intervalMs(nowMs))
      const isOverdue = monitor.isOverdue(nowMs)
      const { liveliness, sinceMs } = monitor.verdict
      if (isOverdue && descriptor !== undefined && !relation.isRelated(descriptor)) this.#drop(peer)
      else if (isOverdue && liveliness === Liveliness.unreachable && nowMs - sinceMs >= forgetUnreachableMs) {
        counters.add('peer.forgotten')
        this.#drop(peer)
      } else this.#judge.judge(peer)
    }
  }

  /** The peer has said whether it hears this participant. */
  told(peer: RemotePeer, hearsUs: boolean): void {
    if (!peer.earshot.told(hearsUs, this.#components.clock.nowMs())) return
    if (!hearsUs) this.#components.counters.add('peer.does-not-hear-us')
    const changed = toPeer(peer)
    if (changed !== undefined) this.#components.onPeer({ kind: 'hearing-changed', peer: changed })
  }

  /** A fact about a peer: the kernel's word, or its goodbye. */
  conclude(peer: RemotePeer, liveliness: Liveliness, cause: LivelinessCause | null, detail: string | null): void {
    this.#judge.conclude(peer, liveliness, cause, detail)
  }

  close(): void {
    for (const peer of this.#peers.values()) this.#forget(peer)
    this.#peers.clear()
    this.#strangers.clear()
  }

  /** What every frame by multicast says of its sender. Undefined when there is nothing more to be taken from it. */
  #hear(from: Guid, beacon: Beacon, source: FrameSource, nowMs: number): RemotePeer | undefined {
    const { counters, stream } = this.#components
    if (this.#departed.has(from)) {
      counters.add('beacon.from-departed')
      return undefined
    }
    const known = this.#peers.get(from)
    if (known !== undefined) this.#checkSource(known, source, nowMs)
    if (beacon.goodbye) {
      this.#takeLeave(from, known)
      return undefined
    }
    const { incarnation, descriptorVersion: version, intervalMs } = beacon
    const peer = known ?? this.#meet({ guid: from, incarnation, version, intervalMs }, nowMs)
    if (peer === undefined) return undefined
    this.#heardFrom(peer, nowMs)
    peer.source = source
    peer.endpoint = beacon.streamPort === 0 ? undefined : stream.requestEndpointAt(source.address, beacon.streamPort)
    peer.announcedVersion = Math.max(peer.announcedVersion, version)
    return peer
  }

  /** Any frame of the peer's own. */
  #heardFrom(peer: RemotePeer, nowMs: number): void {
    if (peer.monitor.isOverdue(nowMs)) peer.earshot.lost(nowMs)
    peer.monitor.heard(nowMs)
  }

  #takeLeave(guid: Guid, known: RemotePeer | undefined): void {
    this.#rememberDeparted(guid)
    if (known !== undefined) this.conclude(known, Liveliness.dead, LivelinessCause.goodbye, null)
  }

  /** Undefined, and counted, when there are too many. */
  #meet(met: Met, nowMs: number): RemotePeer | undefined {
    const { leaseMs, counters } = this.#components
    if (this.#peers.size >= maxPeers || this.#strangers.size >= maxStrangers) {
      counters.add('peer.refused.too-many')
      return undefined
    }
    const peer: RemotePeer = {
      guid: met.guid,
      incarnation: met.incarnation,
      monitor: new PeerMonitor({ leaseMs, intervalMs: met.intervalMs, sameHost: true }, nowMs),
      earshot: new Earshot(nowMs),
      source: undefined,
      endpoint: undefined,
      announcedVersion: met.version,
      holdsVersion: 0,
      descriptor: undefined,
      isBeyondMulticast: false,
      matches: new Map(),
      subscriptions: new Map(),
      pull: { timer: undefined, inFlight: false, failures: 0, ended: false },
    }
    this.#peers.set(met.guid, peer)
    this.#strangers.add(met.guid)
    return peer
  }

  /**
   * A participant sends all its datagrams from one socket, and the kernel says which: a frame from elsewhere is
   * somebody else's. Once the peer is overdue its address may have changed, and its next beacon is believed.
   * @throws NumacastError NUMACAST_MALFORMED
   */
  #checkSource(peer: RemotePeer, source: FrameSource, nowMs: number): void {
    if (peer.source === undefined) return
    if (peer.source.port === source.port && peer.source.address === source.address) return
    if (!peer.monitor.isOverdue(nowMs)) throw malformed(Rejection.foreignSource, 'frame')
  }

  #onVerdict(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    const { onPeer, onSettled, counters } = this.#components
    counters.add(`peer.${verdict.liveliness}`)
    const changed = toPeer(peer)
    if (changed !== undefined) onPeer({ kind: 'liveliness-changed', peer: changed, before })
    if (verdict.liveliness === Liveliness.dead) {
      // One that was only silent for too long may come back; one that is known to be gone may not.
      if (verdict.cause !== LivelinessCause.leaseExpired) this.#rememberDeparted(peer.guid)
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

  /** A process has been restarted under the pid that an older peer had: that one is gone, whatever its lease says. */
  #replaceOlder({ identity }: Descriptor): void {
    const { bootId, pidNamespace, pid, startTimeTicks } = identity
    if (pidNamespace === null || startTimeTicks === null) return
    for (const older of [...this.#peers.values()]) {
      const theirs = older.descriptor?.identity
      if (theirs?.pid !== pid || theirs.bootId !== bootId || theirs.pidNamespace !== pidNamespace) continue
      if (theirs.startTimeTicks === null || theirs.startTimeTicks >= startTimeTicks) continue
      this.conclude(older, Liveliness.dead, LivelinessCause.replaced, null)
    }
  }

  #remove(peer: RemotePeer): void {
    this.#peers.delete(peer.guid)
    this.#strangers.delete(peer.guid)
    this.#forget(peer)
    this.#components.matchmaker.forget(peer)
    this.#components.matchedReaders.forget(peer)
  }

  #forget(peer: RemotePeer): void {
    this.#components.catchUp.forget(peer)
    for (const subscription of peer.subscriptions.values()) subscription.close()
    peer.subscriptions.clear()
  }

  #rememberDeparted(guid: Guid): void {
    this.#departed.add(guid)
    if (this.#departed.size > maxDeparted) this.#departed.delete(this.#departed.values().next().value as Guid)
  }
}

function isSameProcess(one: Descriptor, other: Descriptor): boolean {
  return (
    one.incarnation === other.incarnation &&
    one.identity.bootId === other.identity.bootId &&
    one.identity.pid === other.identity.pid
  )
}
