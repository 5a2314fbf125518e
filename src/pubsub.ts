export { InstanceState } from './cache/instance.js'
export type { CatchUpState } from './cache/writer-progress.js'
export type { WaitOptions } from './core/abort.js'
export { type ErrorCode, NumacastError, type NumacastErrorOptions } from './core/errors.js'
export type { EntityGuid, EntityId, Guid, Seq, Token } from './core/ids.js'
export { DropPolicy } from './core/mailbox.js'
export type { Random } from './core/random.js'
export type { Counters } from './core/reporting/counters.js'
export { type CaughtError, diagnosticsChannels } from './core/reporting/diagnostics.js'
export type { ErrorReporter, ErrorReporterOptions } from './core/reporting/error-reporter.js'
export type { Subscription } from './core/reporting/listeners.js'
export type { Logger } from './core/reporting/logger.js'
export type { Clock, Timer } from './core/time/clock.js'
export type { NameResolver } from './discovery/name-resolver.js'
export type { LivelinessOptions } from './liveliness/liveliness-options.js'
export { DegradedReason, type ObserverHealth } from './liveliness/observer-health.js'
export type { PhiOptions } from './liveliness/phi-accrual.js'
export type { ProcessEnd, ProcessProbe, ProcessReading } from './liveliness/process-reading.js'
export { isReliable, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from './liveliness/verdict.js'
export { Relay, type RelayOptions } from './pubsub/endpoints/relay.js'
export {
  builtinTopics,
  type EndpointRow,
  type ParticipantRow,
  type ReaderRow,
  type WriterRow,
} from './pubsub/model/builtin-topics.js'
export type { EventStreamOptions } from './pubsub/model/event-stream.js'
export {
  type CountedEvent,
  type EndpointPair,
  type HealthEvent,
  type IncompatibleQosEvent,
  type InconsistentTopicEvent,
  LostReason,
  type MatchedEvent,
  type MismatchEvent,
  type PeerEvent,
  type ReaderEvent,
  RejectedReason,
  type SampleLimitEvent,
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
export {
  defineTopic,
  type FieldOf,
  type Lane,
  type SchemaResult,
  type StandardSchema,
  type Topic,
  type TopicOptions,
} from './pubsub/model/topic.js'
export { joinDomain, Participant, type ProcessFact } from './pubsub/participant.js'
export type { ParticipantComponents } from './pubsub/participant-components.js'
export type { JoinOptions, ParticipantOptions } from './pubsub/participant-options.js'
export type { CatchUpCounts } from './pubsub/reader/catch-up-record.js'
export type { ReadOptions } from './pubsub/reader/read-options.js'
export { type NextOptions, Reader, type WriterLag } from './pubsub/reader/reader.js'
export { defaultReaderOptions, type ReaderOptions } from './pubsub/reader/reader-options.js'
export { Writer } from './pubsub/writer/writer.js'
export type { WriterOptions } from './pubsub/writer/writer-options.js'
export type { AnnouncedQos, AnnouncedWriterQos } from './qos/announced.js'
export type { ReaderDataLifecycle, WriterDataLifecycle } from './qos/data-lifecycle.js'
export type { IncompatiblePolicy } from './qos/match.js'
export { DestinationOrder, Durability, History, LivelinessKind, Ownership, Reliability } from './qos/policies.js'
export { defaultQos, type QosGroup, type QosOptions, type ResolvedQos } from './qos/qos.js'
export type { ResourceLimits } from './qos/resource-limits.js'
export {
  type InterfaceAddress,
  type InterfaceFacts,
  type InterfaceFactsOptions,
  InterfaceKind,
} from './transport/interfaces/interface-facts.js'
export { InterfaceUse, type RankedInterface } from './transport/interfaces/interface-rank.js'
export { type ReadInterfacesOptions, readInterfaces } from './transport/interfaces/interfaces.js'
export type { OsInterfaces } from './transport/lane/os-interfaces.js'
export { Range } from './transport/lane/range.js'
export type {
  DatagramLane,
  FrameHandler,
  FrameSource,
  Group,
  Rendezvous,
  RequestOptions,
  StreamLane,
  Transport,
} from './transport/lane/transport.js'
export type { Descriptor, ProcessIdentity, Properties, ReaderInfo, WriterInfo } from './wire/descriptor.js'
export { CatchUpAction } from './wire/pull.js'
