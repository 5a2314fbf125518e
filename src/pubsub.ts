export { InstanceState } from './cache/instance.js'
export { type CaughtError, diagnosticsChannels } from './core/diagnostics.js'
export { type ErrorCode, NumacastError } from './core/errors.js'
export type { EntityGuid, Guid, Token } from './core/ids.js'
export type { Subscription } from './core/listeners.js'
export type { Logger } from './core/logger.js'
export { DropPolicy } from './core/mailbox.js'
export type { LivelinessOptions } from './liveliness/liveliness-options.js'
export { DegradedReason, type ObserverHealth } from './liveliness/observer-health.js'
export type { PhiOptions } from './liveliness/phi-accrual.js'
export { isReliable, Liveliness, LivelinessCause, type Verdict, VerdictEvidence } from './liveliness/verdict.js'
export { Relay, type RelayOptions } from './pubsub/endpoints/relay.js'
export { builtinTopics, type ParticipantRow, type ReaderRow, type WriterRow } from './pubsub/model/builtin-topics.js'
export type { EventStreamOptions } from './pubsub/model/event-stream.js'
export {
  type HealthEvent,
  type IncompatibleQosEvent,
  type InconsistentTopicEvent,
  LostReason,
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
export { defineTopic, type Topic, type TopicOptions } from './pubsub/model/topic.js'
export { joinDomain, Participant } from './pubsub/participant.js'
export type { ParticipantComponents } from './pubsub/participant-components.js'
export type { JoinOptions, ParticipantOptions } from './pubsub/participant-options.js'
export type { ReadOptions } from './pubsub/reader/read-options.js'
export { type NextOptions, Reader, type WriterLag } from './pubsub/reader/reader.js'
export { defaultReaderOptions, type ReaderOptions } from './pubsub/reader/reader-options.js'
export { Writer } from './pubsub/writer/writer.js'
export type { WriterOptions } from './pubsub/writer/writer-options.js'
export type { AnnouncedQos, AnnouncedWriterQos } from './qos/announced.js'
export type { ReaderDataLifecycle, WriterDataLifecycle } from './qos/data-lifecycle.js'
export type { IncompatiblePolicy } from './qos/match.js'
export { DestinationOrder, Durability, History, LivelinessKind, Ownership, Reliability } from './qos/policies.js'
export { defaultQos, type QosOptions, type ResolvedQos } from './qos/qos.js'
export type { ResourceLimits } from './qos/resource-limits.js'
export { InterfaceKind } from './transport/interfaces/interface-facts.js'
export { InterfaceUse, type RankedInterface } from './transport/interfaces/interface-rank.js'
export { type ReadInterfacesOptions, readInterfaces } from './transport/interfaces/interfaces.js'
export { Range } from './transport/lane/range.js'
