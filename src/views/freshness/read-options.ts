import type { WaitOptions } from '../../core/abort.js'
import { invalidArgument } from '../../core/errors.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { ViewToken } from '../token/view-token.js'
import { Freshness } from './freshness.js'

export interface FleetReadOptions extends WaitOptions {
  /** What the answer must be; a read that cannot meet it is refused. */
  readonly freshness: Freshness
  /** `bounded`: changes that the copy may lack, over all owners. @default 0 */
  readonly maxLagSamples?: number
  /**
   * `bounded`, `strong`: how long ago what the answer rests on may have been written, by workers and collectors.
   * @default 10000 for `bounded`, Infinity for `strong`
   */
  readonly maxAgeMs?: number
  /** The answer must include what this token includes: what another read, or the issuing of an intent, returned. */
  readonly requiredToken?: string
  /** How long the read may wait until it can be served; 0 answers at once, which `strong` cannot. @default 1000 */
  readonly timeoutMs?: number
}

/** What a read asked for. */
export interface AskedFreshness {
  readonly freshness: Freshness
  readonly maxLagSamples: number
  readonly maxAgeMs: number
  readonly requiredToken: string | null
  readonly timeoutMs: number
}

export interface ResolvedRead extends AskedFreshness {
  readonly token: ViewToken
  readonly signal: AbortSignal | undefined
}

export const defaultFleetReadOptions = Object.freeze({ maxLagSamples: 0, maxAgeMs: 10_000, timeoutMs: 1_000 })

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveFleetRead(options: FleetReadOptions): ResolvedRead {
  const { freshness, maxLagSamples, maxAgeMs, requiredToken, timeoutMs, signal } = options
  const isBounded = freshness === Freshness.bounded
  if (!Object.values(Freshness).includes(freshness)) {
    throw invalidArgument(`freshness must be one of ${Object.values(Freshness).join(', ')}, not '${freshness}'`)
  }
  if (maxLagSamples !== undefined && !isBounded) {
    throw invalidArgument(`maxLagSamples has no meaning for a ${freshness} read; use freshness 'bounded'`)
  }
  if (maxAgeMs !== undefined && freshness === Freshness.bestEffort) {
    throw invalidArgument("maxAgeMs has no meaning for a best-effort read; use freshness 'bounded'")
  }
  const defaults = defaultFleetReadOptions
  return Object.freeze({
    freshness,
    maxLagSamples: isBounded ? checkLag(maxLagSamples ?? defaults.maxLagSamples) : Number.POSITIVE_INFINITY,
    maxAgeMs: checkDurationMs('maxAgeMs', maxAgeMs ?? (isBounded ? defaults.maxAgeMs : Infinity), {
      allowInfinity: true,
    }),
    requiredToken: requiredToken ?? null,
    token: requiredToken === undefined ? ViewToken.empty : ViewToken.parse(requiredToken),
    timeoutMs: checkDurationMs('timeoutMs', timeoutMs ?? defaults.timeoutMs, {
      exclusive: freshness === Freshness.strong,
    }),
    signal,
  })
}

function checkLag(maxLagSamples: number): number {
  if (maxLagSamples >= 0 && (Number.isInteger(maxLagSamples) || maxLagSamples === Infinity)) return maxLagSamples
  throw invalidArgument(`maxLagSamples must be a whole number from 0, not ${maxLagSamples}`)
}
