import { InstanceState } from '../../cache/instance.js'
import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import { type EntityId, entityGuid } from '../../core/ids.js'
import { builtinPartition } from '../../discovery/partition-groups.js'
import { Liveliness, LivelinessCause } from '../../liveliness/verdict.js'
import { LivelinessKind, Reliability } from '../../qos/policies.js'
import type { AckRequest } from '../../wire/ack-request.js'
import type { DigestEntry } from '../../wire/beacon.js'
import type { ByteReader } from '../../wire/bytes.js'
import type { Descriptor, ReaderInfo, WriterInfo } from '../../wire/descriptor.js'
import { readSamples, readSamplesHead } from '../../wire/samples.js'
import type { CatchUpClient } from '../catchup/catch-up-client.js'
import type { MismatchLog } from '../endpoints/mismatch-log.js'
import { matchEndpoints } from '../model/matching.js'
import { eachMatch, type Match, type RemotePeer } from '../peer/remote-peer.js'
import type { Reader } from '../reader/reader.js'
import { newWriterProxy, stateWhenClosed } from '../reader/writer-proxy.js'

export interface EndpointMatcherComponents {
  readonly clock: Clock
  readonly counters: Counters
  readonly readers: () => Iterable<{ readonly reader: Reader<object>; readonly info: ReaderInfo }>
  readonly catchUp: CatchUpClient
  /** The peer's matches or its descriptor have changed: live connections follow. */
  readonly followLive: (peer: RemotePeer) => void
  readonly mismatches: MismatchLog
}

/** Which writers of peers feed which local readers; hands each what the peers send for it. */
export class EndpointMatcher {
  readonly #components: EndpointMatcherComponents

  constructor(components: EndpointMatcherComponents) {
    this.#components = components
  }

  /** The peer's descriptor is new or has changed: matches follow it. */
  follow(peer: RemotePeer, descriptor: Descriptor): void {
    const announced = new Set(descriptor.writers.map(({ entity }) => entity))
    for (const writer of [...peer.matches.keys()]) if (!announced.has(writer)) this.#unmatch(peer, writer, true)
    for (const { reader, info } of this.#components.readers()) this.#matchReader(peer, descriptor, reader, info)
    this.#components.followLive(peer)
  }

  /** The peer has gone: its writers feed nobody. */
  forget(peer: RemotePeer): void {
    const isOrderly = peer.monitor.verdict.cause === LivelinessCause.goodbye
    for (const writer of [...peer.matches.keys()]) this.#unmatch(peer, writer, isOrderly)
  }

  /** A new local reader: which of the peers' writers does it match? */
  addReader(peers: Iterable<RemotePeer>, reader: Reader<object>, info: ReaderInfo): void {
    for (const peer of peers) {
      if (peer.descriptor === undefined) continue
      if (!this.#matchReader(peer, peer.descriptor, reader, info)) continue
      this.#components.followLive(peer)
      this.#components.catchUp.soon(peer)
    }
  }

  removeReader(peers: Iterable<RemotePeer>, reader: Reader<object>): void {
    for (const peer of peers) {
      for (const [writer, matches] of peer.matches) {
        const rest = matches.filter((match) => match.reader !== reader)
        if (rest.length > 0) peer.matches.set(writer, rest)
        else peer.matches.delete(writer)
      }
      this.#components.followLive(peer)
    }
  }

  /** How far the peer says that its writers are. */
  digest(peer: RemotePeer, digest: readonly DigestEntry[]): void {
    for (const { writer, lastSeq } of digest) {
      const matches = peer.matches.get(writer) ?? []
      // What it wrote since then got lost, or is on its way.
      const hasWritten = matches.some(({ proxy }) => lastSeq > proxy.progress.headSeq)
      if (hasWritten) this.#assert(peer, matches[0]?.proxy.info)
      for (const { reader, proxy } of matches) {
        if (hasWritten) reader.asserted(proxy)
        proxy.progress.announce(lastSeq)
        if (!proxy.isAlive) reader.reached(proxy, proxy.isReachable)
        if (!proxy.started || proxy.progress.hasGap) this.#components.catchUp.afterSpread(peer)
      }
    }
  }

  /** A writer of the peer wants to know how far its reliable readers are. */
  ask(peer: RemotePeer, { writer, seq }: AckRequest): void {
    const nowMs = this.#components.clock.nowMs()
    peer.monitor.heard(nowMs)
    for (const { reader, proxy } of peer.matches.get(writer) ?? []) {
      if (reader.qos.reliability !== Reliability.reliable) continue
      proxy.progress.announce(seq)
      proxy.told.asked(seq, nowMs)
      this.#components.catchUp.afterSpread(peer)
    }
  }

  /** Samples that are known to come from `peer`. @throws NumacastError NUMACAST_MALFORMED */
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
    peer.monitor.heard(this.#components.clock.nowMs())
    this.#assert(peer, matches[0]?.proxy.info)
    for (const { reader, proxy } of matches) {
      if (!proxy.isAlive) reader.reached(proxy, proxy.isReachable)
      reader.receiveLive(proxy, head, samples)
      if (proxy.progress.hasGap) this.#components.catchUp.afterSpread(peer)
    }
  }

  /** The verdict on the peer, as far as its writers are concerned. */
  judged(peer: RemotePeer, isReachable: boolean): void {
    for (const { reader, proxy } of eachMatch(peer)) {
      if (proxy.isReachable !== isReachable) reader.reached(proxy, isReachable)
    }
  }

  /** A sign of life of one manual-by-participant writer is one of all of its participant's. */
  #assert(peer: RemotePeer, writer: WriterInfo | undefined): void {
    if (writer === undefined || writer.qos.liveliness === LivelinessKind.automatic) return
    for (const { reader, proxy } of eachMatch(peer)) {
      if (proxy.info.qos.liveliness === LivelinessKind.manualByParticipant) reader.asserted(proxy)
    }
  }

  /** @param isOrderly the writer was closed; else it was lost */
  #unmatch(peer: RemotePeer, writer: EntityId, isOrderly: boolean): void {
    const matches = peer.matches.get(writer) ?? []
    peer.matches.delete(writer)
    for (const { reader, proxy } of matches) {
      reader.removeProxy(proxy.guid, isOrderly ? stateWhenClosed(proxy) : InstanceState.noWriters)
    }
  }

  /** True when a new match was made. */
  #matchReader(peer: RemotePeer, descriptor: Descriptor, reader: Reader<object>, info: ReaderInfo): boolean {
    // These are fed from here, whatever others claim to write.
    if (info.partitions.includes(builtinPartition)) return false
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
      const match: Match = {
        reader,
        proxy: newWriterProxy(guid, writer, peer.incarnation, this.#components.clock.nowMs()),
      }
      const isReachable = peer.monitor.verdict.liveliness !== Liveliness.unreachable
      match.proxy.isReachable = isReachable
      match.proxy.isAlive = isReachable
      reader.addProxy(match.proxy)
      peer.matches.set(writer.entity, [...(peer.matches.get(writer.entity) ?? []), match])
      isNew = true
    }
    return isNew
  }
}
