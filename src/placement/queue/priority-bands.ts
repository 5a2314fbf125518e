import { invalidArgument } from '../../core/errors.js'
import { lowestPriority } from '../request/placement-request.js'

export const bandCount = 8

/** What a request of cost 1 takes off its band's deficit; the lowest band's weight, so that each visit serves one. */
export const costUnit = 32

/** By band, the most urgent first: in one round the bands are served in this proportion. */
export const defaultBandWeights: readonly number[] = Object.freeze([256, 224, 192, 160, 128, 96, 64, 32])

/** Returns the band of a priority: 0 … 31 is band 0, 224 … 255 band 7. */
export function bandOf(priority: number): number {
  return Math.floor((priority * bandCount) / (lowestPriority + 1))
}

/**
 * Reads weights from `config.priority-weights`, where they are named `band-0` to `band-7`. Bands that it does not name
 * keep their default weight, and names of other things are left aside.
 */
export function bandWeightsFrom(weights: Readonly<Record<string, number>>): readonly number[] {
  return resolveBandWeights(defaultBandWeights.map((weight, band) => weights[`band-${band}`] ?? weight))
}

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT unless there is a positive weight for each band */
export function resolveBandWeights(weights: readonly number[]): readonly number[] {
  if (weights.length !== bandCount) throw invalidArgument(`there must be ${bandCount} weights, not ${weights.length}`)
  for (const [band, weight] of weights.entries()) {
    // A weight of 0 would starve its band.
    if (!(weight >= 1 && weight <= 1e6)) {
      throw invalidArgument(`the weight of band ${band} must be from 1 to 1000000, not ${weight}`)
    }
  }
  return Object.freeze([...weights])
}
