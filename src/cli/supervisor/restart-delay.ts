const firstDelayMs = 250
const longestDelayMs = 8_000
const steadyAfterMs = 30_000

/** What is remembered between the deaths of one process. */
export interface RestartHistory {
  /** Deaths in a row, each soon after its start. */
  readonly earlyDeaths: number
}

export const noDeaths: RestartHistory = Object.freeze({ earlyDeaths: 0 })

/**
 * How long to wait before starting again: at once-ish after a long life, then doubling from 250 ms to 8 s while
 * every life stays shorter than 30 s. It never gives up, because a plane that comes back late is better than
 * one that does not; each death is printed.
 */
export function nextRestart(history: RestartHistory, livedMs: number): { history: RestartHistory; delayMs: number } {
  const earlyDeaths = livedMs >= steadyAfterMs ? 0 : history.earlyDeaths
  return {
    history: { earlyDeaths: earlyDeaths + 1 },
    delayMs: Math.min(longestDelayMs, firstDelayMs * 2 ** earlyDeaths),
  }
}
