import type { EntityGuid } from '../core/ids.js'
import type { ObserverHealth } from '../liveliness/observer-health.js'
import type { Verdict } from '../liveliness/verdict.js'
import type { IncompatiblePolicy } from '../qos/match.js'
import type { Peer } from './remote-peer.js'

/** What happens to the other participants, as seen from here. */
export type PeerEvent =
  /** Its descriptor is known. */
  | { readonly kind: 'joined'; readonly peer: Peer }
  | { readonly kind: 'liveliness-changed'; readonly peer: Peer; readonly before: Verdict }
  /**
   * Forgotten after this: it is dead, for the verdict's cause; or, with the verdict as it last was, it writes to
   * nothing that is read here any more and would not be heard.
   */
  | { readonly kind: 'left'; readonly peer: Peer }

/** How far the participant trusts its own verdicts has changed. It clears by itself. */
export interface HealthEvent {
  /** `degraded` also when only the reason is another. */
  readonly kind: 'degraded' | 'recovered'
  readonly health: ObserverHealth
  readonly before: ObserverHealth
}

/** A writer and a reader that name the same topic and cannot be matched. */
export type MismatchEvent =
  | {
      readonly kind: 'incompatible-qos'
      readonly topic: string
      readonly writer: EntityGuid
      readonly reader: EntityGuid
      readonly policies: readonly IncompatiblePolicy[]
    }
  | {
      readonly kind: 'inconsistent-topic'
      readonly topic: string
      readonly writer: EntityGuid
      readonly reader: EntityGuid
    }
