/** Why an observer does not trust its own eyes. */
export const DegradedReason = {
  /** Its own main loop runs late. */
  loopLate: 'loop-late',
  /** Most of the watched peers fell silent at once: more likely the observer is isolated than that all of them died. */
  mostPeersLate: 'most-peers-late',
} as const
export type DegradedReason = (typeof DegradedReason)[keyof typeof DegradedReason]

/** How far an observer trusts itself. */
export interface ObserverHealth {
  /** 0 (healthy) to 8: its timeouts are (score + 1) times as long as in health. */
  readonly score: number
  readonly degraded: boolean
  /** Null while it is not degraded. */
  readonly reason: DegradedReason | null
  /** Monotonic time at which `degraded` or its reason last changed. */
  readonly sinceMs: number
}
