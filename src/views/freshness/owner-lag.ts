import { CatchUpState } from '../../cache/writer-progress.js'
import { type Guid, participantOf } from '../../core/ids.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { WriterLag } from '../../pubsub/reader/reader.js'
import type { CatchUpAction } from '../../wire/pull.js'

/** A participant that owns part of what a view shows: a collector, a scheduler, an operator that issued an intent. */
export interface OwnerRef {
  readonly participant: Guid
  /** Its name, for people to read. */
  readonly name: string
  /** `collector`, `scheduler`, `operator`, `worker`, or null for another program. */
  readonly role: string | null
  readonly host: string
  readonly pid: number
}

/** How far a view is behind one owner, over all writers of that owner. */
export interface OwnerLag extends OwnerRef {
  readonly liveliness: Liveliness
  /** The worst of its writers. */
  readonly catchUpState: CatchUpState
  /** Changes that it has made and the view has not applied, as far as is known. */
  readonly lagSamples: number
  /** How long ago the view was last known to have every change of it; null: never. */
  readonly ageMs: number | null
  /** How the last catch-up brought the view on; null before the first. */
  readonly catchUpAction: CatchUpAction | null
}

/** From best to worst. */
const order: readonly CatchUpState[] = [
  CatchUpState.fresh,
  CatchUpState.lagging,
  CatchUpState.recovering,
  CatchUpState.bootstrapRequired,
  CatchUpState.unavailable,
]

/** From best to worst. */
const actionOrder: readonly (CatchUpAction | null)[] = [null, 'advance', 'reload', 'bootstrap', 'reject']

/** Returns the worse of two states. */
export function worseState(one: CatchUpState, other: CatchUpState): CatchUpState {
  return order.indexOf(one) >= order.indexOf(other) ? one : other
}

/** Returns the action that tells more of how far a copy was behind. */
export function moreSevereAction(one: CatchUpAction | null, other: CatchUpAction | null): CatchUpAction | null {
  return actionOrder.indexOf(one) >= actionOrder.indexOf(other) ? one : other
}

/** Adds up what readers lack of each participant. @param describe what is known of a participant */
export function ownerLags(
  lags: Iterable<WriterLag>,
  describe: (participant: Guid) => OwnerRef & Pick<OwnerLag, 'liveliness'>,
): OwnerLag[] {
  const owners = new Map<Guid, OwnerLag>()
  for (const lag of lags) {
    const participant = participantOf(lag.writer)
    const known = owners.get(participant)
    const described = known ?? describe(participant)
    const state = stateOf(lag, described.liveliness)
    const sum: OwnerLag =
      known === undefined
        ? { ...described, ...lagOf(lag), catchUpState: state }
        : {
            ...known,
            catchUpState: worseState(known.catchUpState, state),
            lagSamples: known.lagSamples + lag.lagSamples,
            ageMs: known.ageMs === null || lag.completeAgeMs === null ? null : Math.max(known.ageMs, lag.completeAgeMs),
            catchUpAction: moreSevereAction(known.catchUpAction, lag.catchUpAction),
          }
    owners.set(participant, sum)
  }
  return [...owners.values()]
}

function lagOf({
  lagSamples,
  completeAgeMs,
  catchUpAction,
}: WriterLag): Omit<OwnerLag, keyof OwnerRef | 'liveliness' | 'catchUpState'> {
  return { lagSamples, ageMs: completeAgeMs, catchUpAction }
}

/**
 * Nothing is known to be missing of an owner that is not received from, and much may be. A copy that lags without a missing
 * number waits for values that another owner's had taken the place of.
 */
function stateOf({ catchUpState, lagSamples }: WriterLag, liveliness: Liveliness): CatchUpState {
  if (liveliness === Liveliness.unreachable || liveliness === Liveliness.dead) return CatchUpState.unavailable
  return catchUpState === CatchUpState.lagging && lagSamples === 0 ? CatchUpState.recovering : catchUpState
}
