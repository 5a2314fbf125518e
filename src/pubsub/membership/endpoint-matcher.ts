import { InstanceState } from '../../cache/instance.js'
import { type EntityGuid, type EntityId, entityGuid, type Guid } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import { Liveliness, LivelinessCause } from '../../liveliness/verdict.js'
import { LivelinessKind, Reliability } from '../../qos/policies.js'
import type { AckRequest } from '../../wire/ack-request.js'
import type { DigestEntry } from '../../wire/beacon.js'
import type { Descriptor, WriterInfo } from '../../wire/descriptor.js'
import type { ByteReader } from '../../wire/encoding/bytes.js'
import { readSamples, readSamplesHead } from '../../wire/samples.js'
import type { CatchUpClient } from '../catchup/catch-up-client.js'
import type { LocalEndpoints, LocalReader } from '../endpoints/local-endpoints.js'
import type { MatchCheck } from '../endpoints/match-check.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { eachMatch, type Match, type RemotePeer } from '../peer/remote-peer.js'
import { newWriterProxy, stateWhenClosed } from '../reader/writer-proxy.js'
import type { LiveSubscriptions } from './live-subscriptions.js'

export interface EndpointMatcherComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly counters: Counters
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
  readonly catchUp: CatchUpClient
  readonly live: LiveSubscriptions
  readonly matchCheck: MatchCheck
}

/** Matches peers' writers with local readers, and passes what the peers send to the readers. */
export class EndpointMatcher {
  readonly #components: EndpointMatcherComponents

  constructor(components: EndpointMatcherComponents) {
    this.#components = components
  }

  /** The peer's descriptor is new or has changed: updates the matches. */
  update(peer: RemotePeer, descriptor: Descriptor): void {
    const announced = new Set(descriptor.writers.map(({ entity }) => entity))
    for (const writer of [...peer.matches.keys()]) if (!announced.has(writer)) this.#unmatch(peer, writer, true)
    for (const local of this.#components.endpoints.readers()) this.#matchReader(peer, descriptor, local)
    this.#components.live.update(peer)
  }

  /** The peer has gone: its writers feed no reader. */
  removePeer(peer: RemotePeer): void {
    const isOrderly = peer.monitor.verdict.cause === LivelinessCause.goodbye
    for (const writer of [...peer.matches.keys()]) this.#unmatch(peer, writer, isOrderly)
  }

  /** Matches a new local reader with the peers' writers. */
  addReader(local: LocalReader): void {
    const { peers, live, catchUp } = this.#components
    for (const peer of peers.values()) {
      if (peer.descriptor === undefined) continue
      if (!this.#matchReader(peer, peer.descriptor, local)) continue
      live.update(peer)
      catchUp.scheduleNow(peer)
    }
  }

  removeReader(reader: EntityGuid): void {
    const { peers, live } = this.#components
    for (const peer of peers.values()) {
      for (const [writer, matches] of peer.matches) {
        const rest = matches.filter((match) => match.reader.guid !== reader)
        if (rest.length > 0) peer.matches.set(writer, rest)
        else peer.matches.delete(writer)
      }
      live.update(peer)
    }
  }

  /** Takes the last numbers of the peer's writers, from a beacon. */
  digest(peer: RemotePeer, digest: readonly DigestEntry[]): void {
    const nowMs = this.#components.clock.nowMs()
    for (const { writer, lastSeq } of digest) {
      const matches = peer.matches.get(writer) ?? []
      // The changes since then are lost, or on their way.
      const hasWritten = matches.some(({ proxy }) => lastSeq > proxy.progress.headSeq)
      if (hasWritten) this.#assert(peer, matches[0]?.proxy.info)
      for (const { reader, proxy } of matches) {
        if (hasWritten) reader.asserted(proxy)
        proxy.progress.announce(lastSeq)
        if (!proxy.isAlive) reader.setReachable(proxy, proxy.isReachable)
        reader.progressed(proxy, nowMs)
        if (!proxy.started || proxy.progress.hasGap) this.#components.catchUp.scheduleSpread(peer)
      }
    }
  }

  /** A writer of the peer asks how far its reliable readers are. */
  acknowledgmentAsked(peer: RemotePeer, { writer, seq }: AckRequest): void {
    const nowMs = this.#components.clock.nowMs()
    peer.monitor.frameReceived(nowMs)
    for (const { reader, proxy } of peer.matches.get(writer) ?? []) {
      if (reader.qos.reliability !== Reliability.reliable) continue
      proxy.progress.announce(seq)
      reader.progressed(proxy, nowMs)
      proxy.ackReport.asked(seq, nowMs)
      this.#components.catchUp.scheduleSpread(peer)
    }
  }

  /** Takes samples that are known to come from `peer`. @throws NumacastError NUMACAST_MALFORMED */
  samples(peer: RemotePeer, input: ByteReader): void {
    const head = readSamplesHead(input)
    const matches = peer.matches.get(head.writer)
    if (matches === undefined) {
      this.#components.counters.add('samples.unmatched')
      this.#assert(
        peer,
        peer.descriptor?.writers.find(({ entity }) => entity === head.writer),
      )
      return
    }
    const samples = readSamples(input, head)
    const nowMs = this.#components.clock.nowMs()
    peer.monitor.frameReceived(nowMs)
    this.#assert(peer, matches[0]?.proxy.info)
    for (const { reader, proxy } of matches) {
      if (!proxy.isAlive) reader.setReachable(proxy, proxy.isReachable)
      reader.receiveLive(proxy, head, samples)
      reader.progressed(proxy, nowMs)
      if (proxy.progress.hasGap) this.#components.catchUp.scheduleSpread(peer)
    }
  }

  /** The verdict on the peer has changed whether its writers are reachable. */
  setReachable(peer: RemotePeer, isReachable: boolean): void {
    for (const { reader, proxy } of eachMatch(peer)) {
      if (proxy.isReachable !== isReachable) reader.setReachable(proxy, isReachable)
    }
  }

  /** A sign of life of one manual-by-participant writer counts for all of its participant's. */
  #assert(peer: RemotePeer, writer: WriterInfo | undefined): void {
    if (writer === undefined || writer.qos.liveliness === LivelinessKind.automatic) return
    for (const { reader, proxy } of eachMatch(peer)) {
      if (proxy.info.qos.liveliness === LivelinessKind.manualByParticipant) reader.asserted(proxy)
    }
  }

  /** @param isOrderly the writer was closed; otherwise it was lost */
  #unmatch(peer: RemotePeer, writer: EntityId, isOrderly: boolean): void {
    const matches = peer.matches.get(writer) ?? []
    peer.matches.delete(writer)
    for (const { reader, proxy } of matches) {
      reader.removeProxy(proxy.guid, isOrderly ? stateWhenClosed(proxy) : InstanceState.noWriters)
    }
  }

  /** Returns true when a new match was made. */
  #matchReader(peer: RemotePeer, descriptor: Descriptor, { reader: { feed }, info }: LocalReader): boolean {
    const { self, clock, matchCheck } = this.#components
    // Readers of built-in topics are fed from here, whatever peers claim to write.
    if (info.partitions.includes(builtinPartition)) return false
    let isNew = false
    for (const writer of descriptor.writers) {
      const guid = entityGuid(peer.guid, writer.entity)
      if (feed.proxies.has(guid)) continue
      if (!matchCheck.isMatch({ participant: peer.guid, info: writer }, { participant: self, info })) continue
      const match: Match = { reader: feed, proxy: newWriterProxy(guid, writer, peer.incarnation, clock.nowMs()) }
      const isReachable = peer.monitor.verdict.liveliness !== Liveliness.unreachable
      match.proxy.isReachable = isReachable
      match.proxy.isAlive = isReachable
      feed.addProxy(match.proxy)
      peer.matches.set(writer.entity, [...(peer.matches.get(writer.entity) ?? []), match])
      isNew = true
    }
    return isNew
  }
}
