import { raceSignal } from './abort.js'

interface Waiting {
  readonly holds: () => boolean
  readonly owner: unknown
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Promises that resolve once a condition holds, first come first served. Call {@link check} when it may hold now. */
export class ConditionWaiters {
  readonly #waiting = new Set<Waiting>()

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Resolves at once if the condition holds already.
   * @param owner what {@link reject} may single out
   * @throws the signal's reason when it aborts first, and what {@link reject} is given
   */
  async wait(holds: () => boolean, signal: AbortSignal | undefined, owner?: unknown): Promise<void> {
    signal?.throwIfAborted()
    if (holds()) return
    await this.#enqueue(holds, signal, owner)
  }

  /** As {@link wait}, but joins the end of the queue and resolves only by a look. */
  async queue(holds: () => boolean, signal: AbortSignal | undefined, owner?: unknown): Promise<void> {
    signal?.throwIfAborted()
    await this.#enqueue(holds, signal, owner)
  }

  /** Resolves every wait whose condition holds. */
  check(): void {
    for (const waiting of [...this.#waiting]) this.#resolveIfHolds(waiting)
  }

  /** Resolves the first wait whose condition holds and returns whether there was one. */
  checkFirst(): boolean {
    for (const waiting of this.#waiting) if (this.#resolveIfHolds(waiting)) return true
    return false
  }

  /** Rejects every wait, or with `owner` those of this owner. */
  reject(error: unknown, owner?: unknown): void {
    for (const waiting of [...this.#waiting]) {
      if (owner !== undefined && waiting.owner !== owner) continue
      this.#waiting.delete(waiting)
      waiting.reject(error)
    }
  }

  #resolveIfHolds(waiting: Waiting): boolean {
    if (!this.#waiting.has(waiting) || !waiting.holds()) return false
    this.#waiting.delete(waiting)
    waiting.resolve()
    return true
  }

  async #enqueue(holds: () => boolean, signal: AbortSignal | undefined, owner: unknown): Promise<void> {
    let waiting: Waiting | undefined
    const held = new Promise<void>((resolve, reject) => {
      waiting = { holds, owner, resolve, reject }
      this.#waiting.add(waiting)
    })
    try {
      await raceSignal(held, signal)
    } finally {
      if (waiting !== undefined) this.#waiting.delete(waiting)
    }
  }
}
