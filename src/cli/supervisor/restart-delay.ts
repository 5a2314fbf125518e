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
 * Returns how long to wait before starting again: 250 ms after a run of 30 s or more, then doubling up to 8 s while each
 * run is shorter. It never gives up: a plane that comes back late is better than a plane that does not.
 */
export function nextRestart(history: RestartHistory, livedMs: number): { history: RestartHistory; delayMs: number } {
  const earlyDeaths = livedMs >= steadyAfterMs ? 0 : history.earlyDeaths
  return {
    history: { earlyDeaths: earlyDeaths + 1 },
    delayMs: Math.min(longestDelayMs, firstDelayMs * 2 ** earlyDeaths),
  }
}
