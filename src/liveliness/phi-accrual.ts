import { invalidArgument } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'
import { checkDurationMs, longestTimerMs } from '../core/time/duration.js'
import { IntervalWindow } from './interval-window.js'

/**
 * The defaults are those of Akka's cluster: `threshold`, `max-sample-size`, `min-std-deviation` and
 * `acceptable-heartbeat-pause` of `akka.cluster.failure-detector` in akka-cluster's `reference.conf` (8.0, 1000, 100 ms,
 * 3 s). Its interval is not taken: each peer announces its own.
 */
export interface PhiOptions {
  /** Phi from which a peer counts as lost. 8: by its own regularity one wrong verdict in 10⁸. @default 8 */
  readonly threshold?: number
  /** Intervals remembered. @default 1000 */
  readonly maxSamples?: number
  /** However regular it was, it is allowed to vary by this. @default 100 */
  readonly minStdDeviationMs?: number
  /** Silence beyond the usual interval that is nothing to worry about: lost frames, a long collection. @default 3000 */
  readonly acceptablePauseMs?: number
}

export type ResolvedPhiOptions = Required<PhiOptions>

export const defaultPhiOptions: ResolvedPhiOptions = Object.freeze({
  threshold: 8,
  maxSamples: 1_000,
  minStdDeviationMs: 100,
  acceptablePauseMs: 3_000,
})

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option */
export function resolvePhiOptions(options: PhiOptions = {}): ResolvedPhiOptions {
  const resolved = { ...defaultPhiOptions, ...withoutUndefined(options) }
  if (!(resolved.threshold > 0)) throw invalidArgument(`phi.threshold must be above 0, not ${resolved.threshold}`)
  if (!Number.isInteger(resolved.maxSamples) || resolved.maxSamples < 2 || resolved.maxSamples > 100_000) {
    throw invalidArgument(`phi.maxSamples must be a whole number from 2 to 100000, not ${resolved.maxSamples}`)
  }
  const { minStdDeviationMs, acceptablePauseMs } = resolved
  checkDurationMs('phi.minStdDeviationMs', minStdDeviationMs, { exclusive: true, mostMs: longestTimerMs })
  checkDurationMs('phi.acceptablePauseMs', acceptablePauseMs, { mostMs: longestTimerMs })
  return Object.freeze(resolved)
}

/**
 * Suspicion that grows with silence, measured against how regular the peer was:
 *
 *     φ(t) = −log₁₀(1 − F(t − acceptablePause)),   F: normal, with the mean and deviation of past intervals
 *
 * Hayashibara, Défago, Yared, Katayama: The φ Accrual Failure Detector (SRDS 2004). Not in the paper, and
 * as in Akka's `akka.remote.PhiAccrualFailureDetector`: the pause, added to the mean; the lower bound of the deviation;
 * two first samples, the expected interval minus and plus a quarter of it; and that an interval is not learned when phi
 * called it a loss (which is up to the caller here). `now` is always an argument.
 */
export class PhiAccrual {
  readonly #options: ResolvedPhiOptions
  readonly #window: IntervalWindow

  /** @param firstIntervalMs what is assumed before anything was received: samples at ± a quarter of it */
  constructor(options: ResolvedPhiOptions, firstIntervalMs: number) {
    this.#options = options
    this.#window = new IntervalWindow(options.maxSamples)
    const deviation = firstIntervalMs / 4
    this.#window.add(firstIntervalMs - deviation)
    this.#window.add(firstIntervalMs + deviation)
  }

  get meanMs(): number {
    return this.#window.mean
  }
  get stdDeviationMs(): number {
    return Math.max(this.#options.minStdDeviationMs, this.#window.stdDeviation)
  }

  addInterval(intervalMs: number): void {
    this.#window.add(intervalMs)
  }

  /** @param timeoutMultiplier by how much the observer lengthens its timeouts, 1 in health */
  phi(silenceMs: number, timeoutMultiplier = 1): number {
    const { acceptablePauseMs } = this.#options
    return phiOf(
      silenceMs,
      (this.meanMs + acceptablePauseMs) * timeoutMultiplier,
      this.stdDeviationMs * timeoutMultiplier,
    )
  }

  isLost(silenceMs: number, timeoutMultiplier = 1): boolean {
    return this.phi(silenceMs, timeoutMultiplier) >= this.#options.threshold
  }
}

/**
 * −log₁₀ of the chance that a normal variable exceeds `value`. The tail is 1 / (1 + e^(1.5976·y + 0.070566·y³)) with
 * y = (value − mean) / deviation: Bowling, Khasawneh, Kaewkuekool, Cho: A logistic approximation to the cumulative
 * normal distribution (2009), off by less than 0.00015. Infinite where the chance is too small for a double.
 */
export function phiOf(value: number, mean: number, deviation: number): number {
  const y = (value - mean) / deviation
  // log1p keeps the digits where the chance is near 1.
  return Math.log1p(Math.exp(y * (1.5976 + 0.070566 * y * y))) / Math.LN10
}
