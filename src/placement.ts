export { RefusalReason } from './placement/filter/refusal.js'
export type { ReservedAtWorker, ReservedInZone, ReservedTotals } from './placement/fit/reserved-totals.js'
export {
  type CollectorLossOptions,
  collectorLossPolicy,
  defaultCollectorLossOptions,
} from './placement/policies/collector-loss.js'
export {
  type CpuShortageCause,
  type CpuShortageOptions,
  type CpuShortageState,
  cpuShortagePolicy,
  defaultCpuShortageOptions,
} from './placement/policies/cpu-shortage.js'
export { defaultPolicies } from './placement/policies/default-policies.js'
export type { Hysteresis } from './placement/policies/hysteresis.js'
export {
  defaultMemoryPressureOptions,
  type MemoryPressureOptions,
  memoryPressurePolicy,
} from './placement/policies/memory-pressure.js'
export {
  defaultMemoryStallOptions,
  type MemoryStallOptions,
  type MemoryStallState,
  memoryStallPolicy,
} from './placement/policies/memory-stall.js'
export {
  defaultMemoryTrendOptions,
  type MemoryTrendOptions,
  type MemoryTrendState,
  memoryTrendPolicy,
} from './placement/policies/memory-trend.js'
export type { MemoryUse } from './placement/policies/memory-use.js'
export { mergeWanted } from './placement/policies/merge-wanted.js'
export type { Decision, Policy, WantedIntent } from './placement/policies/policy.js'
export {
  type JointWant,
  type PolicyFailure,
  type PolicyRound,
  PolicyRunner,
} from './placement/policies/policy-runner.js'
export {
  defaultStalledLoopsOptions,
  type StalledLoopsOptions,
  type StalledLoopsState,
  stalledLoopsPolicy,
} from './placement/policies/stalled-loops.js'
export type { ZoneStates } from './placement/policies/zone-decision.js'
export {
  defaultZoneImbalanceOptions,
  type HostImbalance,
  type ZoneImbalanceOptions,
  type ZoneImbalanceState,
  zoneImbalancePolicy,
} from './placement/policies/zone-imbalance.js'
export { bandWeightsFrom, defaultBandWeights } from './placement/queue/priority-bands.js'
export {
  type PlacementOutcome,
  type Placer,
  type RequestEvent,
  type RequestReport,
  RequestState,
} from './placement/queue/queued-request.js'
export { RequestQueue } from './placement/queue/request-queue.js'
export {
  defaultRequestQueueOptions,
  type RequestQueueOptions,
  type ResolvedRequestQueueOptions,
  type SubmitOptions,
} from './placement/queue/request-queue-options.js'
export {
  type ReservedPlacement,
  SnapshotPlacer,
  type SnapshotPlacerComponents,
  type SnapshotPlacerOptions,
} from './placement/queue/snapshot-placer.js'
export { Fallback, type Placement, place, type RefusalCounts } from './placement/rank/place.js'
export { rank } from './placement/rank/rank.js'
export { defaultRankOptions, type RankOptions, type TieBreak } from './placement/rank/rank-options.js'
export type { Candidate, Ranking, Refusal } from './placement/rank/ranking.js'
export type { ZoneUse } from './placement/rank/zone-verdicts.js'
export type { LabelOperator, LabelRequirement, ResolvedRequirement } from './placement/request/label-requirement.js'
export {
  type NodeSelector,
  NumaPreference,
  type PlacementRequest,
  PlacementStrategy,
  type PreferredRequirement,
  type ResolvedRequest,
  resolveRequest,
} from './placement/request/placement-request.js'
export { mayStayMs, type Toleration } from './placement/request/tolerations.js'
export type { FreeAmounts, Reservation, ReservedZone } from './placement/reservations/reservation.js'
export {
  ReservationBook,
  type ReservationBookOptions,
  type ReserveOptions,
} from './placement/reservations/reservation-book.js'
export {
  ReservationConflict,
  type ReservationVerdicts,
  resolveConflicts,
} from './placement/reservations/reservation-conflicts.js'
export {
  type Allocation,
  type AllocationFormula,
  type AllocationPreset,
  allocationPresets,
} from './placement/score/allocation.js'
export { defaultScoreWeights, ScoreTerm, type ScoreWeights } from './placement/score/terms.js'
export { type Taint, TaintEffect } from './plane/vocabulary/taint.js'
export type { AdmissionStrategy } from './plane/worker/worker-profile.js'
export { defaultPlaceOptions } from './roles/placement/place-options.js'
export { Placements } from './roles/placement/placements.js'
export {
  type EndedReservation,
  type HoldOptions,
  ReservationEnd,
  SharedReservations,
} from './roles/placement/shared-reservations.js'
export type { PlacementSnapshot } from './views/snapshot/placement-snapshot.js'
export {
  headroomFromCapacity,
  intentRowFrom,
  loadFromRoster,
  profileFromPublished,
  type WorkerJudgement,
  zoneFromCapacity,
} from './views/snapshot/rows-from-topics.js'
export { SnapshotBuilder } from './views/snapshot/snapshot-builder.js'
export type { ConfigKind, ConfigRow, IntentRow, SnapshotChange } from './views/snapshot/snapshot-change.js'
export { recordSnapshot, restoreSnapshot } from './views/snapshot/snapshot-record.js'
export type { WorkerHeadroom, WorkerLoad, WorkerProfile, WorkerRow } from './views/snapshot/worker-row.js'
export type { ZoneRoom, ZoneRow } from './views/snapshot/zone-row.js'
export type { ZoneEntry, ZoneStanding } from './views/snapshot/zone-table.js'
