import type { Clock, Timer } from '../../core/time/clock.js'

/** Shared by the manual-by-participant writers of one participant: an assertion of any manual writer counts for all. */
export class SharedLiveliness {
  #assertedMs = Number.NEGATIVE_INFINITY
  readonly #lost = new Set<() => void>()

  get assertedMs(): number {
    return this.#assertedMs
  }

  assert(nowMs: number): void {
    this.#assertedMs = nowMs
    for (const revive of [...this.#lost]) revive()
  }

  /** Callbacks that wait for the next assertion. */
  get waiting(): number {
    return this.#lost.size
  }

  /** Calls `revive` once, at the next assertion. Returns a function that ends the wait. */
  onNext(revive: () => void): () => void {
    const once = (): void => {
      this.#lost.delete(once)
      revive()
    }
    this.#lost.add(once)
    return () => this.#lost.delete(once)
  }
}

/** Watches the lease of a manual writer: the program must write or assert liveliness within each `leaseMs`. */
export class LivelinessLease {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #shared: SharedLiveliness
  readonly #onLost: () => void
  #timer: Timer | undefined
  #endWait: (() => void) | undefined
  #closed = false

  /** @param shared an instance of its own for a manual-by-topic writer */
  constructor(clock: Clock, leaseMs: number, shared: SharedLiveliness, onLost: () => void) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#shared = shared
    this.#onLost = onLost
    shared.assert(clock.nowMs())
    this.#arm()
  }

  assert(): void {
    this.#shared.assert(this.#clock.nowMs())
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#endWait?.()
  }

  #arm(): void {
    if (this.#closed) return
    const leftMs = this.#shared.assertedMs + this.#leaseMs - this.#clock.nowMs()
    this.#timer = this.#clock.after(Math.max(0, leftMs), () => this.#check())
  }

  #check(): void {
    if (this.#clock.nowMs() < this.#shared.assertedMs + this.#leaseMs) {
      this.#arm()
      return
    }
    this.#endWait = this.#shared.onNext(() => this.#arm())
    this.#onLost()
  }
}
