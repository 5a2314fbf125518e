import type { Clock } from '../../core/clock.js'
import { DueTimer } from '../../core/due-timer.js'
import { LivelinessKind } from '../../qos/policies.js'
import type { WriterProxy } from './writer-proxy.js'

export interface WriterLeasesComponents {
  readonly clock: Clock
  readonly proxies: () => Iterable<WriterProxy>
  /** When the writer's participant was last heard. */
  readonly lastHeardMs: (proxy: WriterProxy) => number
  /** `proxy.isAlive` is another than before. */
  readonly changed: (proxy: WriterProxy) => void
}

/**
 * Which of a reader's writers are alive, as far as a program can show it: a writer whose participant is out of reach is
 * not, and neither is one that has let its own lease run out. Signs of life of an automatic writer are its
 * participant's, those of a manual one its own (see `Matchmaker` for those of its participant's other writers). One
 * timer, set for the earliest end of a lease.
 */
export class WriterLeases {
  readonly #components: WriterLeasesComponents
  readonly #timer: DueTimer

  constructor(components: WriterLeasesComponents) {
    this.#components = components
    this.#timer = new DueTimer(components.clock, (nowMs) => this.#look(nowMs))
  }

  matched(proxy: WriterProxy): void {
    this.#timer.arm(this.#endMs(proxy))
  }

  /** A sign of life of the program. */
  asserted(proxy: WriterProxy): void {
    proxy.assertedMs = this.#components.clock.nowMs()
    if (!proxy.isAlive) this.#judge(proxy, proxy.assertedMs)
  }

  /** The writer's participant can be reached, or not, or has been heard again. */
  reached(proxy: WriterProxy, isReachable: boolean): void {
    proxy.isReachable = isReachable
    this.#judge(proxy, this.#components.clock.nowMs())
  }

  close(): void {
    this.#timer.close()
  }

  #look(nowMs: number): void {
    for (const proxy of this.#components.proxies()) this.#judge(proxy, nowMs)
  }

  #judge(proxy: WriterProxy, nowMs: number): void {
    const endMs = this.#endMs(proxy)
    const isAlive = proxy.isReachable && (endMs === undefined || nowMs < endMs)
    if (isAlive) this.#timer.arm(endMs)
    if (isAlive === proxy.isAlive) return
    proxy.isAlive = isAlive
    this.#components.changed(proxy)
  }

  #endMs(proxy: WriterProxy): number | undefined {
    const { leaseMs, liveliness } = proxy.info.qos
    if (leaseMs === null) return undefined
    const signMs = liveliness === LivelinessKind.automatic ? this.#components.lastHeardMs(proxy) : proxy.assertedMs
    return signMs + leaseMs
  }
}
