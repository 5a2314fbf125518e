import type { Guid } from '../../core/ids.js'
import { Liveliness, type Verdict, VerdictEvidence } from '../../liveliness/verdict.js'
import type { OwnerRef } from './owner-lag.js'

/** An owner that was given up for its silence alone. */
export interface LostOwner {
  readonly owner: OwnerRef
  readonly sinceMs: number
}

/** Lost owners that are remembered; the oldest are forgotten first. */
const maxLost = 1_024

/** Whether the participant is known to have ended: the kernel or its successor shows it, or its own goodbye. */
export function isCertainEnd({ liveliness, evidence }: Verdict): boolean {
  const isProven =
    evidence === VerdictEvidence.kernel || evidence === VerdictEvidence.goodbye || evidence === VerdictEvidence.beacon
  return liveliness === Liveliness.dead && isProven
}

/** Remembers owners that fell silent and were given up for that. They may be running elsewhere. */
export class LostOwners {
  readonly #lost = new Map<Guid, LostOwner>()

  values(): IterableIterator<LostOwner> {
    return this.#lost.values()
  }

  get(participant: Guid): LostOwner | undefined {
    return this.#lost.get(participant)
  }

  add(owner: OwnerRef, nowMs: number): void {
    this.#lost.set(owner.participant, { owner, sinceMs: nowMs })
    const [oldest] = this.#lost.keys()
    if (this.#lost.size > maxLost && oldest !== undefined) this.#lost.delete(oldest)
  }

  /** The owner is there, or is known to have ended. */
  remove(participant: Guid): void {
    this.#lost.delete(participant)
  }

  /** Forgets owners that have been lost for `retentionMs`. Returns them. */
  expire(nowMs: number, retentionMs: number): Guid[] {
    const expired = [...this.#lost].filter(([, { sinceMs }]) => nowMs - sinceMs >= retentionMs).map(([guid]) => guid)
    for (const guid of expired) this.#lost.delete(guid)
    return expired
  }
}
