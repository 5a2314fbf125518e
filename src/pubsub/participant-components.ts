import type { Clock } from '../core/clock.js'
import type { Random } from '../core/random.js'
import type { ProcessProbe } from '../liveliness/verdict.js'
import type { Transport } from '../transport/transport.js'
import type { ProcessIdentity } from '../wire/descriptor.js'

/** What a participant stands on; each is made for real unless a test brings its own. */
export interface ParticipantComponents {
  readonly clock?: Clock
  /** Closed together with the participant. */
  readonly transport?: Transport
  readonly random?: Random
  readonly identity?: ProcessIdentity
  /** What the kernel says of a process of this host and PID namespace. */
  readonly probe?: (identity: ProcessIdentity) => ProcessProbe
}
