import type { Limit } from '../topology/limit.js'

/** The value of a limit that limits; null when there is none or it cannot be read. */
export function limited(limit: Limit): number | null {
  return limit.state === 'limited' ? limit.value : null
}
