import type { Clock, Timer } from '../../core/clock.js'
import type { NetworkPath } from '../lane/network-path.js'

/** How often the interfaces are looked at. One that comes up is used within this. */
const lookMs = 2_000

export interface PathWatchComponents {
  readonly clock: Clock
  /** The ways out of the host right now, best first. */
  readonly read: () => readonly NetworkPath[]
  /** They have changed, or something could not be opened last time. Never rejects. */
  readonly follow: (paths: readonly NetworkPath[], change: PathChange) => Promise<void>
  /** Not all that was wanted could be opened: `follow` is called again although nothing changed. */
  readonly isIncomplete: () => boolean
}

export interface PathChange {
  readonly came: number
  readonly went: number
}

/** Looks at the interfaces from time to time and says when they have changed. */
export class PathWatch {
  readonly #components: PathWatchComponents
  #paths: readonly string[]
  #timer: Timer | undefined
  #closed = false

  constructor(components: PathWatchComponents, paths: readonly NetworkPath[]) {
    this.#components = components
    this.#paths = paths.map(signatureOf)
    this.#schedule()
  }

  /** Twice is fine. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #schedule(): void {
    if (!this.#closed) this.#timer = this.#components.clock.after(lookMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    const { read, follow, isIncomplete } = this.#components
    const paths = read()
    const now = paths.map(signatureOf)
    const before = this.#paths
    this.#paths = now
    const change = {
      came: now.filter((path) => !before.includes(path)).length,
      went: before.filter((path) => !now.includes(path)).length,
    }
    if (now.join() !== before.join() || isIncomplete()) await follow(paths, change)
    this.#schedule()
  }
}

function signatureOf({ interfaceName, address, prefixBits, multicast }: NetworkPath): string {
  return `${interfaceName} ${address}/${prefixBits} ${multicast}`
}
