import { failureCode } from '../../core/error-code.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Clock } from '../../core/time/clock.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import type { NetworkPath } from '../lane/network-path.js'

/** Interval between examinations. A new interface is used within this time. */
const intervalMs = 2_000

export interface PathWatchComponents {
  readonly clock: Clock
  readonly counters: Counters
  /** Returns the current network paths, best first. If it throws, the error is counted and the paths stay unchanged. */
  readonly read: () => readonly NetworkPath[]
  /** Called when the paths have changed or some could not be opened last time. Its rejections are counted. */
  readonly apply: (paths: readonly NetworkPath[], change: PathChange) => Promise<void>
  /** Returns whether some socket could not be opened. `apply` is then called again even without a change. */
  readonly isIncomplete: () => boolean
}

export interface PathChange {
  readonly came: number
  readonly went: number
}

/** Examines the interfaces periodically and reports changes. A failure is counted and retried on the next turn. */
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
      counters.addError(`interface.failed.read.${failureCode(error)}`, error)
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
      counters.addError(`interface.failed.apply.${failureCode(error)}`, error)
    } finally {
      this.#isApplying = false
    }
  }
}

function signatureOf({ interfaceName, address, prefixBits, multicast }: NetworkPath): string {
  return `${interfaceName} ${address}/${prefixBits} ${multicast}`
}
