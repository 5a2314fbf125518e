import { LinkedSet } from '../core/linked-set.js'
import { InstanceState } from './instance.js'
import type { InstanceRow } from './instance-row.js'

/** Number of instances out of view that are remembered, so that an older value that arrives late is refused. */
const maxOutOfView = 65_536

/** Holds rows in the order in which they were added, in two lists that are kept for different times. */
class RetirementOrder {
  readonly disposed = new LinkedSet<InstanceRow>()
  /** Not disposed. */
  readonly others = new LinkedSet<InstanceRow>()

  get size(): number {
    return this.disposed.size + this.others.size
  }

  get oldest(): InstanceRow | undefined {
    const [one, other] = [this.disposed.first, this.others.first]
    if (one === undefined || other === undefined) return one ?? other
    return one.endedMs <= other.endedMs ? one : other
  }

  add(row: InstanceRow): void {
    this.delete(row)
    const rows = row.state === InstanceState.disposed ? this.disposed : this.others
    rows.add(row)
  }

  delete(row: InstanceRow): void {
    this.disposed.delete(row)
    this.others.delete(row)
  }
}

/**
 * Holds the instances that may be forgotten: ended instances, and instances that the reader's filter keeps out of view.
 */
export class RetiredInstances {
  readonly #onRemoved: (row: InstanceRow) => void
  /** Rows in view that are not alive. */
  readonly #ended = new RetirementOrder()
  readonly #outOfView = new RetirementOrder()

  /** @param onRemoved receives each row that is to be forgotten, after its removal here */
  constructor(onRemoved: (row: InstanceRow) => void) {
    this.#onRemoved = onRemoved
  }

  get outOfView(): number {
    return this.#outOfView.size
  }

  get hasEnded(): boolean {
    return this.#ended.size > 0
  }

  /**
   * Takes a row that has ended, come back, or gone out of view. Keeps at most 65,536 out of view.
   * @param nowMs not earlier than at any call before
   */
  update(row: InstanceRow, isEnded: boolean, nowMs: number): void {
    row.isEnded = isEnded
    row.endedMs = nowMs
    if (isEnded && !row.outOfView) this.#ended.add(row)
    else this.#ended.delete(row)
    if (!row.outOfView) {
      this.#outOfView.delete(row)
      return
    }
    this.#outOfView.add(row)
    const { oldest } = this.#outOfView
    if (this.#outOfView.size > maxOutOfView && oldest !== undefined) this.#drop(oldest)
  }

  /** Makes room for one instance in view. Returns false if all instances in view are alive. */
  dropOldestEnded(): boolean {
    const { oldest } = this.#ended
    if (oldest !== undefined) this.#drop(oldest)
    return oldest !== undefined
  }

  /** Forgets rows that were disposed before `disposedBeforeMs`, or have had no writer since `noWritersBeforeMs`. */
  purge(disposedBeforeMs: number, noWritersBeforeMs: number): void {
    for (const shelf of [this.#ended, this.#outOfView]) {
      this.#purge(shelf.disposed, disposedBeforeMs)
      this.#purge(shelf.others, noWritersBeforeMs)
    }
  }

  #purge(rows: LinkedSet<InstanceRow>, limitMs: number): void {
    for (let row = rows.first; row !== undefined && row.endedMs < limitMs; row = rows.first) this.#drop(row)
  }

  #drop(row: InstanceRow): void {
    this.#ended.delete(row)
    this.#outOfView.delete(row)
    this.#onRemoved(row)
  }
}
