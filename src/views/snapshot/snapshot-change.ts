import type { IntentKind } from '../../plane/intents/intents.js'
import type { WorkerHeadroom, WorkerLoad, WorkerProfile } from './worker-row.js'
import type { ZoneRow } from './zone-row.js'

/** An intent that holds for a target. */
export interface IntentRow {
  readonly kind: IntentKind
  readonly target: string
  /** With `throttle-queue` and `rebalance`. */
  readonly maxInFlight: number | null
  /** With `prefer-shard`. */
  readonly shards: readonly string[]
  readonly reason: string
  /** When its time to live ends, on this process's monotonic clock. */
  readonly expiresMs: number
}

/** A configuration that holds for a scope: `all`, a node's target, or a workerId. */
export type ConfigRow =
  | { readonly kind: 'maintenance-mode'; readonly scope: string; readonly enabled: boolean; readonly reason: string }
  | { readonly kind: 'concurrency-limit'; readonly scope: string; readonly maxInFlight: number }
export type ConfigKind = ConfigRow['kind']

/** One change of what a snapshot holds. What is written again takes the place of what was there. */
export type SnapshotChange =
  | { readonly kind: 'worker-load'; readonly workerId: string; readonly load: WorkerLoad }
  | { readonly kind: 'worker-profile'; readonly workerId: string; readonly profile: WorkerProfile }
  | { readonly kind: 'worker-headroom'; readonly workerId: string; readonly headroom: WorkerHeadroom }
  | { readonly kind: 'worker-removed'; readonly workerId: string }
  | { readonly kind: 'zone'; readonly zone: ZoneRow }
  | { readonly kind: 'zone-removed'; readonly bootId: string; readonly numaNode: number }
  | { readonly kind: 'intent'; readonly intent: IntentRow }
  | { readonly kind: 'intent-ended'; readonly intentKind: IntentKind; readonly target: string }
  | { readonly kind: 'config'; readonly config: ConfigRow }
  | { readonly kind: 'config-ended'; readonly configKind: ConfigKind; readonly scope: string }
