import { numacastCode } from '../error-code.js'
import type { Counters } from './counters.js'

/** Runs `act`; what it throws is counted as `<counter>.<code>` and reported. For work that must go on without it. */
export function countFailure(counters: Counters, counter: string, act: () => unknown): void {
  try {
    act()
  } catch (error) {
    counters.addError(`${counter}.${numacastCode(error)}`, error)
  }
}
