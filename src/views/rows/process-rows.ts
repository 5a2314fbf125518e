import { keyParts } from '../../plane/vocabulary/keys.js'
import type { Sample } from '../../pubsub/model/sample.js'

/** What one process of a worker last published of itself. */
export interface ProcessRow<T> {
  readonly value: T
  /** When it was written, on this process's monotonic clock. */
  readonly writtenMs: number
}

/** What the processes of workers publish under workerId and incarnation: their profiles, or their capacity. */
export class ProcessRows<T extends object> {
  /** By workerId, then by incarnation. */
  readonly #rows = new Map<string, Map<number, ProcessRow<T>>>()
  /** By key: since when no server has carried the row. */
  readonly #orphanedMs = new Map<string, number>()

  get(workerId: string, incarnation: number): ProcessRow<T> | undefined {
    return this.#rows.get(workerId)?.get(incarnation)
  }

  /** Returns the worker that the sample changes something of; undefined when it changes nothing. */
  apply({ key, value, instanceState, writtenMs, receivedMs }: Sample<T>): string | undefined {
    if (instanceState === 'no-writers') {
      // The server of its node is away. The next one carries the row again.
      this.#orphanedMs.set(key, receivedMs)
      return undefined
    }
    this.#orphanedMs.delete(key)
    if (instanceState === 'disposed' || value === undefined) return this.#remove(key)
    const [workerId = '', incarnation] = keyParts(key)
    const rows = this.#rows.get(workerId) ?? new Map<number, ProcessRow<T>>()
    this.#rows.set(workerId, rows.set(Number(incarnation), { value, writtenMs }))
    return workerId
  }

  /** Removes what no server has carried for `retentionMs`. */
  expire(nowMs: number, retentionMs: number): void {
    for (const [key, sinceMs] of this.#orphanedMs) {
      if (nowMs - sinceMs < retentionMs) continue
      this.#orphanedMs.delete(key)
      this.#remove(key)
    }
  }

  #remove(key: string): string | undefined {
    const [workerId = '', incarnation] = keyParts(key)
    const rows = this.#rows.get(workerId)
    if (rows?.delete(Number(incarnation)) !== true) return undefined
    if (rows.size === 0) this.#rows.delete(workerId)
    return workerId
  }
}
