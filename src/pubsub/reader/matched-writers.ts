import type { OwnerRank } from '../../cache/precedence.js'
import type { EntityGuid } from '../../core/ids.js'
import type { Clock } from '../../core/time/clock.js'
import { Durability } from '../../qos/policies.js'
import type { ResolvedQos } from '../../qos/qos.js'
import type { CarrierWriters } from './reader-copy.js'
import type { ReaderStatus } from './reader-status.js'
import { type LeasedWriters, WriterLeases } from './writer-leases.js'
import type { WriterProxy } from './writer-proxy.js'

/** Reaches the participants of a reader's writers; `ReaderConnection` does. */
export interface WriterSources {
  /** Requests the writer's whole cache again. */
  refresh(writer: EntityGuid): void
  /** When the last frame of the writer's participant arrived. */
  lastReceivedMs(writer: EntityGuid): number
}

/** Acts on the liveliness of a reader's writers; `ReaderFeed` does. */
export interface WriterLivelinessListener {
  /** `proxy.isAlive` has changed; the reader's listeners have been told. */
  onWriterLiveliness(proxy: WriterProxy): void
}

export interface MatchedWritersComponents {
  readonly clock: Clock
  readonly status: ReaderStatus
  readonly qos: ResolvedQos
  readonly sources: WriterSources
  readonly listener: WriterLivelinessListener
}

/** Holds the writers that feed one reader, and tracks which of them are alive. */
export class MatchedWriters implements LeasedWriters, CarrierWriters {
  readonly leases: WriterLeases
  readonly #components: MatchedWritersComponents
  readonly #proxies = new Map<EntityGuid, WriterProxy>()
  #aliveCount = 0

  constructor(components: MatchedWritersComponents) {
    this.#components = components
    this.leases = new WriterLeases(components.clock, this)
  }

  get all(): ReadonlyMap<EntityGuid, WriterProxy> {
    return this.#proxies
  }

  add(proxy: WriterProxy): void {
    this.#proxies.set(proxy.guid, proxy)
    this.#components.status.matched(proxy.guid, true, this.#proxies.size)
    if (proxy.isAlive) this.#aliveCount++
    this.#reportLiveliness(proxy.guid, proxy.isAlive)
    this.leases.matched(proxy)
  }

  /** Returns false when the writer is not here. Call {@link reportRemoved} once its instances are settled. */
  remove(proxy: WriterProxy): boolean {
    if (!this.#proxies.delete(proxy.guid)) return false
    if (proxy.isAlive) this.#aliveCount--
    return true
  }

  reportRemoved(writer: EntityGuid): void {
    this.#components.status.matched(writer, false, this.#proxies.size)
    this.#reportLiveliness(writer, false)
  }

  rankOf(writer: EntityGuid): OwnerRank | undefined {
    const proxy = this.#proxies.get(writer)
    if (proxy?.isAlive !== true) return undefined
    return { strength: proxy.info.qos.ownershipStrength, incarnation: proxy.incarnation }
  }

  refresh(writer: EntityGuid): void {
    const proxy = this.#proxies.get(writer)
    // Volatile changes are not kept. Without its token the reader would be taken for a newcomer, which is not due the
    // changes that it has missed since.
    const { volatile } = Durability
    if (proxy === undefined || proxy.stale || this.#components.qos.durability === volatile) return
    if (proxy.info.qos.durability === volatile) return
    proxy.stale = true
    this.#components.sources.refresh(writer)
  }

  lastReceivedMs(writer: EntityGuid): number {
    return this.#components.sources.lastReceivedMs(writer)
  }

  onLeaseChange(proxy: WriterProxy): void {
    this.#aliveCount += proxy.isAlive ? 1 : -1
    this.#reportLiveliness(proxy.guid, proxy.isAlive)
    this.#components.listener.onWriterLiveliness(proxy)
  }

  #reportLiveliness(writer: EntityGuid, isAlive: boolean): void {
    const notAliveCount = this.#proxies.size - this.#aliveCount
    this.#components.status.livelinessChanged(writer, isAlive, this.#aliveCount, notAliveCount)
  }
}
