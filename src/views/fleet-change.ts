import type { IntentKind, ReceivedIntent } from '../plane/intents/intents.js'
import type { IntentStatus } from '../plane/intents/transitions.js'
import type { ModeChange } from './freshness/mode-watch.js'
import type { LivelinessChange } from './status/liveliness-history.js'
import type { WorkerStatus } from './status/status-document.js'

/** What has changed. `status()` has the rest. */
export type FleetChange =
  | {
      readonly kind: 'worker'
      readonly workerId: string
      readonly before?: WorkerStatus
      readonly after?: WorkerStatus
    }
  /** Every change of a worker's liveliness, including a change that the next one has replaced already. */
  | ({ readonly kind: 'liveliness' } & LivelinessChange)
  | { readonly kind: 'node'; readonly key: string }
  /** What other participants report of workers without a collector, or of absent nodes; see `witness()`. */
  | { readonly kind: 'witness' }
  /** The view serves less, or more, than before. `before` is null the first time. */
  | ({ readonly kind: 'mode' } & ModeChange)
  /** Without a claim: what held for the target has been withdrawn or has expired. */
  | {
      readonly kind: 'intent'
      readonly intentKind: IntentKind
      readonly target: string
      readonly claim?: ReceivedIntent
    }
  | { readonly kind: 'intent-status'; readonly status: IntentStatus }
