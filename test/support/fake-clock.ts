import type { Clock, Timer } from '../../src/core/clock.js'

interface Pending {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

/** Time that moves only when a test says so. Timers fire in order of due time, then of creation. */
export class FakeClock implements Clock {
  #nowMs = 1_000
  #wallOffsetMs = 1_700_000_000_000
  #order = 0
  readonly #pending = new Set<Pending>()

  nowMs(): number {
    return this.#nowMs
  }
  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs
  }
  /** Steps the wall clock only, as NTP or an operator would. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }
  get pendingTimers(): number {
    return this.#pending.size
  }

  after(delayMs: number, fire: () => void): Timer {
    const pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire }
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  /** What arrives at this instant and is under way already comes first. */
  afterPoll(fire: () => void): Timer {
    return this.after(0, fire)
  }

  /** Moves time forward, firing what falls due, and lets promises settle between any two timers. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settle()
    for (let next = this.#nextDue(untilMs); next !== undefined; next = this.#nextDue(untilMs)) {
      this.#pending.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
      await settle()
    }
    this.#nowMs = untilMs
  }

  /** Time passes and nothing runs, as when the process is stopped or busy: what fell due fires late. */
  jump(byMs: number): void {
    this.#nowMs += byMs
  }

  #nextDue(untilMs: number): Pending | undefined {
    let best: Pending | undefined
    for (const pending of this.#pending) {
      if (pending.atMs > untilMs) continue
      if (
        best === undefined ||
        pending.atMs < best.atMs ||
        (pending.atMs === best.atMs && pending.order < best.order)
      ) {
        best = pending
      }
    }
    return best
  }
}

/** Lets every already-resolved promise run: one turn of the event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
