export { type ErrorCode, NumacastError } from './core/errors.js'
export { type CaughtError, diagnosticsChannels } from './core/reporting/diagnostics.js'
export type { Subscription } from './core/reporting/listeners.js'
export type { Logger } from './core/reporting/logger.js'
export { isReliable, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from './liveliness/verdict.js'
export { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from './plane/intents/config.js'
export {
  type Intent,
  IntentKind,
  type IntentOf,
  type IntentTerms,
  type IntentValues,
  intentTopics,
  maxIntentEpoch,
  maxIntentTtlMs,
  type ReceivedIntent,
} from './plane/intents/intents.js'
export { type IntentStatus, intentStatus, Transition } from './plane/intents/transitions.js'
export { type NodeCapacity, nodeCapacity, type WorkerTotals } from './plane/node/node-capacity.js'
export { nodeRoster, type Predecessor, type RosterRow } from './plane/node/node-roster.js'
export { type Offer, type OfferAnswer, placementAnswer, placementOffer } from './plane/placement/offer.js'
export { maxReservationTtlMs, type PublishedReservation, placementReservation } from './plane/placement/reservation.js'
export { JobEviction, type LedgerEntry, type LedgerRun, ledgerEntry } from './plane/scheduler/ledger-entry.js'
export { type LedgerState, ledgerState } from './plane/scheduler/ledger-state.js'
export { type SchedulerState, schedulerState } from './plane/scheduler/scheduler-state.js'
export { MachineLabel } from './plane/vocabulary/machine-labels.js'
export { downPartition, ledgerPartition, planePartition, upPartition } from './plane/vocabulary/partitions.js'
export { type Taint, TaintEffect, type TaintEffectText, type TaintText } from './plane/vocabulary/taint.js'
export {
  allTargets,
  type NamedNode,
  type NodeIdentity,
  nodeName,
  nodesNamed,
  nodeTarget,
  shownTarget,
} from './plane/vocabulary/targets.js'
export {
  JobEvent,
  type JobIdentity,
  type JobLifecycle,
  jobKey,
  jobLifecycle,
  ReportedJobState,
} from './plane/worker/job-lifecycle.js'
export { type WorkerCapacity, workerCapacity } from './plane/worker/worker-capacity.js'
export { type WorkerClaim, workerClaim } from './plane/worker/worker-claim.js'
export { type WorkerEnd, workerEnd, workerEndRetentionMs } from './plane/worker/worker-end.js'
export { type AdmissionStrategy, type PublishedProfile, workerProfile } from './plane/worker/worker-profile.js'
export { type AppliedIntent, WorkerCondition, type WorkerState, workerState } from './plane/worker/worker-state.js'
export { Collector, type CollectorComponents } from './roles/collector/collector.js'
export { type CollectorOptions, defaultCollectorOptions } from './roles/collector/collector-options.js'
export {
  type DrainOptions,
  Fleet,
  type NamedJobRun,
  openFleet,
  type ResumeOptions,
  type WorkerDeath,
} from './roles/fleet/fleet.js'
export type { FleetOptions } from './roles/fleet/fleet-options.js'
export type { IntentResult } from './roles/fleet/intent-result.js'
export {
  IntentIssuer,
  type IntentIssuerOptions,
  type IssuedIntent,
  type IssueOptions,
} from './roles/intents/intent-issuer.js'
export type { HostServiceComponents } from './roles/node/host-service.js'
export type { KernelWatchComponents, WatchProcess } from './roles/node/kernel-watch.js'
export type { ZoneReading, ZoneReadings } from './roles/node/readings/zone-readings.js'
export type { OfferOutcome } from './roles/placement/offer-client.js'
export type { PlaceOptions } from './roles/placement/place-options.js'
export type { PassedOver, PlacedJob, PlaceResult } from './roles/placement/placed-job.js'
export { type Withholding, WithholdReason } from './roles/scheduler/capacity-guard.js'
export type { WithheldIntents } from './roles/scheduler/decider.js'
export { Scheduler, type SchedulerComponents } from './roles/scheduler/scheduler.js'
export { defaultSchedulerOptions, type SchedulerOptions } from './roles/scheduler/scheduler-options.js'
export type { DomainComponents, DomainOptions } from './roles/shared/enter-domain.js'
export { type Admission, AdmissionCode, type ClosedAdmission } from './roles/worker/admission.js'
export { HealthAspect } from './roles/worker/health/health-bounds.js'
export {
  defaultHealthOptions,
  type HealthCheck,
  type HealthOptions,
  type ResolvedHealth,
} from './roles/worker/health/health-options.js'
export type { HealthProblem } from './roles/worker/health/worker-health.js'
export {
  type BeginOptions,
  type FailOptions,
  type JobWork,
  type RetryOptions,
  RunningJob,
} from './roles/worker/jobs/running-job.js'
export {
  type DecideOffer,
  type JobOffer,
  type OfferDecision,
  type OfferLoad,
  type ReactiveAdmission,
  reactive,
} from './roles/worker/offers/job-offer.js'
export type { WorkerEngineComponents } from './roles/worker/open-worker-engine.js'
export type { ProfileOptions, ProfileUpdate } from './roles/worker/profile-options.js'
export type { MachineFacts } from './roles/worker/readings/machine-facts.js'
export type { WorkerReading, WorkerReadings } from './roles/worker/readings/worker-readings.js'
export {
  defaultResourceSlots,
  type ResolvedResourceSlots,
  type ResourceConcurrency,
  type ResourceSlotOptions,
  resources,
} from './roles/worker/slots/resource-slots.js'
export { type Slot, SlotState } from './roles/worker/slots/slot.js'
export { vramBudget } from './roles/worker/slots/vram-budget.js'
export { type RunOptions, Worker, type WorkerComponents } from './roles/worker/worker.js'
export type { WorkerDirectives } from './roles/worker/worker-directives.js'
export {
  type CloseOptions,
  defaultWorkerOptions,
  type SlotOptions,
  WhenReplaced,
  type WorkerOptions,
} from './roles/worker/worker-options.js'
export { Range } from './transport/lane/range.js'
export type { FleetChange } from './views/fleet-change.js'
export type { ChangesOptions, FleetUpdate } from './views/fleet-changes.js'
export type { FleetCounters, FleetDiagnostics } from './views/fleet-diagnostics.js'
export type { FleetRead } from './views/fleet-reads.js'
export type { FleetView } from './views/fleet-view.js'
export type { FleetViewOptions } from './views/fleet-view-options.js'
export { DegradedMode, Freshness } from './views/freshness/freshness.js'
export { FreshnessError } from './views/freshness/freshness-error.js'
export type { ModeChange } from './views/freshness/mode-watch.js'
export type { OwnerLag, OwnerRef } from './views/freshness/owner-lag.js'
export type { AskedFreshness, FleetReadOptions } from './views/freshness/read-options.js'
export { type MissingOwner, MissingReason, type ReadWitness } from './views/freshness/read-witness.js'
export { type ReadRefusal, RefusalReason } from './views/freshness/refusals.js'
export type { FollowOptions, IntentProgress } from './views/intent-progress.js'
export {
  type EndOfProcess,
  type JobFilter,
  JobLedger,
  type JobLedgerChanges,
  JobMissing,
  type WorkerProcessKey,
} from './views/jobs/job-ledger.js'
export {
  defaultJobLedgerOptions,
  type JobLedgerOptions,
  type ResolvedJobLedgerOptions,
} from './views/jobs/job-ledger-options.js'
export type { JobRecord } from './views/jobs/job-record.js'
export { type JobRun, JobState, type ProcessEnd } from './views/jobs/job-run.js'
export type { ReportedNode } from './views/rows/reported-problems.js'
export { UnplacedReason, type UnplacedWorker } from './views/rows/unplaced-worker.js'
export type { LivelinessChange, LivelinessState, WorkerProcess } from './views/status/liveliness-history.js'
export type {
  CapacityStatus,
  IntentReport,
  NodeStatus,
  ProfileStatus,
  StatusDocument,
  WorkerStatus,
} from './views/status/status-document.js'
export { type ViewConsistency, ViewMode } from './views/status/view-consistency.js'
export { FateUnknown, type WorkerFate } from './views/status/worker-fate.js'
export { compareTokens, mergeTokens, TokenOrder, tokenOf } from './views/token/view-token.js'
export { type FetchedWorker, type FetchWorkerOptions, LookupReason, type WorkerLookup } from './views/worker-lookup.js'
