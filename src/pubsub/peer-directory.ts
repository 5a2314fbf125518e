import type { Clock } from '../core/clock.js'
import type { Counters } from '../core/counters.js'
import { type EntityId, entityGuid, type Guid } from '../core/ids.js'
import { PeerMonitor } from '../liveliness/peer-monitor.js'
import { Liveliness, LivelinessCause, ProcessProbe, type Verdict } from '../liveliness/verdict.js'
import type { FrameSource, StreamLane } from '../transport/transport.js'
import type { Beacon } from '../wire/beacon.js'
import type { ByteReader } from '../wire/bytes.js'
import type { Descriptor, ProcessIdentity, ReaderInfo, WriterInfo } from '../wire/descriptor.js'
import { readSamples, readSamplesHead } from '../wire/samples.js'
import type { CatchUpClient } from './catch-up-client.js'
import type { MismatchEvent, PeerEvent } from './events.js'
import { matchEndpoints } from './matching.js'
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
  /** The peer has writers on the stream lane that match. */
  readonly subscribe: (peer: RemotePeer, writer: WriterInfo) => void
  readonly onPeer: (event: PeerEvent) => void
  readonly onMismatch: (event: MismatchEvent) => void
}

/** GUIDs that said goodbye or died: a late frame of theirs must not bring them back. */
const maxDeparted = 4096

/** Who is there: takes in beacons, frames and descriptors, matches writers to local readers, and judges who lives. */
export class PeerDirectory {
  readonly #components: PeerDirectoryComponents
  readonly #peers = new Map<Guid, RemotePeer>()
  readonly #departed = new Set<Guid>()
  readonly #mismatches = new Set<string>()

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
    if (beacon.goodbye) {
      const leaving = this.#peers.get(from)
      this.#rememberDeparted(from)
      if (leaving !== undefined) this.conclude(leaving, Liveliness.dead, LivelinessCause.goodbye, null)
      return
    }
    const endpoint = stream.requestEndpointAt(source.address, beacon.streamPort)
    const peer = this.#peers.get(from) ?? this.#meet(from, beacon, endpoint, nowMs)
    peer.endpoint = endpoint
    peer.announcedVersion = Math.max(peer.announcedVersion, beacon.descriptorVersion)
    peer.monitor.beacon(beacon.intervalMs, beacon.loopDelayMs, nowMs)
    if (!isDescribed(peer)) {
      catchUp.soon(peer)
      return
    }
    for (const { writer, lastSeq } of beacon.digest) {
      for (const { proxy } of peer.matches.get(writer) ?? []) {
        proxy.progress.announce(lastSeq)
        if (!proxy.started || proxy.progress.hasGap) catchUp.afterSpread(peer)
      }
    }
  }

  /** @throws NumacastError NUMACAST_MALFORMED */
  onSamples(from: Guid, input: ByteReader): void {
    const peer = this.#peers.get(from)
    if (peer === undefined) {
      this.#components.counters.add('samples.from-unknown')
      return
    }
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
    peer.announcedVersion = Math.max(peer.announcedVersion, descriptor.version)
    peer.monitor.setSameHost(descriptor.identity.bootId === this.#components.identity.bootId)
    const announced = new Set(descriptor.writers.map(({ entity }) => entity))
    for (const writer of [...peer.matches.keys()]) if (!announced.has(writer)) this.#unmatch(peer, writer)
    for (const { reader, info } of this.#components.readers()) this.#matchReader(peer, descriptor, reader, info)
    const described = toPeer(peer)
    if (isFirst && described !== undefined) this.#components.onPeer({ kind: 'joined', peer: described })
  }

  /** A new local reader: whom does it match? */
  addReader(reader: Reader<object>, info: ReaderInfo): void {
    for (const peer of this.#peers.values()) {
      if (peer.descriptor === undefined) continue
      if (this.#matchReader(peer, peer.descriptor, reader, info)) this.#components.catchUp.soon(peer)
    }
  }

  removeReader(reader: Reader<object>): void {
    for (const peer of this.#peers.values()) {
      for (const [writer, matches] of peer.matches) {
        const rest = matches.filter((match) => match.reader !== reader)
        if (rest.length > 0) peer.matches.set(writer, rest)
        else peer.matches.delete(writer)
      }
    }
  }

  /** Judges everybody. `lateMs` is how late this participant itself is: peers are not blamed for that. */
  judge(lateMs: number): void {
    const nowMs = this.#components.clock.nowMs()
    for (const peer of [...this.#peers.values()]) {
      if (lateMs > 0) peer.monitor.credit(lateMs)
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
  }

  #meet(guid: Guid, beacon: Beacon, endpoint: string, nowMs: number): RemotePeer {
    const { leaseMs } = this.#components
    const peer: RemotePeer = {
      guid,
      incarnation: beacon.incarnation,
      monitor: new PeerMonitor({ leaseMs, intervalMs: beacon.intervalMs, sameHost: true }, nowMs),
      endpoint,
      announcedVersion: beacon.descriptorVersion,
      descriptor: undefined,
      matches: new Map(),
      subscriptions: new Map(),
      pull: { timer: undefined, inFlight: false, failures: 0 },
    }
    this.#peers.set(guid, peer)
    return peer
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
    if (verdict.liveliness !== Liveliness.dead) return
    // One that was only silent for too long may come back; one that is known to be gone may not.
    if (verdict.cause !== LivelinessCause.leaseExpired) this.#rememberDeparted(peer.guid)
    this.#peers.delete(peer.guid)
    this.#forget(peer)
    for (const writer of [...peer.matches.keys()]) this.#unmatch(peer, writer)
    if (changed !== undefined) onPeer({ kind: 'left', peer: changed })
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
      if (result.kind === 'match' && writer.lane === 'stream') this.#components.subscribe(peer, writer)
      if (reader.proxies.has(guid)) continue
      if (result.kind === 'unrelated') continue
      if (result.kind !== 'match') {
        const names = { topic: writer.topic, writer: guid, reader: reader.guid }
        this.#mismatch(
          result.kind === 'incompatible-qos'
            ? { kind: result.kind, ...names, policies: result.policies }
            : { kind: result.kind, ...names },
        )
        continue
      }
      const match: Match = { reader, proxy: newWriterProxy(guid, writer) }
      reader.addProxy(match.proxy)
      peer.matches.set(writer.entity, [...(peer.matches.get(writer.entity) ?? []), match])
      isNew = true
    }
    return isNew
  }

  #mismatch(event: MismatchEvent): void {
    const pair = `${event.writer} ${event.reader}`
    if (this.#mismatches.has(pair)) return
    this.#mismatches.add(pair)
    this.#components.counters.add(`match.${event.kind}`)
    this.#components.onMismatch(event)
  }
}
