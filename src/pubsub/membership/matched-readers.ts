import { type EntityGuid, type EntityId, entityGuid, type Guid } from '../../core/ids.js'
import type { Clock } from '../../core/time/clock.js'
import { Reliability } from '../../qos/policies.js'
import type { Descriptor, ReaderInfo } from '../../wire/descriptor.js'
import { firstDueSeq } from '../catchup/catch-up-server.js'
import type { LocalEndpoints, LocalWriter } from '../endpoints/local-endpoints.js'
import type { MatchCheck } from '../endpoints/match-check.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import type { RemotePeer } from '../peer/remote-peer.js'

/** A peer's reader that a local writer feeds. */
export interface MatchedReader {
  readonly writer: EntityId
  readonly guid: EntityGuid
  readonly info: ReaderInfo
  readonly peer: RemotePeer
}

export interface MatchedReadersComponents {
  readonly self: Guid
  readonly clock: Clock
  readonly endpoints: LocalEndpoints
  readonly peers: PeerRegistry
  readonly matchCheck: MatchCheck
}

/**
 * Matches local writers with peers' readers. The readers are learned from descriptors, which come with each request, and
 * are kept while their participant gives signs of life. The counterpart of `EndpointMatcher`.
 */
export class MatchedReaders {
  readonly #components: MatchedReadersComponents
  /** By local writer, then by the reader's GUID. */
  readonly #matches = new Map<EntityId, Map<EntityGuid, MatchedReader>>()
  readonly #byPeer = new Map<RemotePeer, Set<MatchedReader>>()

  constructor(components: MatchedReadersComponents) {
    this.#components = components
  }

  /** Participants among them. */
  get participants(): number {
    return this.#byPeer.size
  }

  ofWriter(writer: EntityId): IterableIterator<MatchedReader> {
    return (this.#matches.get(writer) ?? new Map<EntityGuid, MatchedReader>()).values()
  }

  /** The peer's descriptor is new or has changed: updates the matches. */
  update(peer: RemotePeer, descriptor: Descriptor): void {
    const announced = new Set(descriptor.readers.map(({ entity }) => entityGuid(peer.guid, entity)))
    for (const match of [...(this.#byPeer.get(peer) ?? [])]) if (!announced.has(match.guid)) this.#remove(match)
    for (const local of this.#components.endpoints.announcedWriters()) this.#match(local, peer, descriptor)
  }

  /** The peer has gone. */
  removePeer(peer: RemotePeer): void {
    for (const match of [...(this.#byPeer.get(peer) ?? [])]) this.#remove(match)
  }

  /** Matches a new local writer with the peers' readers. */
  addWriter(local: LocalWriter): void {
    for (const peer of this.#components.peers.values()) {
      if (peer.descriptor !== undefined) this.#match(local, peer, peer.descriptor)
    }
  }

  removeWriter(writer: EntityId): void {
    for (const match of this.ofWriter(writer)) this.#leave(match)
    this.#matches.delete(writer)
  }

  #match({ writer, info }: LocalWriter, peer: RemotePeer, descriptor: Descriptor): void {
    const { self, clock, matchCheck } = this.#components
    for (const reader of descriptor.readers) {
      const guid = entityGuid(peer.guid, reader.entity)
      if (this.#matches.get(writer.entity)?.has(guid) === true) continue
      if (!matchCheck.isMatch({ participant: self, info }, { participant: peer.guid, info: reader })) continue
      const match: MatchedReader = { writer: writer.entity, guid, info: reader, peer }
      const matches = this.#matches.get(writer.entity) ?? new Map<EntityGuid, MatchedReader>()
      this.#matches.set(writer.entity, matches.set(guid, match))
      this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? new Set()).add(match))
      const isReliable = reader.qos.reliability === Reliability.reliable
      writer.readers.join(guid, isReliable, firstDueSeq(writer, reader), clock.nowMs())
    }
  }

  #remove(match: MatchedReader): void {
    this.#leave(match)
    if (this.#matches.get(match.writer)?.delete(match.guid) !== true) return
    this.#components.endpoints.writer(match.writer)?.writer.readers.leave(match.guid)
  }

  #leave(match: MatchedReader): void {
    const ofPeer = this.#byPeer.get(match.peer)
    ofPeer?.delete(match)
    if (ofPeer?.size === 0) this.#byPeer.delete(match.peer)
  }
}
