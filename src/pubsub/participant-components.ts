import type { Random } from '../core/random.js'
import type { Clock } from '../core/time/clock.js'
import type { NameResolver } from '../discovery/name-resolver.js'
import type { ProcessReading } from '../liveliness/process-reading.js'
import type { Transport } from '../transport/lane/transport.js'
import type { ProcessIdentity } from '../wire/descriptor.js'

/** What a participant stands on; each is made for real unless a test brings its own. */
export interface ParticipantComponents {
  readonly clock?: Clock
  /** Closed together with the participant. */
  readonly transport?: Transport
  readonly random?: Random
  readonly identity?: ProcessIdentity
  /**
   * Reads from the kernel how a process of this host is, in any PID namespace.
   * @default kernelProbe: `/proc`, for processes of this PID namespace and of those below it
   */
  readonly probe?: (identity: ProcessIdentity) => ProcessReading
  /**
   * Returns how this process differs from `identity`, as a restored process does; null while it does not.
   * @default ownProcessCheck; no check of an `identity` that a test brings
   */
  readonly checkOwnProcess?: () => string | null
  /** Finds the addresses of listed peers. @default systemResolver */
  readonly resolve?: NameResolver
}
