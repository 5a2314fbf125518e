import { LinkedSet } from '../core/linked-set.js'
import { InstanceState } from './instance.js'
import type { InstanceRow } from './instance-row.js'

/** Instances out of view that are remembered, so that an older value which comes late is not taken for current. */
const maxOutOfView = 65_536

/** Rows in the order in which they were filed, apart by how long they are kept. */
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

/** Holds the instances that may be forgotten: ended ones, and ones that the reader's filter keeps out of view. */
export class RetiredInstances {
  readonly #onRemoved: (row: InstanceRow) => void
  /** Not alive, and in view. */
  readonly #ended = new RetirementOrder()
  readonly #outOfView = new RetirementOrder()

  /** @param forget the row is to be forgotten, and has been taken out here */
  constructor(forget: (row: InstanceRow) => void) {
    this.#onRemoved = forget
  }

  get outOfView(): number {
    return this.#outOfView.size
  }

  get hasEnded(): boolean {
    return this.#ended.size > 0
  }

  /**
   * Files a row that has ended, come back, or gone out of view. At most 65,536 out of view are kept.
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

  /** Makes room for one instance in view. False when all in view are alive. */
  dropOldestEnded(): boolean {
    const { oldest } = this.#ended
    if (oldest !== undefined) this.#drop(oldest)
    return oldest !== undefined
  }

  /** Forgets the rows whose time is up: disposed before `disposedBeforeMs`, without writers before the other. */
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
