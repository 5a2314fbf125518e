import { WorkerFlag } from '../../views/snapshot/worker-columns.js'

/** Why a worker is no candidate, in the order in which the filters run. */
export const RefusalReason = {
  /** It does not have the capability, in this very version. */
  noCapability: 'no-capability',
  tagMismatch: 'tag-mismatch',
  /** A required label condition is not met, or a forbidden one is. */
  selectorMismatch: 'selector-mismatch',
  /** It has a taint that the request does not tolerate. */
  taint: 'taint',
  /** It does not take from the request's queue. */
  queueMismatch: 'queue-mismatch',
  /** What it offers is not known yet. */
  noProfile: 'no-profile',
  notAlive: 'not-alive',
  /** It has declared itself unfit. */
  unhealthy: 'unhealthy',
  /** It is alive again, but not for long enough to be relied on. */
  onProbation: 'on-probation',
  draining: 'draining',
  /** A `pause-node` intent holds for its node, or for all. */
  paused: 'paused',
  /** Maintenance mode holds for it, its node, or all. */
  cordoned: 'cordoned',
  /** A `rebalance` or `throttle-queue` intent, or configuration of its node, leaves it no more jobs at once. */
  throttled: 'throttled',
  /** It admits nothing at the moment, by its own word. */
  admissionClosed: 'admission-closed',
  /** It runs as much as it takes at once, or its budget of device memory is used up. */
  saturated: 'saturated',
  /** It admits by device memory, and the request does not state how much it needs. */
  missingVramHint: 'missing-vram-hint',
  /** The request is larger than everything that the worker, or a zone of it, has. */
  tooLarge: 'too-large',
  /** Not enough CPU or memory is free. */
  noHeadroom: 'no-headroom',
  /** Nothing is known of the zone, so the request cannot be measured against it. */
  headroomUnknown: 'headroom-unknown',
} as const
export type RefusalReason = (typeof RefusalReason)[keyof typeof RefusalReason]

/**
 * One bit per reason, so that all reasons of a worker are one number. What is a flag of the row has the flag's own bit.
 * A dead worker and a stalled one share their reason, but not their bit.
 */
export const refusalBit = {
  noProfile: WorkerFlag.noProfile,
  notAlive: WorkerFlag.notAlive,
  dead: WorkerFlag.dead,
  unhealthy: WorkerFlag.unhealthy,
  draining: WorkerFlag.draining,
  cordoned: WorkerFlag.cordoned,
  admissionClosed: WorkerFlag.admissionClosed,
  noCapability: 1 << 11,
  tagMismatch: 1 << 12,
  selectorMismatch: 1 << 13,
  taint: 1 << 14,
  queueMismatch: 1 << 15,
  onProbation: 1 << 16,
  paused: 1 << 17,
  throttled: 1 << 18,
  saturated: 1 << 19,
  missingVramHint: 1 << 20,
  tooLarge: 1 << 21,
  noHeadroom: 1 << 22,
  headroomUnknown: 1 << 23,
} as const

/** The flags of a row that refuse it as they are. */
export const refusingFlags =
  WorkerFlag.noProfile |
  WorkerFlag.notAlive |
  WorkerFlag.dead |
  WorkerFlag.unhealthy |
  WorkerFlag.draining |
  WorkerFlag.cordoned |
  WorkerFlag.admissionClosed

/** Reasons that do not end by waiting: another request, another worker or an operator is needed. */
export const lastingBits =
  refusalBit.noCapability |
  refusalBit.tagMismatch |
  refusalBit.selectorMismatch |
  refusalBit.taint |
  refusalBit.queueMismatch |
  refusalBit.dead |
  refusalBit.draining |
  refusalBit.cordoned |
  refusalBit.missingVramHint |
  refusalBit.tooLarge

const inOrder: readonly (readonly [bits: number, reason: RefusalReason])[] = [
  [refusalBit.noCapability, RefusalReason.noCapability],
  [refusalBit.tagMismatch, RefusalReason.tagMismatch],
  [refusalBit.selectorMismatch, RefusalReason.selectorMismatch],
  [refusalBit.taint, RefusalReason.taint],
  [refusalBit.queueMismatch, RefusalReason.queueMismatch],
  [refusalBit.noProfile, RefusalReason.noProfile],
  [refusalBit.notAlive | refusalBit.dead, RefusalReason.notAlive],
  [refusalBit.unhealthy, RefusalReason.unhealthy],
  [refusalBit.onProbation, RefusalReason.onProbation],
  [refusalBit.draining, RefusalReason.draining],
  [refusalBit.paused, RefusalReason.paused],
  [refusalBit.cordoned, RefusalReason.cordoned],
  [refusalBit.throttled, RefusalReason.throttled],
  [refusalBit.admissionClosed, RefusalReason.admissionClosed],
  [refusalBit.saturated, RefusalReason.saturated],
  [refusalBit.missingVramHint, RefusalReason.missingVramHint],
  [refusalBit.tooLarge, RefusalReason.tooLarge],
  [refusalBit.noHeadroom, RefusalReason.noHeadroom],
  [refusalBit.headroomUnknown, RefusalReason.headroomUnknown],
]

/** The reasons that a mask of refusal bits stands for, in the order of the filters. */
export function reasonsOf(mask: number): readonly RefusalReason[] {
  return Object.freeze(inOrder.filter(([bits]) => (mask & bits) !== 0).map(([, reason]) => reason))
}
