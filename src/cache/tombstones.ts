import type { EntityGuid, Seq } from '../core/ids.js'
import type { IncomingChange } from './instance.js'

/** What a copy remembers of an instance that it has forgotten. */
export interface Tombstone {
  /** The owner of the last change, and its number. */
  readonly owner: EntityGuid
  readonly seq: Seq
  /** False: the instance did not end. Its last writer has gone, or the reader's filter refused its value. */
  readonly disposed: boolean
  /** When the last change was written, on this process's monotonic clock. */
  readonly originTimeMs: number
  /** The same by its owner's wall clock. */
  readonly sourceTimeMs: number
}

/** An end that relays must pass on although the user of the reader sees nothing of it. */
export interface UnseenEnd {
  readonly key: string
  readonly end: Tombstone
  /** True: a relay offers a value that the instance outlived, so that relay does not know of the end. */
  readonly isUnknownToRelay: boolean
}

/** About 2 MB with keys of 40 characters. */
const maxTombstones = 16_384
const maxFloors = 4_096

/**
 * Remembers the instances that a copy has forgotten, so that a relay that was cut off does not revive ended instances.
 * The latest 16,384 are exact. For older ones only their owner's floor remains: the highest number under which an
 * instance of that owner was disposed and forgotten. Floors of the latest 4,096 owners are kept.
 */
export class Tombstones {
  /** The oldest first. */
  readonly #byKey = new Map<string, Tombstone>()
  /** Starts with the owner whose floor has not risen for longest. */
  readonly #floors = new Map<EntityGuid, Seq>()

  get size(): number {
    return this.#byKey.size
  }
  get floors(): number {
    return this.#floors.size
  }

  get(key: string): Tombstone | undefined {
    return this.#byKey.get(key)
  }

  add(key: string, tombstone: Tombstone): void {
    this.#byKey.delete(key)
    this.#byKey.set(key, tombstone)
    if (this.#byKey.size <= maxTombstones) return
    const [oldest] = this.#byKey
    if (oldest === undefined) return
    this.#byKey.delete(oldest[0])
    if (oldest[1].disposed) this.#raiseFloor(oldest[1])
  }

  /** Removes the tombstone of an instance that is held again. */
  delete(key: string): void {
    this.#byKey.delete(key)
  }

  /** Whether a relayed change of an instance without a tombstone is at or below its owner's floor. */
  isBelowFloor({ token, via }: IncomingChange): boolean {
    // The owner itself is the authority on what it delivers.
    return via !== token.writer && token.seq <= (this.#floors.get(token.writer) ?? 0)
  }

  #raiseFloor({ owner, seq }: Tombstone): void {
    const floor = Math.max(seq, this.#floors.get(owner) ?? 0)
    this.#floors.delete(owner)
    this.#floors.set(owner, floor)
    if (this.#floors.size <= maxFloors) return
    const [oldest] = this.#floors.keys()
    if (oldest !== undefined) this.#floors.delete(oldest)
  }
}
