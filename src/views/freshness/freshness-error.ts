import { NumacastError } from '../../core/errors.js'
import { Freshness } from './freshness.js'
import type { OwnerRef } from './owner-lag.js'
import type { AskedFreshness } from './read-options.js'
import type { ReadWitness } from './read-witness.js'
import { type ReadRefusal, refusedOwners } from './refusals.js'

/** Reasons that a message names. */
const namedReasons = 5

/**
 * A read could not be served as it was asked for. Nothing less was given instead: `servable` is what could have been.
 */
export class FreshnessError extends NumacastError {
  readonly asked: AskedFreshness
  /** The best that the view could claim at the time. */
  readonly servable: Freshness
  /** Every reason why not more. */
  readonly refusals: readonly ReadRefusal[]
  /** The owners that the reasons name. */
  readonly owners: readonly OwnerRef[]
  /** What the view was like at the time. */
  readonly witness: ReadWitness

  constructor(asked: AskedFreshness, refusals: readonly ReadRefusal[], witness: ReadWitness) {
    const reasons = refusals.slice(0, namedReasons).map(({ detail }) => detail)
    const more = refusals.length > namedReasons ? `; and ${refusals.length - namedReasons} more` : ''
    const could = `${witness.servedFreshness} could be served, in mode ${witness.degradedMode}`
    super('NUMACAST_FRESHNESS', `${askedText(asked)} was refused: ${reasons.join('; ')}${more}. ${could}`, {
      details: { asked, servable: witness.servedFreshness, reasons: refusals.map(({ reason }) => reason) },
    })
    this.asked = asked
    this.servable = witness.servedFreshness
    this.refusals = refusals
    this.owners = refusedOwners(refusals)
    this.witness = witness
  }
}

function askedText({ freshness, maxLagSamples, maxAgeMs, requiredToken, timeoutMs }: AskedFreshness): string {
  const bounds = [
    ...(freshness === Freshness.bounded ? [`maxLagSamples ${maxLagSamples}`] : []),
    ...(maxAgeMs === Infinity ? [] : [`maxAgeMs ${maxAgeMs}`]),
    ...(requiredToken === null ? [] : ['a required token']),
    `timeoutMs ${timeoutMs}`,
  ]
  return `a ${freshness} read (${bounds.join(', ')})`
}
