const windowUs = 60_000_000

/**
 * The share of time in which tasks stalled, over about a minute: what the kernel shows as `avg60`. The samples that are
 * taken anyway have the stall counter. As in the kernel, each interval weighs in by `1 − e^(−interval ÷ 60 s)`.
 */
export class StallAverage {
  #percent: number | null
  #last: { readonly totalUs: number; readonly atUs: number } | undefined

  /** @param percent what the kernel shows at the start; null where it shows nothing */
  constructor(percent: number | null) {
    this.#percent = percent
  }

  /** Takes the counter as it is now. Returns the average in percent; null while the counter cannot be read. */
  add(totalUs: number, atUs: number): number | null {
    const last = this.#last
    this.#last = Number.isFinite(totalUs) ? { totalUs, atUs } : undefined
    if (this.#last === undefined) return null
    // A counter that decreased belongs to another cgroup: the process was moved.
    if (last === undefined || totalUs < last.totalUs || atUs <= last.atUs) return this.#percent
    const elapsedUs = atUs - last.atUs
    const percent = Math.min(100, ((totalUs - last.totalUs) / elapsedUs) * 100)
    const kept = Math.exp(-elapsedUs / windowUs)
    this.#percent = this.#percent === null ? percent : this.#percent * kept + percent * (1 - kept)
    return this.#percent
  }
}
