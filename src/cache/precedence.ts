import type { EntityGuid } from '../core/ids.js'
import { DestinationOrder, Ownership } from '../qos/policies.js'
import type { HeldSample, IncomingChange } from './instance.js'

/** How much a delivering writer weighs under exclusive ownership. */
export interface OwnerRank {
  readonly strength: number
  /** Its participant's: of two processes that claim one thing with equal strength the later one is right. */
  readonly incarnation: number
}

/** The value that is held, as far as another owner's change is compared with it. */
export interface CurrentOwner {
  readonly current: Pick<HeldSample, 'owner' | 'originTimeMs' | 'sourceTimeMs'>
  /** The writers that carry it: its owner or relays. */
  readonly carriers: Iterable<EntityGuid>
}

export interface PrecedenceOptions {
  readonly ownership: Ownership
  readonly destinationOrder: DestinationOrder
  /** Undefined for a writer that is not matched (any more), or has lost its liveliness. */
  readonly standingOf: (writer: EntityGuid) => OwnerRank | undefined
}

/** Which of two owners' changes of one instance counts. Within one owner it is always the higher seq. */
export class Precedence {
  readonly #options: PrecedenceOptions

  constructor(options: PrecedenceOptions) {
    this.#options = options
  }

  get isExclusive(): boolean {
    return this.#options.ownership === Ownership.exclusive
  }

  get isBySource(): boolean {
    return this.#options.destinationOrder === DestinationOrder.bySource
  }

  /**
   * Shared ownership: the later written one. By source that is its owner's wall clock, so every reader decides alike
   * whatever path the changes took; by reception it is measured on this process's clock (reception less age), so of
   * two owners that write within the network's jitter readers may differ until the next write. Ties: the higher GUID.
   *
   * Exclusive ownership: the one whose delivering writer is stronger. Ties: incarnation, then GUID.
   */
  prevails(change: IncomingChange, held: CurrentOwner): boolean {
    return this.isExclusive ? this.#isStronger(change.via, held.carriers) : this.isLater(change, held)
  }

  isLater(change: IncomingChange, { current }: CurrentOwner): boolean {
    const byMs = this.isBySource
      ? change.sourceTimeMs - current.sourceTimeMs
      : // Ages are whole milliseconds: closer than that, the order is the writers' names'.
        Math.round(change.originTimeMs - current.originTimeMs)
    return byMs > 0 || (byMs === 0 && change.token.writer > current.owner)
  }

  /** The strongest first. */
  rank(writers: readonly EntityGuid[]): EntityGuid[] {
    return [...writers].sort((a, b) => this.#compare(b, a))
  }

  #isStronger(writer: EntityGuid, carriers: Iterable<EntityGuid>): boolean {
    for (const carrier of carriers) if (this.#compare(writer, carrier) <= 0) return false
    return true
  }

  #compare(a: EntityGuid, b: EntityGuid): number {
    const [left, right] = [this.#options.standingOf(a), this.#options.standingOf(b)]
    if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined)
    return left.strength - right.strength || left.incarnation - right.incarnation || (a > b ? 1 : a < b ? -1 : 0)
  }
}
