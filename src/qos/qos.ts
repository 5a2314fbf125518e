import {
  defaultReaderDataLifecycle,
  defaultWriterDataLifecycle,
  type ReaderDataLifecycle,
  type WriterDataLifecycle,
} from './data-lifecycle.js'
import { DestinationOrder, Durability, History, LivelinessKind, Ownership, Reliability } from './policies.js'
import { defaultResourceLimits, type ResourceLimits } from './resource-limits.js'

/**
 * Quality of service, named as in OMG DDS 1.4. A topic sets it; a writer or a reader may override it, policy by policy.
 * docs/qos.md explains each policy and why some defaults are not DDS's.
 */
export interface ResolvedQos {
  /** Whether gaps are repaired. @default 'reliable' (DDS: best-effort for readers; here nothing is lost silently) */
  readonly reliability: Reliability
  /** Whether a late joiner gets what the writer holds. @default 'transient-local' (DDS: volatile) */
  readonly durability: Durability
  /** @default 'keep-last' */
  readonly history: History
  /** Changes kept per instance under keep-last; at 1 the writer conflates. Without effect under keep-all. @default 1 */
  readonly historyDepth: number
  /** Each instance changes at least this often; null: no promise. @default null */
  readonly deadlineMs: number | null
  /** @default 'automatic' */
  readonly liveliness: LivelinessKind
  /** A writer that gives no sign of life for longer is not alive; null: only its process decides. @default null */
  readonly leaseMs: number | null
  /** @default 'shared' */
  readonly ownership: Ownership
  /** Writer, exclusive ownership: of those alive the highest wins. −2³¹ … 2³¹−1. @default 0 */
  readonly ownershipStrength: number
  /** @default 'by-reception' */
  readonly destinationOrder: DestinationOrder
  /** A change expires at this age: its owner and its relays drop it; null: never. @default null */
  readonly lifespanMs: number | null
  /** How long a writer may hold a change back to fill a batch; 0: until the end of the current tick. @default 0 */
  readonly latencyBudgetMs: number
  /** Reader: takes at most one change per instance in this time; 0: every one. @default 0 */
  readonly timeBasedFilterMs: number
  readonly resourceLimits: ResourceLimits
  readonly writerDataLifecycle: WriterDataLifecycle
  readonly readerDataLifecycle: ReaderDataLifecycle
}

export type QosGroup = 'resourceLimits' | 'writerDataLifecycle' | 'readerDataLifecycle'

/** Any part of {@link ResolvedQos}; what is left out comes from the layer below, key by key. */
export type QosOptions = Partial<Omit<ResolvedQos, QosGroup>> & { readonly [P in QosGroup]?: Partial<ResolvedQos[P]> }

export const defaultQos: ResolvedQos = Object.freeze({
  reliability: Reliability.reliable,
  durability: Durability.transientLocal,
  history: History.keepLast,
  historyDepth: 1,
  deadlineMs: null,
  liveliness: LivelinessKind.automatic,
  leaseMs: null,
  ownership: Ownership.shared,
  ownershipStrength: 0,
  destinationOrder: DestinationOrder.byReception,
  lifespanMs: null,
  latencyBudgetMs: 0,
  timeBasedFilterMs: 0,
  resourceLimits: defaultResourceLimits,
  writerDataLifecycle: defaultWriterDataLifecycle,
  readerDataLifecycle: defaultReaderDataLifecycle,
})
