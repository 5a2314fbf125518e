import type { DegradedMode } from './freshness.js'

/** The view serves less, or more, than before. */
export interface ModeChange {
  readonly before: DegradedMode | null
  readonly after: DegradedMode
}

/** Holds the mode that a view was in when it was last looked at, and counts its changes. */
export class ModeWatch {
  #mode: DegradedMode | undefined
  #sinceMs: number
  #changes = 0

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  get mode(): DegradedMode | undefined {
    return this.#mode
  }

  /** When the present mode was first seen, on the monotonic clock. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** Changes since the first mode. */
  get changes(): number {
    return this.#changes
  }

  /** Returns the change; undefined when the mode is the same as before. `before` is null the first time. */
  update(mode: DegradedMode, nowMs: number): ModeChange | undefined {
    const before = this.#mode
    if (before === mode) return undefined
    this.#mode = mode
    this.#sinceMs = nowMs
    if (before !== undefined) this.#changes++
    return { before: before ?? null, after: mode }
  }
}
