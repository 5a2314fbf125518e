import type { Clock, Timer } from '../../core/clock.js'
import { NumacastError } from '../../core/errors.js'
import type { EntityGuid, EntityId, Guid, Seq } from '../../core/ids.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { eachMatch, isDescribed, type RemotePeer } from '../peer/remote-peer.js'

interface Waiter {
  readonly reader: EntityId
  readonly timer: Timer | undefined
  /** The peers to wait for; undefined until the newcomer's window has passed. */
  peers: Set<Guid> | undefined
  /** How far each writer was when it was first looked at. */
  readonly targets: Map<EntityGuid, Seq>
  readonly signal: AbortSignal | undefined
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * After its first solicit a reader gives the others this long to be heard, before it takes those it knows for all
 * there are. Several times what an answer takes (at most 10 ms by intention, then a crowded machine).
 */
export const discoveryWindowMs = 120

/** Who waits in `synced()`, and for what. Looked at again whenever something was caught up or somebody left. */
export class SyncWaiters {
  readonly #clock: Clock
  readonly #peers: () => Iterable<RemotePeer>
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock, peers: () => Iterable<RemotePeer>) {
    this.#clock = clock
    this.#peers = peers
  }

  get size(): number {
    return this.#waiters.size
  }

  /**
   * The caller rejects when `signal` aborts; here the waiter is dropped when it is next looked at, because a listener
   * for each would be too many on a signal that many readers share.
   */
  wait(reader: EntityId, exploredMs: number, signal: AbortSignal | undefined): Promise<void> {
    const delayMs = exploredMs + discoveryWindowMs - this.#clock.nowMs()
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        waiter.peers = new Set([...this.#peers()].map(({ guid }) => guid))
        this.#look(waiter)
      }
      const timer = delayMs > 0 ? this.#clock.after(delayMs, begin) : undefined
      const waiter: Waiter = { reader, timer, peers: undefined, targets: new Map(), signal, resolve, reject }
      this.#waiters.add(waiter)
      if (delayMs <= 0) begin()
    })
  }

  /** Something has changed. */
  look(): void {
    for (const waiter of [...this.#waiters]) this.#look(waiter)
  }

  /** The reader, or with no argument every reader, is closing. */
  abandon(reader?: EntityId): void {
    for (const waiter of [...this.#waiters]) {
      if (reader !== undefined && waiter.reader !== reader) continue
      this.#remove(waiter)
      waiter.reject(new NumacastError('NUMACAST_CLOSED', 'the reader was closed while it was catching up'))
    }
  }

  #look(waiter: Waiter): void {
    if (waiter.signal?.aborted === true) {
      this.#remove(waiter)
      return
    }
    if (waiter.peers === undefined) return
    for (const peer of this.#peers()) {
      if (waiter.peers.has(peer.guid) && !isCaughtUp(waiter, peer)) return
    }
    this.#remove(waiter)
    waiter.resolve()
  }

  #remove(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    waiter.timer?.cancel()
  }
}

function isCaughtUp(waiter: Waiter, peer: RemotePeer): boolean {
  // Its host is silent, perhaps for good: `lag()` goes on to say that it is not caught up.
  if (peer.monitor.verdict.liveliness === Liveliness.unreachable) return true
  // Only heard to read: nothing is to be had from it, as far as is known.
  if (peer.descriptor === undefined && !peer.reachability.isBeaconing) return true
  if (!isDescribed(peer)) return false
  for (const { reader, proxy } of eachMatch(peer)) {
    if (reader.entity !== waiter.reader) continue
    // It has no room: `lag()` and the reader's events say so.
    if (proxy.blocked) continue
    if (!proxy.started || proxy.stale) return false
    // Never more than is still believed: an announcement may have turned out to be a lie.
    const target = Math.min(waiter.targets.get(proxy.guid) ?? Infinity, proxy.progress.headSeq)
    waiter.targets.set(proxy.guid, target)
    if (reader.qos.reliability === 'reliable' && proxy.progress.appliedSeq < target) return false
  }
  return true
}
