import type { EntityGuid } from '../core/ids.js'
import { DestinationOrder, Ownership } from '../qos/policies.js'
import { type CurrentOwner, type IncomingChange, InstanceState } from './instance.js'
import { type InstanceRow, Relinquished } from './instance-row.js'
import type { Tombstone } from './tombstones.js'

/** Rank of a delivering writer under exclusive ownership. */
export interface OwnerRank {
  readonly strength: number
  /** That of its participant: of two processes with equal strength, the later one wins. */
  readonly incarnation: number
}

export interface PrecedenceOptions {
  readonly ownership: Ownership
  readonly destinationOrder: DestinationOrder
  /** Undefined for a writer that is not matched, or has lost its liveliness. */
  readonly standingOf: (writer: EntityGuid) => OwnerRank | undefined
}

/** Decides which of two owners' changes of one instance counts. Between changes of one owner the higher seq counts. */
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
   * Shared ownership: the change that was written later. By source, its owner's wall clock decides, so all readers
   * agree whatever path the changes took. By reception, this process's clock decides (reception less age). Readers may
   * then differ about two writes within the network's jitter, until the next write. The higher GUID breaks a tie.
   *
   * Exclusive ownership: the change whose delivering writer is stronger. Incarnation, then GUID break a tie.
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

  /** Whether another owner's change takes the place of the value that a row holds. */
  replaces(change: IncomingChange, row: InstanceRow): boolean {
    if (row.state === InstanceState.noWriters) return this.#followsOrphan(change, row)
    if (row.relinquished === Relinquished.no) return this.prevails(change, row)
    // A disposal is not undone by a value that was written before it.
    return row.state === InstanceState.alive || this.isLater(change, row)
  }

  /**
   * Whether a change is newer than the end of its instance, which has been forgotten. Of one owner the higher number is
   * newer; the number of the disposal itself is not. Between owners the later write is newer.
   */
  isAfterEnd(change: IncomingChange, end: Tombstone): boolean {
    const { writer, seq } = change.token
    if (writer === end.owner) return seq > end.seq || (seq === end.seq && !end.disposed)
    return this.#followsOrphan(change, { current: end, carriers: [] }, end.disposed)
  }

  /**
   * Whether another owner's change follows a value that no writer carries any more. A change that a live owner delivers
   * itself does. A relayed change does only if it was written later: the relay may have been away when the change was
   * replaced.
   */
  #followsOrphan(change: IncomingChange, held: CurrentOwner, isDisposed = false): boolean {
    const isDirect = change.via === change.token.writer
    return (isDirect && !isDisposed) || this.isLater(change, held)
  }

  /** Returns the writers, strongest first. */
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
