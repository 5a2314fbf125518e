import type { Random } from '../core/random.js'

/** Partners asked in one round; over a few rounds each is. */
const fanOut = 3
const minIntervalMs = 2_000
const maxIntervalMs = 60_000
const jitter = 0.2

/**
 * Decides when to ask partners for the peers that they know, and which partners: a few at random, twice as late after each round that
 * brought nothing new, and soon again when something has changed. Pure.
 */
export class GossipRounds {
  readonly #random: Random
  #intervalMs = minIntervalMs
  #nextMs = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Makes a round due soon, because something has changed here or at a partner. */
  makeDue(nowMs: number): void {
    this.#intervalMs = minIntervalMs
    this.#nextMs = Math.min(this.#nextMs, nowMs + this.#jittered(minIntervalMs))
  }

  /** Returns the partners to ask now; none when no round is due. */
  take<T>(candidates: readonly T[], nowMs: number): T[] {
    if (nowMs < this.#nextMs || candidates.length === 0) return []
    this.#nextMs = nowMs + this.#jittered(this.#intervalMs)
    this.#intervalMs = Math.min(maxIntervalMs, 2 * this.#intervalMs)
    const left = [...candidates]
    const chosen: T[] = []
    while (left.length > 0 && chosen.length < fanOut) {
      chosen.push(...left.splice(Math.floor(this.#random() * left.length), 1))
    }
    return chosen
  }

  #jittered(delayMs: number): number {
    return delayMs * (1 + jitter * (2 * this.#random() - 1))
  }
}
