export interface PublishIntervalOptions {
  /** Changes closer together than this are published as one. */
  readonly minIntervalMs: number
  /** Without a change, it is published again after this, so that its age stays meaningful. */
  readonly refreshMs: number
}

/** When a state that changes at any rate is due to be published. Pure: the shell owns the timer. */
export class PublishInterval {
  readonly #options: PublishIntervalOptions
  #lastMs: number | undefined
  #changed = false

  constructor(options: PublishIntervalOptions) {
    this.#options = options
  }

  /** True when that was news: a change is waiting now, and none was before. */
  changed(): boolean {
    const news = !this.#changed
    this.#changed = true
    return news
  }

  published(nowMs: number): void {
    this.#lastMs = nowMs
    this.#changed = false
  }

  /** Time until the next publication; 0 when it is due. */
  dueInMs(nowMs: number): number {
    if (this.#lastMs === undefined) return 0 // never published: due at once
    const interval = this.#changed ? this.#options.minIntervalMs : this.#options.refreshMs
    return Math.max(0, this.#lastMs + interval - nowMs)
  }
}
