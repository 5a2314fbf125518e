import { type PersistentMap, PersistentMapBuilder } from './persistent-map.js'
import { type SlotSet, SlotSetBuilder } from './slot-set.js'

export type TermIndex = PersistentMap<SlotSet>

/** Keeps for each term the slots that have it, and hands out immutable versions. */
export class TermIndexBuilder {
  readonly #sets = new Map<string, SlotSetBuilder>()
  readonly #published = new PersistentMapBuilder<SlotSet>()
  /** Terms whose members have changed since the last snapshot. */
  readonly #changed = new Set<string>()

  add(term: string, slot: number): void {
    let set = this.#sets.get(term)
    if (set === undefined) {
      set = new SlotSetBuilder()
      this.#sets.set(term, set)
    }
    set.add(slot)
    this.#changed.add(term)
  }

  delete(term: string, slot: number): void {
    const set = this.#sets.get(term)
    if (set === undefined) return
    set.delete(slot)
    this.#changed.add(term)
    if (set.size === 0) this.#sets.delete(term)
  }

  /** Replaces the terms of a slot; both lists may hold a term twice. */
  replace(slot: number, before: readonly string[], after: readonly string[]): void {
    const kept = new Set(after)
    for (const term of before) if (!kept.has(term)) this.delete(term, slot)
    const had = new Set(before)
    for (const term of kept) if (!had.has(term)) this.add(term, slot)
  }

  snapshot(): TermIndex {
    for (const term of this.#changed) {
      const set = this.#sets.get(term)
      if (set === undefined) this.#published.delete(term)
      else this.#published.set(term, set.snapshot())
    }
    this.#changed.clear()
    return this.#published.snapshot()
  }
}
