import type { SchedulerState } from '../../plane/scheduler/scheduler-state.js'
import type { Sample } from '../../pubsub/model/sample.js'

/** The schedulers of the plane, as each reports itself, until it leaves. */
export class SchedulerRows {
  readonly #rows = new Map<string, SchedulerState>()

  apply({ key, value, instanceState }: Sample<SchedulerState>): void {
    if (instanceState === 'alive' && value !== undefined) this.#rows.set(key, value)
    else this.#rows.delete(key)
  }

  /** By name, then by id. */
  list(): SchedulerState[] {
    return [...this.#rows.values()].sort((a, b) => compare(a.name, b.name) || compare(a.schedulerId, b.schedulerId))
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
