export { InstanceState } from './cache/instance.js'
export { type ErrorCode, NumacastError } from './core/errors.js'
export type { EntityGuid, Guid, Token } from './core/ids.js'
export type { Subscription } from './core/listeners.js'
export { DropPolicy } from './core/mailbox.js'
export type { LivelinessOptions } from './liveliness/liveliness-options.js'
export { DegradedReason, type ObserverHealth } from './liveliness/observer-health.js'
export type { PhiOptions } from './liveliness/phi-accrual.js'
export { isReliable, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from './liveliness/verdict.js'
export {
  defaultMemoryPressureOptions,
  type MemoryPressureOptions,
  memoryPressurePolicy,
} from './placement/memory-pressure.js'
export type { Decision, Policy, WantedIntent } from './placement/policy.js'
export { concurrencyLimit, maintenanceMode, priorityWeights, rollingDrain } from './plane/config.js'
export {
  type Intent,
  IntentKind,
  type IntentOf,
  type IntentTerms,
  intentTopics,
  maxIntentTtlMs,
  type ReceivedIntent,
} from './plane/intents.js'
export { JobEvent, type JobLifecycle, jobLifecycle } from './plane/job-lifecycle.js'
export { type NodeCapacity, nodeCapacity, type WorkerTotals } from './plane/node-capacity.js'
export { nodeRoster, type Predecessor, type RosterRow } from './plane/node-roster.js'
export { downPartition, planePartition, upPartition } from './plane/partitions.js'
export { everyone, nodeTarget } from './plane/targets.js'
export { type IntentStatus, intentStatus, Transition } from './plane/transitions.js'
export { type WorkerCapacity, workerCapacity } from './plane/worker-capacity.js'
export { type WorkerClaim, workerClaim } from './plane/worker-claim.js'
export { type AppliedIntent, type Taint, WorkerCondition, type WorkerState, workerState } from './plane/worker-state.js'
export { Relay, type RelayOptions } from './pubsub/endpoints/relay.js'
export { builtinTopics, type ParticipantRow, type ReaderRow, type WriterRow } from './pubsub/model/builtin-topics.js'
export {
  type HealthEvent,
  type IncompatibleQosEvent,
  type InconsistentTopicEvent,
  LostReason,
  type MismatchEvent,
  type PeerEvent,
  type ReaderEvent,
  RejectedReason,
  type WriterEvent,
} from './pubsub/model/events.js'
export type { Peer } from './pubsub/model/peer.js'
export {
  type EndSample,
  type Sample,
  type SampleInfo,
  SampleState,
  type ValueSample,
  ViewState,
} from './pubsub/model/sample.js'
export { defineTopic, type Topic, type TopicOptions } from './pubsub/model/topic.js'
export { joinDomain, Participant } from './pubsub/participant.js'
export type { ParticipantComponents } from './pubsub/participant-components.js'
export type { JoinOptions, ParticipantOptions } from './pubsub/participant-options.js'
export type { ReadOptions } from './pubsub/reader/read-options.js'
export { Reader, type WriterLag } from './pubsub/reader/reader.js'
export { defaultReaderOptions, type ReaderOptions } from './pubsub/reader/reader-options.js'
export { Writer } from './pubsub/writer/writer.js'
export type { WriterOptions } from './pubsub/writer/writer-options.js'
export type { AnnouncedQos, AnnouncedWriterQos } from './qos/announced.js'
export type { ReaderDataLifecycle, WriterDataLifecycle } from './qos/data-lifecycle.js'
export type { IncompatiblePolicy } from './qos/match.js'
export { DestinationOrder, Durability, History, LivelinessKind, Ownership, Reliability } from './qos/policies.js'
export { defaultQos, type QosOptions, type ResolvedQos } from './qos/qos.js'
export type { ResourceLimits } from './qos/resource-limits.js'
export { Collector, type CollectorComponents } from './roles/collector/collector.js'
export { type CollectorOptions, defaultCollectorOptions } from './roles/collector/collector-options.js'
export {
  IntentIssuer,
  type IntentIssuerOptions,
  type IssuedIntent,
  type IssueOptions,
} from './roles/intents/intent-issuer.js'
export { Scheduler, type SchedulerComponents } from './roles/scheduler/scheduler.js'
export { defaultSchedulerOptions, type SchedulerOptions } from './roles/scheduler/scheduler-options.js'
export type { Admission } from './roles/worker/admission.js'
export {
  type AdmittedOptions,
  type CloseOptions,
  type RunOptions,
  Worker,
  type WorkerComponents,
} from './roles/worker/worker.js'
export { defaultWorkerOptions, WhenReplaced, type WorkerOptions } from './roles/worker/worker-options.js'
export { type AddonStatus, addonStatus } from './topology/addon/addon.js'
export { type CgroupEvents, type CgroupEventsTarget, watchCgroupEvents } from './topology/cgroup/cgroup-events-watch.js'
export { type HeadroomOptions, readHeadroom } from './topology/cgroup/headroom.js'
export { type HeadroomSample, type SampleField, sampleFields } from './topology/cgroup/headroom-sample.js'
export {
  HeadroomSampler,
  type HeadroomSamplerOptions,
  openHeadroomSampler,
} from './topology/cgroup/headroom-sampler.js'
export { type PressureEvent, type PressureTrigger, watchPressure } from './topology/cgroup/pressure-watch.js'
export type {
  CgroupPlace,
  CpuHeadroom,
  Headroom,
  MemoryHeadroom,
  MemoryLevel,
  Pressure,
  PressureLine,
} from './topology/model/cgroup-headroom.js'
export { type Limit, limitValue, type UnknownReason } from './topology/model/limit.js'
export type { Hugepages, NumaDistances, NumaNode, Topology } from './topology/model/numa-topology.js'
export type { ProcessState } from './topology/model/process-stat.js'
export type { ReadingWarning } from './topology/model/reading-warning.js'
export type { Watch, WatchStatus } from './topology/model/watch.js'
export {
  currentCpu,
  currentNode,
  getAffinity,
  type MemoryPolicy,
  type PlacementResult,
  pinToNode,
  setAffinity,
  setMempolicy,
} from './topology/numa/placement.js'
export { readTopology, type TopologyOptions } from './topology/numa/topology.js'
export {
  type Location,
  LocationFailure,
  type NamespacedProcess,
  ProcessLocator,
} from './topology/process/process-locator.js'
export { processStartTime, readProcessState } from './topology/process/process-state.js'
export { type ProcessExit, type ProcessTarget, watchProcess } from './topology/process/process-watch.js'
export { InterfaceKind } from './transport/interfaces/interface-facts.js'
export { InterfaceUse, type RankedInterface } from './transport/interfaces/interface-rank.js'
export { type ReadInterfacesOptions, readInterfaces } from './transport/interfaces/interfaces.js'
export { Range } from './transport/lane/range.js'
export type { FleetChange } from './views/fleet-change.js'
export { FleetView, type FleetViewOptions } from './views/fleet-view.js'
export type { FollowOptions, IntentProgress } from './views/intent-progress.js'
export type { LivelinessChange, LivelinessState } from './views/liveliness-history.js'
export type { IntentReport, NodeStatus, StatusDocument, WorkerStatus } from './views/status-document.js'
export { DegradedMode, Freshness, type ViewConsistency } from './views/view-consistency.js'
