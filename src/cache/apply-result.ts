/** The outcome of a change: only the first three change anything that a user sees. */
export const ApplyResult = {
  applied: 'applied',
  /** Another owner's newer value stays the instance's, and this one is a sample beside it: with a history only. */
  beside: 'beside',
  /** A known value is the instance's again, because the writer of another has gone or a stronger owner is back. */
  restored: 'restored',
  /** This very change of this owner, or a newer one, is held already. */
  duplicate: 'duplicate',
  /** Another owner's newer change is held. */
  older: 'older',
  /** Exclusive ownership: a stronger owner lives. */
  weaker: 'weaker',
  /** The instance was forgotten after this change, or its end, had been taken in: a relay that was away brings it. */
  outlived: 'outlived',
  /** The end of an instance that was never held: no user sees anything of it. */
  unknownInstance: 'unknownInstance',
  /** Of a kind that `InstanceTableOptions.hasRoom` refuses, or of a new instance when the table is full. */
  refused: 'refused',
} as const
export type ApplyResult = (typeof ApplyResult)[keyof typeof ApplyResult]

/** The outcome of a withdrawal: the writer no longer carries the instance. */
export const WithdrawResult = {
  /** No user sees a change. */
  kept: 'kept',
  /** Its state has changed: it has ended, or no writer is left that has the value. */
  ended: 'ended',
  /** The value stays for now, but no writer carries it: `InstanceTable.rivals` carry others. */
  orphaned: 'orphaned',
} as const
export type WithdrawResult = (typeof WithdrawResult)[keyof typeof WithdrawResult]
