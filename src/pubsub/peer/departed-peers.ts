import type { Guid } from '../../core/ids.js'

/** GUIDs remembered of each kind; the oldest are forgotten first. */
const maxRemembered = 4096

/** Remembers participants that have left, so that a late frame of one does not bring it back. */
export class DepartedPeers {
  /** They sent a goodbye, or are known to be dead. */
  readonly #ended = new Set<Guid>()
  /** Declared dead for silence only: they may return, on probation. Maps to the unanswered requests in a row. */
  readonly #silent = new Map<Guid, number>()

  /** Whether the participant sent a goodbye or is known to be dead. */
  has(guid: Guid): boolean {
    return this.#ended.has(guid)
  }

  addEnded(guid: Guid): void {
    this.#ended.add(guid)
    dropOldest(this.#ended)
  }

  addSilent(guid: Guid, failures: number): void {
    this.#silent.set(guid, failures)
    dropOldest(this.#silent)
  }

  /** Returns, and forgets, how many requests in a row the silent participant had left unanswered. */
  takeSilent(guid: Guid): number | undefined {
    const failures = this.#silent.get(guid)
    this.#silent.delete(guid)
    return failures
  }
}

function dropOldest(guids: Set<Guid> | Map<Guid, unknown>): void {
  const oldest = guids.keys().next()
  if (guids.size > maxRemembered && oldest.done !== true) guids.delete(oldest.value)
}
