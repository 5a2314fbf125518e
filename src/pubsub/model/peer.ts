import type { Guid } from '../../core/ids.js'
import type { Verdict } from '../../liveliness/verdict.js'
import type { ProcessIdentity, Properties } from '../../wire/descriptor.js'

/** Another participant, as its descriptor and its beacons show it. */
export interface Peer {
  readonly guid: Guid
  readonly incarnation: number
  readonly name: string
  readonly identity: ProcessIdentity
  readonly properties: Properties
  readonly verdict: Verdict
  /** Monotonic time of the last frame from it. */
  readonly lastReceivedMs: number
  /** The longest that its main loop was late before its last beacon. */
  readonly loopDelayMs: number
  /** Work that it has completed, by its own count; wraps at 2³². */
  readonly progress: number
  /** Monotonic time at which that count was last seen to rise; null until it has. */
  readonly progressedMs: number | null
  /**
   * Whether it has reported that it receives this participant's multicast; null: no report yet. While it does not,
   * this participant repeats a hello over the stream lane, so changes still arrive.
   */
  readonly receivesFromUs: boolean | null
}
