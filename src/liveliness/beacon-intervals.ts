import { PhiAccrual, type ResolvedPhiOptions } from './phi-accrual.js'

/** Beacons closer together than this share of their interval are of one round: bursts, answers, several partitions. */
const sameRound = 0.5

/**
 * Which intervals between a peer's beacons are learned. Not those of one round, none that spans a failure, a stall
 * of the peer, or a stall of the observer: each of these would teach patience with what it was. An interval is
 * learned only when the observer has looked at itself since ({@link confirm}) and was not late.
 */
export class BeaconIntervals {
  readonly #phi: PhiAccrual
  #lastMs: number | undefined
  #unconfirmed: number[] = []

  constructor(options: ResolvedPhiOptions, intervalMs: number) {
    this.#phi = new PhiAccrual(options, intervalMs)
  }

  get phi(): PhiAccrual {
    return this.#phi
  }

  /** @param isTrusted the peer was alive and its loop in time */
  beacon(intervalMs: number, isTrusted: boolean, nowMs: number): void {
    const sinceMs = this.#lastMs === undefined ? undefined : nowMs - this.#lastMs
    if (sinceMs !== undefined && sinceMs < sameRound * intervalMs) return
    this.#lastMs = nowMs
    if (sinceMs === undefined || !isTrusted || this.#phi.isLost(sinceMs)) return
    this.#unconfirmed.push(sinceMs)
  }

  /** Learns the intervals that wait, because the observer was in time. */
  confirm(): void {
    if (this.#unconfirmed.length === 0) return
    for (const intervalMs of this.#unconfirmed) this.#phi.addInterval(intervalMs)
    this.#unconfirmed = []
  }

  /** The observer was late: what it took for intervals are none, and the next one begins with the next beacon. */
  interrupt(): void {
    this.#unconfirmed = []
    this.#lastMs = undefined
  }

  isLost(silenceMs: number, timeoutMultiplier: number): boolean {
    return this.#phi.isLost(silenceMs, timeoutMultiplier)
  }
}
