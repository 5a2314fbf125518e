import { type EntityGuid, type EntityId, entityGuid } from '../../core/ids.js'
import type { Descriptor, ReaderInfo } from '../../wire/descriptor.js'
import type { LocalWriter } from '../endpoints/local-endpoints.js'
import type { MismatchLog } from '../endpoints/mismatch-log.js'
import { matchEndpoints } from '../model/matching.js'
import type { RemotePeer } from '../peer/remote-peer.js'

/** A peer's reader that a local writer feeds. */
export interface MatchedReader {
  readonly writer: EntityId
  readonly guid: EntityGuid
  readonly info: ReaderInfo
  readonly peer: RemotePeer
}

export interface MatchedReadersComponents {
  readonly writers: () => Iterable<LocalWriter>
  readonly mismatches: MismatchLog
  /** The reader is known from now on: its participant said so, in its descriptor. */
  readonly onMatched: (match: MatchedReader) => void
  /** It has closed, or its participant has left or was forgotten. */
  readonly onUnmatched: (match: MatchedReader) => void
}

/**
 * Which readers of peers each local writer feeds, as far as is known: they are learned from descriptors, which come
 * with each request of theirs, and kept while their participant gives signs of life. The counterpart of `Matchmaker`.
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

  of(writer: EntityId): IterableIterator<MatchedReader> {
    return (this.#matches.get(writer) ?? new Map<EntityGuid, MatchedReader>()).values()
  }

  /** The peer's descriptor is new or has changed. */
  follow(peer: RemotePeer, descriptor: Descriptor): void {
    const announced = new Set(descriptor.readers.map(({ entity }) => entityGuid(peer.guid, entity)))
    for (const match of [...(this.#byPeer.get(peer) ?? [])]) if (!announced.has(match.guid)) this.#remove(match)
    for (const local of this.#components.writers()) this.#match(local, peer, descriptor)
  }

  /** The peer has gone. */
  forget(peer: RemotePeer): void {
    for (const match of [...(this.#byPeer.get(peer) ?? [])]) this.#remove(match)
  }

  /** A new local writer: which of the peers' readers does it feed? */
  addWriter(peers: Iterable<RemotePeer>, local: LocalWriter): void {
    for (const peer of peers) if (peer.descriptor !== undefined) this.#match(local, peer, peer.descriptor)
  }

  removeWriter(writer: EntityId): void {
    for (const match of this.of(writer)) this.#leave(match)
    this.#matches.delete(writer)
  }

  #match({ writer, info }: LocalWriter, peer: RemotePeer, descriptor: Descriptor): void {
    for (const reader of descriptor.readers) {
      const guid = entityGuid(peer.guid, reader.entity)
      if (this.#matches.get(writer.entity)?.has(guid) === true) continue
      const result = matchEndpoints(info, reader)
      if (result.kind === 'unrelated') continue
      if (result.kind !== 'match') {
        this.#components.mismatches.report({ ...result, topic: info.topic, writer: writer.guid, reader: guid })
        continue
      }
      const match: MatchedReader = { writer: writer.entity, guid, info: reader, peer }
      const matches = this.#matches.get(writer.entity) ?? new Map<EntityGuid, MatchedReader>()
      this.#matches.set(writer.entity, matches.set(guid, match))
      this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? new Set()).add(match))
      this.#components.onMatched(match)
    }
  }

  #remove(match: MatchedReader): void {
    this.#leave(match)
    if (this.#matches.get(match.writer)?.delete(match.guid) === true) this.#components.onUnmatched(match)
  }

  #leave(match: MatchedReader): void {
    const ofPeer = this.#byPeer.get(match.peer)
    ofPeer?.delete(match)
    if (ofPeer?.size === 0) this.#byPeer.delete(match.peer)
  }
}
