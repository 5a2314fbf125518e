import { type Clock, mustBeDelay, neverTimer, type Timer } from '../core/time/clock.js'

interface Pending {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

/** A clock that moves only when a test advances it. Timers fire in order of due time, then of creation. */
export class FakeClock implements Clock {
  #nowMs = 1_000
  #wallOffsetMs = 1_700_000_000_000
  #order = 0
  /** A binary heap, the next due first. Cancelled timers stay until they are due. */
  readonly #heap: Pending[] = []
  readonly #cancelled = new Set<Pending>()

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
    return this.#heap.length - this.#cancelled.size
  }

  after(delayMs: number, fire: () => void): Timer {
    mustBeDelay(delayMs)
    if (delayMs === Infinity) return neverTimer
    let isPending = true
    const pending = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      fire: () => {
        isPending = false
        fire()
      },
    }
    this.#push(pending)
    return {
      cancel: () => {
        if (isPending) this.#cancelled.add(pending)
        isPending = false
      },
    }
  }

  /** Runs `fire` after the frames that are already due at this instant. */
  afterPoll(fire: () => void): Timer {
    return this.after(0, fire)
  }

  /** Moves time forward, firing due timers, and lets promises settle between them. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settle()
    for (let next = this.#takeDue(untilMs); next !== undefined; next = this.#takeDue(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
      await settle()
    }
    this.#nowMs = untilMs
  }

  /** Lets time pass while nothing runs, as in a stopped or busy process: due timers fire late. */
  jump(byMs: number): void {
    this.#nowMs += byMs
  }

  #takeDue(untilMs: number): Pending | undefined {
    for (;;) {
      const [first] = this.#heap
      if (first === undefined) return undefined
      const isCancelled = this.#cancelled.delete(first)
      if (!isCancelled && first.atMs > untilMs) return undefined
      this.#pop()
      if (!isCancelled) return first
    }
  }

  #push(pending: Pending): void {
    let at = this.#heap.push(pending) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#heap[parent]
      if (above === undefined || isBefore(above, pending)) break
      this.#heap[at] = above
      at = parent
    }
    this.#heap[at] = pending
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    let at = 0
    for (;;) {
      const [left, right] = [this.#heap[2 * at + 1], this.#heap[2 * at + 2]]
      const isRight = left !== undefined && right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (child === undefined || isBefore(last, child)) break
      this.#heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    this.#heap[at] = last
  }
}

function isBefore(one: Pending, other: Pending): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

/** Lets every already-resolved promise run: one turn of the event loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
