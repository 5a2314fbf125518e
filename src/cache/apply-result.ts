/** Outcome of a change. Only the first three change what a user sees. */
export const ApplyResult = {
  applied: 'applied',
  /** Another owner's newer value stays current, and this value becomes a sample beside it. Only with a history. */
  beside: 'beside',
  /** A known value is current again: the writer of the later value has gone, or a stronger owner is back. */
  restored: 'restored',
  /** The table already holds this change, or a newer one of the same owner. */
  duplicate: 'duplicate',
  /** The table holds a newer change of another owner. */
  older: 'older',
  /** Exclusive ownership: a stronger owner is alive. */
  weaker: 'weaker',
  /** The instance was forgotten after this change, or after its end. A relay that was away delivers it. */
  outlived: 'outlived',
  /** The end of an instance that was never held. No user sees it. */
  unknownInstance: 'unknownInstance',
  /** There is no room: `InstanceTableOptions.hasRoom` refuses it, or the table is full and the instance is new. */
  refused: 'refused',
} as const
export type ApplyResult = (typeof ApplyResult)[keyof typeof ApplyResult]

/** Outcome of a withdrawal, after which the writer no longer carries the instance. */
export const WithdrawResult = {
  /** Nothing changes for a user. */
  kept: 'kept',
  /** The state has changed: the instance has ended, or no writer carries the value any more. */
  ended: 'ended',
  /**
   * The value stays for now, although no writer carries it: the writers of `InstanceTable.rivals` carry other values.
   */
  orphaned: 'orphaned',
} as const
export type WithdrawResult = (typeof WithdrawResult)[keyof typeof WithdrawResult]
