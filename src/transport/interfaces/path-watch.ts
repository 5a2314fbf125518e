import type { Clock } from '../../core/clock.js'
import type { Counters } from '../../core/counters.js'
import { errorCode } from '../../core/error-code.js'
import { RepeatingTimer } from '../../core/repeating-timer.js'
import type { NetworkPath } from '../lane/network-path.js'

/** How often the interfaces are examined. A new one is used within this. */
const intervalMs = 2_000

export interface PathWatchComponents {
  readonly clock: Clock
  readonly counters: Counters
  /** Returns the ways out of the host right now, best first. What it throws is counted; the paths stay as they are. */
  readonly read: () => readonly NetworkPath[]
  /** Called when they have changed, or when not all could be opened last time. What it rejects with is counted. */
  readonly apply: (paths: readonly NetworkPath[], change: PathChange) => Promise<void>
  /** Whether some socket could not be opened: `apply` is called again although nothing has changed. */
  readonly isIncomplete: () => boolean
}

export interface PathChange {
  readonly came: number
  readonly went: number
}

/** Examines the interfaces periodically and reports changes. A failure is counted, and the next turn tries again. */
export class PathWatch {
  readonly #components: PathWatchComponents
  readonly #timer: RepeatingTimer
  #paths: readonly string[]
  #isApplying = false

  constructor(components: PathWatchComponents, paths: readonly NetworkPath[]) {
    this.#components = components
    this.#paths = paths.map(signatureOf)
    this.#timer = new RepeatingTimer(components.clock, intervalMs, () => void this.#examine())
  }

  /** Idempotent. */
  close(): void {
    this.#timer.close()
  }

  async #examine(): Promise<void> {
    if (this.#isApplying) return
    const { read, apply, isIncomplete, counters } = this.#components
    let paths: readonly NetworkPath[]
    try {
      paths = read()
    } catch (error) {
      counters.addError(`interface.failed.read.${failure(error)}`, error)
      return
    }
    const now = paths.map(signatureOf)
    const before = this.#paths
    this.#paths = now
    if (now.join() === before.join() && !isIncomplete()) return
    const change = {
      came: now.filter((path) => !before.includes(path)).length,
      went: before.filter((path) => !now.includes(path)).length,
    }
    this.#isApplying = true
    try {
      await apply(paths, change)
    } catch (error) {
      counters.addError(`interface.failed.apply.${failure(error)}`, error)
    } finally {
      this.#isApplying = false
    }
  }
}

/** `emfile`, … of the system where there is one, else the code of the error itself. */
function failure(error: unknown): string {
  const { cause, details } = error as { cause?: unknown; details?: { errno?: unknown } }
  if (typeof details?.errno === 'string') return details.errno.toLowerCase()
  const code = errorCode(cause)
  return code === 'unknown' ? errorCode(error) : code
}

function signatureOf({ interfaceName, address, prefixBits, multicast }: NetworkPath): string {
  return `${interfaceName} ${address}/${prefixBits} ${multicast}`
}
