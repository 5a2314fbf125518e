import { InstanceState } from './instance.js'
import type { InstanceRow } from './instance-row.js'

/** Instances out of view that are remembered, so that an older value which comes late is not taken for current. */
const maxOutOfView = 65_536

/** The instances that may be forgotten: those that have ended, and those that the reader's filter keeps out of view. */
export class RetiredInstances {
  readonly #forget: (row: InstanceRow) => void
  /** Not alive, and in view; the oldest first. */
  readonly #ended = new Set<InstanceRow>()
  readonly #outOfView = new Set<InstanceRow>()

  /** @param forget the row is to be forgotten, and has been taken out here */
  constructor(forget: (row: InstanceRow) => void) {
    this.#forget = forget
  }

  get outOfView(): number {
    return this.#outOfView.size
  }

  get hasEnded(): boolean {
    return this.#ended.size > 0
  }

  /** The row has ended, or come back, or gone out of view. Of those out of view there are only so many. */
  file(row: InstanceRow, isEnded: boolean, nowMs: number): void {
    row.isEnded = isEnded
    row.endedMs = nowMs
    if (isEnded && !row.outOfView) this.#ended.add(row)
    else this.#ended.delete(row)
    if (!row.outOfView) {
      this.#outOfView.delete(row)
      return
    }
    this.#outOfView.add(row)
    const [oldest] = this.#outOfView
    if (this.#outOfView.size > maxOutOfView && oldest !== undefined) this.#drop(oldest)
  }

  /** Makes room for one instance in view. False when all in view are alive. */
  dropOldestEnded(): boolean {
    const [oldest] = this.#ended
    if (oldest !== undefined) this.#drop(oldest)
    return oldest !== undefined
  }

  /** Forgets those whose time is up: disposed before `disposedBeforeMs`, without writers before the other. */
  purge(disposedBeforeMs: number, noWritersBeforeMs: number): void {
    for (const rows of [this.#ended, this.#outOfView]) {
      for (const row of rows) {
        const limitMs = row.state === InstanceState.disposed ? disposedBeforeMs : noWritersBeforeMs
        if (row.endedMs < limitMs) this.#drop(row)
      }
    }
  }

  #drop(row: InstanceRow): void {
    this.#ended.delete(row)
    this.#outOfView.delete(row)
    this.#forget(row)
  }
}
