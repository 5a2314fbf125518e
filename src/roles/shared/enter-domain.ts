import { raceSignal } from '../../core/abort.js'
import { closeAll } from '../../core/close-all.js'
import { lazyImport } from '../../core/lazy-import.js'
import { withoutUndefined } from '../../core/options.js'
import type { Clock } from '../../core/time/clock.js'
import type { Participant } from '../../pubsub/participant.js'
import type { ParticipantOptions } from '../../pubsub/participant-options.js'
import type { Properties } from '../../wire/descriptor.js'

/**
 * How a role joins its domain. Passed to its participant unchanged; an absent option takes the participant's default.
 */
export type DomainOptions = Pick<ParticipantOptions, (typeof joiningOptions)[number]>

const joiningOptions = [
  'beaconIntervalMs',
  'domain',
  'insecure',
  'interfaces',
  'leaseMs',
  'logger',
  'peers',
  'phi',
  'range',
] as const

export interface DomainComponents {
  /** Used as it is and left open when the role closes, so that several roles can share one. */
  readonly participant?: Participant
  /** Makes the role's own participant. @default joinDomain */
  readonly join?: (options: ParticipantOptions) => Promise<Participant>
  /** For the role's own participant. @default the system's */
  readonly clock?: Clock
}

export interface DomainMembership {
  readonly participant: Participant
  /** Sends the goodbye and closes the participant, if it is the role's own. */
  leave(): Promise<void>
}

export async function enterDomain(
  name: string,
  properties: Properties,
  options: DomainOptions,
  components: DomainComponents,
): Promise<DomainMembership> {
  if (components.participant !== undefined) {
    return { participant: components.participant, leave: () => Promise.resolve() }
  }
  const given = Object.fromEntries(joiningOptions.map((option) => [option, options[option]]))
  const joining: ParticipantOptions = withoutUndefined({ ...given, name, properties })
  const participant = await (components.join?.(joining) ?? join(joining, components.clock))
  return { participant, leave: () => participant.close() }
}

/** @internal Loads what a participant is made of: most of numacast, and a role may be imported without being started. */
export const loadParticipant = lazyImport(() => import('../../pubsub/participant.js'))

async function join(options: ParticipantOptions, clock: Clock | undefined): Promise<Participant> {
  const { joinDomain } = await loadParticipant()
  return joinDomain(options, clock === undefined ? {} : { clock })
}

/**
 * Makes a role on a membership and waits until its sockets are open; leaves the domain again if that fails.
 * @throws what failed, or the signal's reason when it aborts first
 */
export async function startRole<R extends { close(): Promise<void> }>(
  membership: DomainMembership,
  make: () => R | Promise<R>,
  signal?: AbortSignal,
): Promise<R> {
  let role: R | undefined
  try {
    // It may have aborted during the joining.
    signal?.throwIfAborted()
    role = await make()
    await raceSignal(membership.participant.ready(), signal)
    return role
  } catch (error) {
    try {
      await closeAll([() => role?.close(), () => membership.leave()])
    } catch (failure) {
      membership.participant.counters.addError('role.close-failed', failure)
    }
    throw error
  }
}
