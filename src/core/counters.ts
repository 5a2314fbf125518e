/**
 * Named counters: every discarded thing has one. Names are dotted, outermost noun first
 * (`datagram.rejected.bad-magic`). Bounded, because a hostile peer must not be able to invent names.
 */
export class Counters {
  readonly #counts = new Map<string, number>()

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** A sorted copy. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
