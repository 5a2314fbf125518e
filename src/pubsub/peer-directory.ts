import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import { type EntityId, entityGuid, type Guid } from '../core/ids.js'
import { PeerMonitor } from '../liveliness/peer-monitor.js'
import { Liveliness, LivelinessCause, ProcessProbe, type Verdict } from '../liveliness/verdict.js'
import type { FrameSource, StreamLane } from '../transport/transport.js'
import type { Beacon } from '../wire/beacon.js'
import { type ByteReader, malformed, Rejection } from '../wire/bytes.js'
import type { Descriptor, ProcessIdentity, ReaderInfo } from '../wire/descriptor.js'
import { readSamples, readSamplesHead } from '../wire/samples.js'
import type { CatchUpClient } from './catch-up-client.js'
import type { PeerEvent } from './events.js'
import { matchEndpoints } from './matching.js'
import type { MismatchLog } from './mismatch-log.js'
import { newWriterProxy } from './proxy.js'
import type { Reader } from './reader.js'
import { isDescribed, type Match, type RemotePeer, toPeer } from './remote-peer.js'

export interface PeerDirectoryComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly stream: StreamLane
  readonly identity: ProcessIdentity
  readonly leaseMs: number
  readonly readers: () => Iterable<{ readonly reader: Reader<object>; readonly info: ReaderInfo }>
  readonly catchUp: CatchUpClient
  /** What the kernel says of a process of this host. */
  readonly probe: (identity: ProcessIdentity) => ProcessProbe
  /** The peer's matches or its descriptor have changed: live connections follow. */
  readonly followLive: (peer: RemotePeer) => void
  readonly onPeer: (event: PeerEvent) => void
  /** A verdict has changed, or a peer has been forgotten, also one that nobody was told of. */
  readonly onSettled: () => void
  readonly mismatches: MismatchLog
}

/** GUIDs that said goodbye or died: a late frame of theirs must not bring them back. */
const maxDeparted = 4096
/** Peers held at once. */
const maxPeers = 16_384
/** Of these, those that have not described themselves yet: anybody can send a beacon, so each is a guess. */
const maxStrangers = 1_024

/** Who is there: takes in beacons, frames and descriptors, matches writers to local readers, and judges who lives. */
export class PeerDirectory {
  readonly #components: PeerDirectoryComponents
  readonly #peers = new Map<Guid, RemotePeer>()
  readonly #departed = new Set<Guid>()
  /** Met, and not described yet. */
  readonly #strangers = new Set<Guid>()

  constructor(components: PeerDirectoryComponents) {
    this.#components = components
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
    const { clock, counters, stream, catchUp } = this.#components
    if (this.#departed.has(from)) {
      counters.add('beacon.from-departed')
      return
    }
    const nowMs = clock.nowMs()
    const known = this.#peers.get(from)
    if (known !== undefined) this.#checkSource(known, source, nowMs)
    if (beacon.goodbye) {
      const leaving = known
      this.#rememberDeparted(from)
      if (leaving !== undefined) this.conclude(leaving, Liveliness.dead, LivelinessCause.goodbye, null)
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
    peer.monitor.beacon(beacon.intervalMs, beacon.loopDelayMs, nowMs)
    if (!isDescribed(peer)) catchUp.soon(peer)
    for (const { writer, lastSeq } of beacon.digest) {
      for (const { proxy } of peer.matches.get(writer) ?? []) {
        proxy.progress.announce(lastSeq)
        if (!proxy.started || proxy.progress.hasGap) catchUp.afterSpread(peer)
      }
    }
  }

  /** Samples from the datagram lane. @throws NumacastError NUMACAST_MALFORMED */
  onSamples(from: Guid, input: ByteReader, source: FrameSource): void {
    const peer = this.#peers.get(from)
    if (peer === undefined) {
      this.#components.counters.add('samples.from-unknown')
      return
    }
    this.#checkSource(peer, source, this.#components.clock.nowMs())
    this.onPeerSamples(peer, input)
  }

  /** Samples that are known to come from `peer`. @throws NumacastError NUMACAST_MALFORMED */
  onPeerSamples(peer: RemotePeer, input: ByteReader): void {
    const head = readSamplesHead(input)
    const matches = peer.matches.get(head.writer)
    if (matches === undefined) {
      this.#components.counters.add('samples.unmatched')
      return
    }
    const samples = readSamples(input, head)
    peer.monitor.heard(this.#components.clock.nowMs())
    for (const { reader, proxy } of matches) {
      reader.receiveLive(proxy, head, samples)
      if (proxy.progress.hasGap) this.#components.catchUp.afterSpread(peer)
    }
  }

  /** A newer descriptor: matches follow it. */
  described(peer: RemotePeer, descriptor: Descriptor): void {
    const isFirst = peer.descriptor === undefined
    peer.descriptor = descriptor
    this.#strangers.delete(peer.guid)
    peer.announcedVersion = Math.max(peer.announcedVersion, descriptor.version)
    peer.monitor.setSameHost(descriptor.identity.bootId === this.#components.identity.bootId)
    const announced = new Set(descriptor.writers.map(({ entity }) => entity))
    for (const writer of [...peer.matches.keys()]) if (!announced.has(writer)) this.#unmatch(peer, writer)
    for (const { reader, info } of this.#components.readers()) this.#matchReader(peer, descriptor, reader, info)
    this.#components.followLive(peer)
    const described = toPeer(peer)
    if (isFirst && described !== undefined) this.#components.onPeer({ kind: 'joined', peer: described })
  }

  /** A new local reader: whom does it match? */
  addReader(reader: Reader<object>, info: ReaderInfo): void {
    for (const peer of this.#peers.values()) {
      if (peer.descriptor === undefined) continue
      if (!this.#matchReader(peer, peer.descriptor, reader, info)) continue
      this.#components.followLive(peer)
      this.#components.catchUp.soon(peer)
    }
  }

  removeReader(reader: Reader<object>): void {
    for (const peer of this.#peers.values()) {
      for (const [writer, matches] of peer.matches) {
        const rest = matches.filter((match) => match.reader !== reader)
        if (rest.length > 0) peer.matches.set(writer, rest)
        else peer.matches.delete(writer)
      }
      this.#components.followLive(peer)
    }
  }

  /** Judges everybody. `lateMs` is how late this participant itself is: peers are not blamed for that. */
  judge(lateMs: number): void {
    const nowMs = this.#components.clock.nowMs()
    for (const peer of [...this.#peers.values()]) {
      if (lateMs > 0) peer.monitor.credit(lateMs, nowMs)
      if (peer.monitor.isOverdue(nowMs) && this.#isOutOfEarshot(peer)) {
        this.#drop(peer)
        continue
      }
      const before = peer.monitor.verdict
      this.#settle(peer, before, peer.monitor.judge(nowMs, this.#probe(peer, nowMs)))
    }
  }

  /** A fact about a peer: the kernel's word, or its goodbye. */
  conclude(peer: RemotePeer, liveliness: Liveliness, cause: LivelinessCause | null, detail: string | null): void {
    const before = peer.monitor.verdict
    this.#settle(peer, before, peer.monitor.fact(liveliness, cause, detail, this.#components.clock.nowMs()))
  }

  close(): void {
    for (const peer of this.#peers.values()) this.#forget(peer)
    this.#peers.clear()
    this.#strangers.clear()
  }

  /** Undefined when there are too many. */
  #meet(guid: Guid, beacon: Beacon, source: FrameSource, endpoint: string, nowMs: number): RemotePeer | undefined {
    if (this.#peers.size >= maxPeers || this.#strangers.size >= maxStrangers) return undefined
    const { leaseMs } = this.#components
    const peer: RemotePeer = {
      guid,
      incarnation: beacon.incarnation,
      monitor: new PeerMonitor({ leaseMs, intervalMs: beacon.intervalMs, sameHost: true }, nowMs),
      source,
      endpoint,
      announcedVersion: beacon.descriptorVersion,
      descriptor: undefined,
      matches: new Map(),
      subscriptions: new Map(),
      pull: { timer: undefined, inFlight: false, failures: 0, ended: false },
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

  /** It writes to no partition that is read here (any more), so its silence says nothing about it. */
  #isOutOfEarshot(peer: RemotePeer): boolean {
    const { descriptor } = peer
    if (descriptor === undefined) return false
    const readers = [...this.#components.readers()]
    return !descriptor.writers.some(({ partitions }) =>
      readers.some(({ info }) => info.partitions.some((partition) => partitions.includes(partition))),
    )
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
    for (const writer of [...peer.matches.keys()]) this.#unmatch(peer, writer)
  }

  #probe(peer: RemotePeer, nowMs: number): ProcessProbe {
    const { identity, probe } = this.#components
    const theirs = peer.descriptor?.identity
    if (theirs === undefined || !peer.monitor.isOverdue(nowMs)) return ProcessProbe.unknown
    const isVisible = theirs.bootId === identity.bootId && theirs.pidNamespace === identity.pidNamespace
    return isVisible ? probe(theirs) : ProcessProbe.unknown
  }

  #settle(peer: RemotePeer, before: Verdict, verdict: Verdict): void {
    if (verdict === before) return
    const { onPeer, counters } = this.#components
    counters.add(`peer.${verdict.liveliness}`)
    const changed = toPeer(peer)
    if (changed !== undefined) onPeer({ kind: 'liveliness-changed', peer: changed, before })
    if (verdict.liveliness !== Liveliness.dead) {
      this.#components.onSettled()
      return
    }
    // One that was only silent for too long may come back; one that is known to be gone may not.
    if (verdict.cause !== LivelinessCause.leaseExpired) this.#rememberDeparted(peer.guid)
    this.#remove(peer)
    if (changed !== undefined) onPeer({ kind: 'left', peer: changed })
    this.#components.onSettled()
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

  #unmatch(peer: RemotePeer, writer: EntityId): void {
    const matches = peer.matches.get(writer) ?? []
    peer.matches.delete(writer)
    for (const { reader, proxy } of matches) reader.removeProxy(proxy.guid)
  }

  /** True when a new match was made. */
  #matchReader(peer: RemotePeer, descriptor: Descriptor, reader: Reader<object>, info: ReaderInfo): boolean {
    let isNew = false
    for (const writer of descriptor.writers) {
      const guid = entityGuid(peer.guid, writer.entity)
      const result = matchEndpoints(writer, info)
      if (reader.proxies.has(guid)) continue
      if (result.kind === 'unrelated') continue
      if (result.kind !== 'match') {
        this.#components.mismatches.report({ ...result, topic: writer.topic, writer: guid, reader: reader.guid })
        continue
      }
      const match: Match = { reader, proxy: newWriterProxy(guid, writer) }
      reader.addProxy(match.proxy)
      peer.matches.set(writer.entity, [...(peer.matches.get(writer.entity) ?? []), match])
      isNew = true
    }
    return isNew
  }
}
