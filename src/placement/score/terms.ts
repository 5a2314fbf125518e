import { invalidArgument } from '../../core/errors.js'

/**
 * The terms of a score, each 0 … 1, 1 being best; docs/placement.md has the formula and the source of each. The order
 * is that of the sum.
 */
export const ScoreTerm = {
  /** Least loaded: 1 − load. */
  load: 'load',
  /** How well the zones used fit, and how far they are from each other. */
  numaFit: 'numaFit',
  /** 1 − pressure stall information, the worst of the worker's and the zone's. */
  pressure: 'pressure',
  /** Share of the request's models and caches that the worker holds. */
  residency: 'residency',
  /** Share, by weight, of the preferred label conditions that are met. */
  preferredLabels: 'preferredLabels',
  /** Whether the worker holds the request's shard, or is meant to. */
  shard: 'shard',
  /** Spread or pack: how full the zone would be. */
  allocation: 'allocation',
  /** How recently the worker reported. */
  staleness: 'staleness',
  /** 0 while the worker is on probation. */
  probation: 'probation',
  /** 1 ÷ (1 + untolerated taints with effect `prefer-no-schedule`). */
  taints: 'taints',
} as const
export type ScoreTerm = (typeof ScoreTerm)[keyof typeof ScoreTerm]

export const scoreTerms: readonly ScoreTerm[] = Object.freeze(Object.values(ScoreTerm))

export type ScoreWeights = Readonly<Record<ScoreTerm, number>>

export const defaultScoreWeights: ScoreWeights = Object.freeze({
  load: 4,
  numaFit: 3,
  pressure: 2,
  residency: 4,
  preferredLabels: 2,
  shard: 2,
  allocation: 1,
  staleness: 1,
  probation: 3,
  taints: 8,
})

/**
 * What a term counts at a worker of which its source is not known. It is one number for all, so that what is missing
 * at one worker neither favors it over a bad value nor over a good one.
 */
export const unknownScore = 0.5

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the weight that is none */
export function resolveScoreWeights(weights: Partial<ScoreWeights> = {}): ScoreWeights {
  const resolved = { ...defaultScoreWeights }
  for (const [name, weight] of Object.entries(weights)) {
    if (!(name in defaultScoreWeights)) {
      throw invalidArgument(`there is no score term ${name}; there are: ${scoreTerms.join(', ')}`)
    }
    if (weight === undefined) continue
    if (!(weight >= 0 && Number.isFinite(weight))) {
      throw invalidArgument(`the weight of ${name} must be a number from 0, not ${weight}`)
    }
    resolved[name as ScoreTerm] = weight
  }
  return Object.freeze(resolved)
}
