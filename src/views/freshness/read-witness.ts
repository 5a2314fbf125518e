import type { CatchUpState } from '../../cache/writer-progress.js'
import type { CatchUpAction } from '../../wire/pull.js'
import type { DegradedMode, Freshness } from './freshness.js'
import type { OwnerRef } from './owner-lag.js'

/** Why an owner is missing. */
export const MissingReason = {
  /** It is known, and neither received from nor answering. */
  unavailable: 'unavailable',
  /** Nothing serves the node: its collector has ended, and no other process has taken its place. */
  notServed: 'not-served',
  /** It fell silent and was given up for that alone. It may be running where this view does not receive from it. */
  lost: 'lost',
  /** Other participants have received from the node, and this view has not. */
  notReceived: 'not-received',
} as const
export type MissingReason = (typeof MissingReason)[keyof typeof MissingReason]

/** An owner of which a view shows nothing, or nothing that is current. */
export interface MissingOwner {
  readonly reason: MissingReason
  /** Null where only the node is known. */
  readonly owner: OwnerRef | null
  readonly node: { readonly host: string; readonly bootId: string; readonly numaNode: number } | null
  /** For how long, as far as is known. */
  readonly forMs: number
}

/** What is known of an answer: how far it reaches, how old it may be, and what it lacks. */
export interface ReadWitness {
  /** What can be claimed of it. */
  readonly servedFreshness: Freshness
  /** What it includes; another read may demand it as its `requiredToken`. */
  readonly servedToken: string
  /** What the owners have written, as far as is known. */
  readonly currentToken: string
  /** Changes between the two tokens. */
  readonly lagSamples: number
  /**
   * How long ago the oldest part of it was written, or was last known to be complete: from the writing of a live worker,
   * through its collector, to here. The time that a frame was on its way is not known, and not included. Null when no node
   * is known.
   */
  readonly ageMs: number | null
  /** The worst over all owners. */
  readonly catchUpState: CatchUpState
  /** The gravest of the owners' last catch-ups; null before the first. */
  readonly catchUpAction: CatchUpAction | null
  readonly degradedMode: DegradedMode
  /** Owners of which it shows nothing current. */
  readonly missing: readonly MissingOwner[]
}
