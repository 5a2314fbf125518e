import { NumacastError } from '../../core/errors.js'
import type { EntityGuid, EntityId, Seq } from '../../core/ids.js'
import type { Clock, Timer } from '../../core/time/clock.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { Reliability } from '../../qos/policies.js'
import type { PeerRegistry } from '../peer/peer-registry.js'
import { eachMatch, isDescribed, type RemotePeer } from '../peer/remote-peer.js'

interface Waiter {
  readonly reader: EntityId
  readonly timer: Timer | undefined
  /** The peers to wait for; undefined until the newcomer's window has passed. */
  peers: Set<RemotePeer> | undefined
  /** Peers that have not been caught up since they were last checked. */
  readonly pending: Set<RemotePeer>
  /** The number of each writer at its first check. */
  readonly targets: Map<EntityGuid, Seq>
  readonly signal: AbortSignal | undefined
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/**
 * Time that a reader gives the writers to answer its first solicit, before it takes those it knows for complete.
 * Several times what an answer takes (at most 10 ms by design, more on a crowded machine).
 */
export const discoveryWindowMs = 120

/**
 * Holds the callers of `synced()`. Unlike `ConditionWaiters`, it is indexed by peer: the progress of a peer costs only the
 * callers that wait for that peer.
 */
export class SyncWaiters {
  readonly #clock: Clock
  readonly #peers: PeerRegistry
  readonly #waiters = new Set<Waiter>()
  readonly #byPeer = new Map<RemotePeer, Set<Waiter>>()

  constructor(clock: Clock, peers: PeerRegistry) {
    this.#clock = clock
    this.#peers = peers
  }

  get size(): number {
    return this.#waiters.size
  }

  /**
   * Resolves when all that the reader's known writers have is here. The caller rejects when `signal` aborts. Here the
   * waiter is dropped by {@link removeAborted}, because many readers may share a signal and each would add a listener.
   */
  wait(reader: EntityId, exploredMs: number, signal: AbortSignal | undefined): Promise<void> {
    const delayMs = exploredMs + discoveryWindowMs - this.#clock.nowMs()
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        waiter.peers = new Set(this.#peers.values())
        this.#checkAll(waiter)
      }
      const timer = delayMs > 0 ? this.#clock.after(delayMs, begin) : undefined
      const targets = new Map<EntityGuid, Seq>()
      const waiter: Waiter = { reader, timer, peers: undefined, pending: new Set(), targets, signal, resolve, reject }
      this.#waiters.add(waiter)
      if (delayMs <= 0) begin()
    })
  }

  /** The peer has been caught up, or failed to be, or the verdict on it has changed, or it has gone. */
  progressed(peer: RemotePeer): void {
    for (const waiter of [...(this.#byPeer.get(peer) ?? [])]) {
      if (waiter.signal?.aborted === true) this.#remove(waiter)
      else if (!this.#isPending(waiter, peer)) {
        this.#removePending(waiter, peer)
        // What one peer brought may have made another one's values wanted again.
        if (waiter.pending.size === 0) this.#checkAll(waiter)
      }
    }
  }

  /** Drops the waiters whose signal has aborted; their callers have rejected already. */
  removeAborted(): void {
    for (const waiter of [...this.#waiters]) if (waiter.signal?.aborted === true) this.#remove(waiter)
  }

  /** Rejects the waits of a reader that closes; without an argument those of every reader. */
  reject(reader?: EntityId): void {
    for (const waiter of [...this.#waiters]) {
      if (reader !== undefined && waiter.reader !== reader) continue
      this.#remove(waiter)
      waiter.reject(new NumacastError('NUMACAST_CLOSED', 'the reader was closed while it was catching up'))
    }
  }

  #checkAll(waiter: Waiter): void {
    for (const peer of waiter.peers ?? []) {
      if (!this.#isPending(waiter, peer)) continue
      waiter.pending.add(peer)
      const waiters = this.#byPeer.get(peer) ?? new Set()
      this.#byPeer.set(peer, waiters.add(waiter))
    }
    if (waiter.pending.size > 0) return
    this.#remove(waiter)
    waiter.resolve()
  }

  #isPending(waiter: Waiter, peer: RemotePeer): boolean {
    return this.#peers.get(peer.guid) === peer && !isCaughtUp(waiter, peer)
  }

  #removePending(waiter: Waiter, peer: RemotePeer): void {
    waiter.pending.delete(peer)
    const waiters = this.#byPeer.get(peer)
    waiters?.delete(waiter)
    if (waiters?.size === 0) this.#byPeer.delete(peer)
  }

  #remove(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    for (const peer of [...waiter.pending]) this.#removePending(waiter, peer)
    waiter.timer?.cancel()
  }
}

function isCaughtUp(waiter: Waiter, peer: RemotePeer): boolean {
  // Its host is silent, perhaps for good. `lag()` goes on to show that it is not caught up.
  if (peer.monitor.verdict.liveliness === Liveliness.unreachable) return true
  // Known only as a reader: it has nothing to give, as far as is known.
  if (peer.descriptor === undefined && !peer.reachability.isBeaconing) return true
  if (!isDescribed(peer)) return false
  for (const { reader, proxy } of eachMatch(peer)) {
    if (reader.entity !== waiter.reader) continue
    // The reader has no room: `lag()` and the reader's events show it.
    if (proxy.blocked) continue
    if (!proxy.started || proxy.stale) return false
    // The target falls when an announced number turns out to be false.
    const target = Math.min(waiter.targets.get(proxy.guid) ?? Infinity, proxy.progress.headSeq)
    waiter.targets.set(proxy.guid, target)
    if (reader.qos.reliability === Reliability.reliable && proxy.progress.appliedSeq < target) return false
  }
  return true
}
