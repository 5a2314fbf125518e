import type { Guid } from '../../../core/ids.js'
import type { Predecessor } from '../../../plane/node/node-roster.js'
import { asPredecessor, type Claimant, compareClaimants, isLive } from './claimant.js'

/** What {@link WorkerName.decideHolder} changed. */
export interface HolderDecision {
  /** The holder, or what is known of its predecessor, is not what it was. */
  readonly hasChanged: boolean
  /** Claimants that lost the name and are dead. They are no longer kept. */
  readonly dropped: readonly Claimant[]
}

/**
 * The claimants of one workerId on one node, and which of them holds the name: a live one before a dead one, then the
 * strongest claim. What a claimant without the name reports is kept in case it becomes the holder.
 */
export class WorkerName {
  readonly #claimants = new Map<Guid, Claimant>()
  #holder: Claimant
  #predecessor: Predecessor | null = null

  constructor(first: Claimant) {
    this.#holder = first
    this.#claimants.set(first.participant, first)
  }

  get holder(): Claimant {
    return this.#holder
  }

  /** How the process that held the name before lost it; null for the first holder. */
  get predecessor(): Predecessor | null {
    return this.#predecessor
  }

  get participants(): IterableIterator<Guid> {
    return this.#claimants.keys()
  }

  /** Live claimants that do not hold the name. */
  get rivals(): number {
    let rivals = 0
    for (const claimant of this.#claimants.values()) if (claimant !== this.#holder && isLive(claimant)) rivals++
    return rivals
  }

  get(participant: Guid): Claimant | undefined {
    return this.#claimants.get(participant)
  }

  /** Whether a live claimant that has reported itself is of this incarnation. */
  hasLive(incarnation: number): boolean {
    for (const claimant of this.#claimants.values()) {
      if (claimant.facts.incarnation === incarnation && !claimant.inherited && isLive(claimant)) return true
    }
    return false
  }

  /** Whether each live claimant that has reported itself stands by exactly if `holder` is another. */
  isObeyed(holder: string): boolean {
    for (const claimant of this.#claimants.values()) {
      if (claimant.inherited || !isLive(claimant)) continue
      if (claimant.facts.standby !== (claimant.participant !== holder)) return false
    }
    return true
  }

  /** Stores a claimant as it is now. True when it holds the name. */
  put(claimant: Claimant): boolean {
    this.#claimants.set(claimant.participant, claimant)
    if (this.#holder.participant !== claimant.participant) return false
    this.#holder = claimant
    return true
  }

  /** Gives the name to the claimant with the best right to it, and drops dead claimants without it. */
  decideHolder(nowMs: number, probationMs: number): HolderDecision {
    const before = this.#holder
    for (const claimant of this.#claimants.values()) {
      if (compareClaimants(claimant, this.#holder) > 0) this.#holder = claimant
    }
    let hasChanged = this.#holder !== before
    if (hasChanged) {
      this.#predecessor = asPredecessor(before)
      this.put({ ...this.#holder, reliableFromMs: nowMs + probationMs })
    }
    const dropped = [...this.#claimants.values()].filter((claimant) => claimant !== this.#holder && !isLive(claimant))
    for (const { participant, facts } of dropped) {
      this.#claimants.delete(participant)
      if (this.#predecessor?.incarnation !== facts.incarnation) continue
      this.#predecessor = { ...this.#predecessor, lives: false }
      hasChanged = true
    }
    return { hasChanged, dropped }
  }
}
