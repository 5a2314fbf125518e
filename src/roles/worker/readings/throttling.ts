import type { HeadroomSample } from '../../../topology/cgroup/headroom-sample.js'

type Periods = Pick<HeadroomSample, 'quotaCpus' | 'cpuPeriods' | 'cpuThrottledPeriods'>

/** How often a CPU quota stops this process, from the counters of `cpu.stat` at the level that sets the quota. */
export class Throttling {
  #last: { readonly periods: number; readonly throttled: number } | undefined

  /**
   * Returns the percentage of the scheduling periods since the last call in which the quota stopped the process. Null
   * without a quota, or where the counters cannot be read. A period passes only while tasks of the cgroup run.
   */
  read({ quotaCpus, cpuPeriods: periods, cpuThrottledPeriods: throttled }: Periods): number | null {
    const last = this.#last
    const isKnown = Number.isFinite(quotaCpus) && Number.isFinite(periods) && Number.isFinite(throttled)
    this.#last = isKnown ? { periods, throttled } : undefined
    if (!isKnown) return null
    // A counter that decreased belongs to another cgroup: the process was moved.
    if (last === undefined || periods <= last.periods || throttled < last.throttled) return 0
    return Math.min(100, ((throttled - last.throttled) / (periods - last.periods)) * 100)
  }
}
