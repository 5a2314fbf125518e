import type { EntityGuid } from '../../core/ids.js'
import type { ObserverHealth } from '../../liveliness/observer-health.js'
import type { Verdict } from '../../liveliness/verdict.js'
import type { IncompatiblePolicy } from '../../qos/match.js'
import type { Peer } from './peer.js'

/** What happens to the other participants, as seen from here. */
export type PeerEvent =
  /** Its descriptor is known. */
  | { readonly kind: 'joined'; readonly peer: Peer }
  | { readonly kind: 'liveliness-changed'; readonly peer: Peer; readonly before: Verdict }
  /** Its report on whether it receives this participant's multicast has changed: see {@link Peer.receivesFromUs}. */
  | { readonly kind: 'reception-changed'; readonly peer: Peer }
  /**
   * The peer is forgotten after this. It is dead, for the verdict's cause; or, with its last verdict, it no longer shares a
   * partition with this participant, or it was unreachable for too long.
   */
  | { readonly kind: 'left'; readonly peer: Peer }

/** How far the participant trusts its own verdicts has changed. It clears by itself. */
export interface HealthEvent {
  /** `degraded` also when only the reason is another. */
  readonly kind: 'degraded' | 'recovered'
  readonly health: ObserverHealth
  readonly before: ObserverHealth
}

/** A writer and a reader that name the same topic and do not fit: reported at both, each pair once. */
export type MismatchEvent = IncompatibleQosEvent | InconsistentTopicEvent | SampleLimitEvent

export interface EndpointPair {
  readonly topic: string
  readonly writer: EntityGuid
  readonly reader: EntityGuid
}

/** The writer offers less than the reader requests. */
export interface IncompatibleQosEvent extends EndpointPair {
  readonly kind: 'incompatible-qos'
  readonly policies: readonly IncompatiblePolicy[]
}

/** Same topic name, other key fields. */
export interface InconsistentTopicEvent extends EndpointPair {
  readonly kind: 'inconsistent-topic'
}

/** The pair is matched, but the writer's topic allows longer values than the reader accepts: it rejects those. */
export interface SampleLimitEvent extends EndpointPair {
  readonly kind: 'sample-limit'
  /** `maxSampleBytes` of each. */
  readonly writerBytes: number
  readonly readerBytes: number
}

/** What happens to a writer: the DDS statuses of a DataWriter. Totals count from its making. */
export type WriterEvent =
  | MatchedEvent<'publication-matched', { readonly reader: EntityGuid }>
  /** The instance did not change within the writer's own `deadlineMs`. Repeated for each further period. */
  | { readonly kind: 'offered-deadline-missed'; readonly key: string; readonly totalCount: number }
  | CountedEvent<IncompatibleQosEvent>
  | CountedEvent<InconsistentTopicEvent>
  | CountedEvent<SampleLimitEvent>
  /** A manual writer neither wrote nor asserted itself within its own `leaseMs`: its readers count it as not alive. */
  | { readonly kind: 'liveliness-lost'; readonly totalCount: number }

/** What happens to a reader: the DDS statuses of a DataReader. Totals count from its making. */
export type ReaderEvent =
  | MatchedEvent<'subscription-matched', { readonly writer: EntityGuid }>
  | {
      readonly kind: 'liveliness-changed'
      readonly writer: EntityGuid
      readonly isAlive: boolean
      /** Matched writers that are alive, and that are not. */
      readonly aliveCount: number
      readonly notAliveCount: number
    }
  /** The instance did not change within the reader's own `deadlineMs`. Repeated for each further period. */
  | { readonly kind: 'requested-deadline-missed'; readonly key: string; readonly totalCount: number }
  | CountedEvent<IncompatibleQosEvent>
  | CountedEvent<InconsistentTopicEvent>
  | CountedEvent<SampleLimitEvent>
  /** Changes that were never handed out and will not be; of `lostCount` numbers some may not have been values. */
  | {
      readonly kind: 'sample-lost'
      readonly writer: EntityGuid
      readonly reason: LostReason
      readonly lostCount: number
      readonly totalCount: number
    }
  /** A change that arrived and was refused. What was held before stays. */
  | {
      readonly kind: 'sample-rejected'
      readonly writer: EntityGuid
      readonly key: string
      readonly reason: RejectedReason
      /** For people. */
      readonly detail: string
      readonly totalCount: number
    }

/** Why a reader will not hand out some changes. */
export const LostReason = {
  /** Best effort: never received, and not requested. */
  gap: 'gap',
  /** A reader with a history: their writer had replaced them by newer ones before they were sent, or sent again. */
  overwritten: 'overwritten',
  /** Announced or missed, and not here when the writer left: they cannot be requested. Some may have been overwritten. */
  writerGone: 'writer-gone',
  /** An iteration was slower than its mailbox is large. */
  mailbox: 'mailbox',
  /** A reader with a history: the instance was purged before they were read. */
  purged: 'purged',
} as const
export type LostReason = (typeof LostReason)[keyof typeof LostReason]

/**
 * Why a reader refused a change. A reliable reader stops where a limit is in the way, and takes the rest from the
 * writer once there is room.
 */
export const RejectedReason = {
  instancesLimit: 'instances-limit',
  samplesLimit: 'samples-limit',
  samplesPerInstanceLimit: 'samples-per-instance-limit',
  /** The topic's schema. */
  schema: 'schema',
  /** It does not follow the wire format. */
  malformed: 'malformed',
  /** Longer than the topic's `maxSampleBytes`, as the reader knows it. */
  tooLarge: 'too-large',
  /** The reader's filter threw. */
  filter: 'filter',
} as const
export type RejectedReason = (typeof RejectedReason)[keyof typeof RejectedReason]

export type MatchedEvent<Kind extends string, Other extends object> = Other & {
  readonly kind: Kind
  /** False when the match has ended. */
  readonly isMatched: boolean
  readonly currentCount: number
  /** Matches ever made. */
  readonly totalCount: number
}

/** With how often that has happened to this endpoint. */
export type CountedEvent<Event> = Event & { readonly totalCount: number }
