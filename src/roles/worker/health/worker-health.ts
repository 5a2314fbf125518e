import type { Counters } from '../../../core/reporting/counters.js'
import { errorText } from '../../../core/reporting/error-text.js'
import type { Clock, Timer } from '../../../core/time/clock.js'
import { RepeatingTimer } from '../../../core/time/repeating-timer.js'
import { exceededBounds, HealthAspect, type HealthReading, type MeasuredAspect } from './health-bounds.js'
import type { HealthCheck, ResolvedHealth } from './health-options.js'

/** One reason why a worker is unhealthy. */
export interface HealthProblem {
  readonly aspect: HealthAspect
  /** For people. */
  readonly reason: string
}

export interface WorkerHealthComponents {
  readonly clock: Clock
  readonly counters: Counters
  /** Called when a problem comes, changes, or goes. */
  readonly changed: () => void
}

/** How often the delay of the main loop is measured. */
const loopIntervalMs = 250

/** Knows whether a worker is fit for work: by the application, by its check, and by what is measured. */
export class WorkerHealth {
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #changed: () => void
  readonly #options: ResolvedHealth
  readonly #problems = new Map<HealthAspect, string>()
  /** When each measured problem was seen last. */
  readonly #seenMs = new Map<MeasuredAspect, number>()
  readonly #loopTimer: RepeatingTimer | undefined
  #next: Timer | undefined
  /** The check that runs, and the timer of its time limit. */
  #running: { readonly stop: AbortController; readonly overdue: Timer } | undefined
  #dueMs: number
  #isClosed = false

  constructor({ clock, counters, changed }: WorkerHealthComponents, options: ResolvedHealth) {
    this.#clock = clock
    this.#counters = counters
    this.#changed = changed
    this.#options = options
    this.#dueMs = clock.nowMs() + loopIntervalMs
    if (Number.isFinite(options.maxLoopDelayMs)) {
      this.#loopTimer = new RepeatingTimer(clock, loopIntervalMs, () => this.#measureLoop())
    }
    const { check } = options
    if (check === undefined) return
    this.#problems.set(HealthAspect.check, 'the health check has not passed yet')
    this.#next = clock.after(0, () => void this.#run(check))
  }

  /** Why the worker is unhealthy; empty if it is not. */
  get problems(): readonly HealthProblem[] {
    return [...this.#problems].map(([aspect, reason]) => ({ aspect, reason }))
  }

  /** All reasons in one text; null if the worker is healthy. */
  get reason(): string | null {
    return this.#problems.size === 0 ? null : [...this.#problems.values()].join('; ')
  }

  /** Null declares the worker fit, as far as the application decides. */
  declare(reason: string | null): void {
    this.#set(HealthAspect.declared, reason)
  }

  /** Compares a reading of the worker's process with the bounds. */
  measure(reading: HealthReading): void {
    const exceeded = exceededBounds(reading, this.#options)
    for (const aspect of ['memory-headroom', 'memory-pressure', 'cpu-pressure'] as const) {
      this.#measured(aspect, exceeded.get(aspect))
    }
  }

  close(): void {
    this.#isClosed = true
    this.#loopTimer?.close()
    this.#next?.cancel()
    this.#running?.overdue.cancel()
    this.#running?.stop.abort()
  }

  #measureLoop(): void {
    const nowMs = this.#clock.nowMs()
    const delayMs = Math.max(0, nowMs - this.#dueMs)
    this.#dueMs = nowMs + loopIntervalMs
    const { maxLoopDelayMs } = this.#options
    const isLate = delayMs > maxLoopDelayMs
    const text = `its main loop was blocked for ${Math.round(delayMs)} ms, more than ${maxLoopDelayMs} ms`
    this.#measured(HealthAspect.loopDelay, isLate ? text : undefined)
  }

  /** A problem that is no longer measured goes once it has not been seen for a while. */
  #measured(aspect: MeasuredAspect, reason: string | undefined): void {
    const nowMs = this.#clock.nowMs()
    if (reason !== undefined) {
      this.#seenMs.set(aspect, nowMs)
      // The first reading explains it: a new text with each reading would be a change of admission each time.
      if (!this.#problems.has(aspect)) this.#set(aspect, reason)
      return
    }
    if (nowMs - (this.#seenMs.get(aspect) ?? Number.NEGATIVE_INFINITY) < this.#options.recoverAfterMs) return
    this.#set(aspect, null)
  }

  async #run(check: HealthCheck): Promise<void> {
    const { checkIntervalMs, checkTimeoutMs } = this.#options
    const stop = new AbortController()
    const overdue = this.#clock.after(checkTimeoutMs, () => {
      this.#counters.add('worker.health-check-timed-out')
      this.#set(HealthAspect.check, `the health check has taken longer than ${checkTimeoutMs} ms`)
      stop.abort()
    })
    this.#running = { stop, overdue }
    let reason: string | null = null
    try {
      await check(stop.signal)
    } catch (error) {
      reason = `the health check failed: ${errorText(error)}`
    }
    if (this.#isClosed) return
    overdue.cancel()
    this.#running = undefined
    // A check that passes too late has failed.
    if (!stop.signal.aborted) {
      if (reason !== null) this.#counters.add('worker.health-check-failed')
      this.#set(HealthAspect.check, reason)
    }
    this.#next = this.#clock.after(checkIntervalMs, () => void this.#run(check))
  }

  #set(aspect: HealthAspect, reason: string | null): void {
    if (this.#isClosed || (this.#problems.get(aspect) ?? null) === reason) return
    if (reason === null) this.#problems.delete(aspect)
    else this.#problems.set(aspect, reason)
    this.#changed()
  }
}
