import type { EntityGuid } from '../../core/ids.js'
import type { Sample } from '../../pubsub/model/sample.js'

/** What one server of a node last reported, and which change of its writer that is. */
export interface Held<T> {
  readonly value: T
  readonly writer: EntityGuid
  readonly seq: number
  readonly originTimeMs: number
  /** Its writer has closed. */
  readonly withdrawn: boolean
}

export function hold<T>(value: T, sample: Sample<T>): Held<T> {
  const { token, writtenMs: originTimeMs } = sample
  return { value, writer: token.writer, seq: token.seq, originTimeMs, withdrawn: false }
}

/**
 * The report to hold after a sample: the sample's, the one before marked as withdrawn, or none. Returns `before` if the
 * sample changes nothing.
 */
export function nextHeld<T>(before: Held<T> | undefined, sample: Sample<T>): Held<T> | undefined {
  const { value, token, instanceState } = sample
  if (instanceState === 'disposed' || value === undefined) return undefined
  if (instanceState === 'no-writers') {
    return before === undefined || before.withdrawn ? before : { ...before, withdrawn: true }
  }
  const isKnown = before !== undefined && !before.withdrawn && before.seq >= token.seq
  return isKnown ? before : hold(value, sample)
}
