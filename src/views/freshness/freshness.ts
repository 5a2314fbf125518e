/** How reliable a read is. */
export const Freshness = {
  /** Nothing newer existed when the read was called: every owner was asked, and the copy has reached what it answered. */
  strong: 'strong',
  /** Every known owner is caught up with and was received from within the bound. */
  bounded: 'bounded',
  /** Something may be missing or old. The rest of the witness states how much. */
  bestEffort: 'best-effort',
} as const
export type Freshness = (typeof Freshness)[keyof typeof Freshness]

/** What a view can serve at present, from best to worst. */
export const DegradedMode = {
  /** Every owner is caught up with, and every node is served. */
  healthy: 'healthy',
  /** Every owner is there. The view is behind one of them, or has not received from it for a while. */
  lagging: 'lagging',
  /** An owner is missing: what the view shows of it may be old. Take no decision that cannot be undone. */
  viewOnly: 'view-only',
  /** No node is known: there is nothing to serve. */
  unavailable: 'unavailable',
} as const
export type DegradedMode = (typeof DegradedMode)[keyof typeof DegradedMode]
