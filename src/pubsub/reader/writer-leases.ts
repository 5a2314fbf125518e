import type { EntityGuid } from '../../core/ids.js'
import type { Clock } from '../../core/time/clock.js'
import { DueTimer } from '../../core/time/due-timer.js'
import { LivelinessKind } from '../../qos/policies.js'
import type { WriterProxy } from './writer-proxy.js'

/** Holds the writers whose leases are watched; `MatchedWriters` does. */
export interface LeasedWriters {
  readonly all: ReadonlyMap<EntityGuid, WriterProxy>
  /** When the last frame of the writer's participant arrived. */
  lastReceivedMs(writer: EntityGuid): number
  /** `proxy.isAlive` has changed. */
  onLeaseChange(proxy: WriterProxy): void
}

/**
 * Decides which of a reader's writers are alive. A writer is not alive while its participant is unreachable, or after
 * its own lease has run out. An automatic writer is kept alive by its participant's frames. A manual writer is kept
 * alive by its own (`EndpointMatcher` extends those to the participant's other manual writers). One timer is set for
 * the earliest end of a lease.
 */
export class WriterLeases {
  readonly #clock: Clock
  readonly #writers: LeasedWriters
  readonly #timer: DueTimer

  constructor(clock: Clock, writers: LeasedWriters) {
    this.#clock = clock
    this.#writers = writers
    this.#timer = new DueTimer(clock, (nowMs) => {
      for (const proxy of writers.all.values()) this.#judge(proxy, nowMs)
    })
  }

  matched(proxy: WriterProxy): void {
    this.#timer.arm(this.#endMs(proxy))
  }

  /** Takes a sign of life of the program. */
  asserted(proxy: WriterProxy): void {
    proxy.assertedMs = this.#clock.nowMs()
    if (!proxy.isAlive) this.#judge(proxy, proxy.assertedMs)
  }

  /** The writer's participant is reachable, or not, or a frame of it has arrived again. */
  setReachable(proxy: WriterProxy, isReachable: boolean): void {
    proxy.isReachable = isReachable
    this.#judge(proxy, this.#clock.nowMs())
  }

  close(): void {
    this.#timer.close()
  }

  #judge(proxy: WriterProxy, nowMs: number): void {
    const endMs = this.#endMs(proxy)
    const isAlive = proxy.isReachable && (endMs === undefined || nowMs < endMs)
    if (isAlive) this.#timer.arm(endMs)
    if (isAlive === proxy.isAlive) return
    proxy.isAlive = isAlive
    this.#writers.onLeaseChange(proxy)
  }

  #endMs(proxy: WriterProxy): number | undefined {
    const { leaseMs, liveliness } = proxy.info.qos
    if (leaseMs === null) return undefined
    const isAutomatic = liveliness === LivelinessKind.automatic
    return leaseMs + (isAutomatic ? this.#writers.lastReceivedMs(proxy.guid) : proxy.assertedMs)
  }
}
