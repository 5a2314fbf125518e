import type { OwnerRank } from '../../cache/precedence.js'
import type { Clock } from '../../core/clock.js'
import type { EntityGuid } from '../../core/ids.js'
import type { ReaderStatus } from './reader-status.js'
import { WriterLeases } from './writer-leases.js'
import type { WriterProxy } from './writer-proxy.js'

export interface MatchedWritersComponents {
  readonly clock: Clock
  readonly status: ReaderStatus
  /** When the writer's participant was last heard. */
  readonly lastHeardMs: (proxy: WriterProxy) => number
  /** `proxy.isAlive` is another than before; the reader's listeners have been told. */
  readonly changed: (proxy: WriterProxy) => void
}

/** The writers that feed one reader, and which of them are alive. */
export class MatchedWriters {
  readonly leases: WriterLeases
  readonly #status: ReaderStatus
  readonly #proxies = new Map<EntityGuid, WriterProxy>()
  #aliveCount = 0

  constructor({ clock, status, lastHeardMs, changed }: MatchedWritersComponents) {
    this.#status = status
    this.leases = new WriterLeases({
      clock,
      proxies: () => this.#proxies.values(),
      lastHeardMs,
      changed: (proxy) => {
        this.#aliveCount += proxy.isAlive ? 1 : -1
        this.#tellLiveliness(proxy.guid, proxy.isAlive)
        changed(proxy)
      },
    })
  }

  get all(): ReadonlyMap<EntityGuid, WriterProxy> {
    return this.#proxies
  }

  add(proxy: WriterProxy): void {
    this.#proxies.set(proxy.guid, proxy)
    this.#status.matched(proxy.guid, true, this.#proxies.size)
    if (proxy.isAlive) this.#aliveCount++
    this.#tellLiveliness(proxy.guid, proxy.isAlive)
    this.leases.matched(proxy)
  }

  /** To be followed by {@link tellRemoved}, when what the writer leaves behind is settled. False when it is not here. */
  remove(proxy: WriterProxy): boolean {
    if (!this.#proxies.delete(proxy.guid)) return false
    if (proxy.isAlive) this.#aliveCount--
    return true
  }

  tellRemoved(writer: EntityGuid): void {
    this.#status.matched(writer, false, this.#proxies.size)
    this.#tellLiveliness(writer, false)
  }

  /** Undefined for a writer that is not matched, or not alive. */
  standingOf(writer: EntityGuid): OwnerRank | undefined {
    const proxy = this.#proxies.get(writer)
    if (proxy?.isAlive !== true) return undefined
    return { strength: proxy.info.qos.ownershipStrength, incarnation: proxy.incarnation }
  }

  #tellLiveliness(writer: EntityGuid, isAlive: boolean): void {
    const notAliveCount = this.#proxies.size - this.#aliveCount
    this.#status.livelinessChanged(writer, isAlive, this.#aliveCount, notAliveCount)
  }
}
