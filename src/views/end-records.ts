import { type WorkerEnd, workerEndKey } from '../plane/worker-end.js'
import type { Sample } from '../pubsub/model/sample.js'

/** The end of one process of a worker, and when it was found, on this process's monotonic clock. */
export interface RecordedEnd {
  readonly end: WorkerEnd
  readonly endedMs: number
}

/** The ends of worker processes that the plane keeps; see `worker.end`. */
export class EndRecords {
  readonly #ends = new Map<string, RecordedEnd>()

  get size(): number {
    return this.#ends.size
  }

  values(): IterableIterator<RecordedEnd> {
    return this.#ends.values()
  }

  get(process: Pick<WorkerEnd, 'workerId' | 'incarnation'>): RecordedEnd | undefined {
    return this.#ends.get(workerEndKey(process))
  }

  /** The end that the sample adds or removes; undefined when it changes nothing. */
  apply({ key, value, instanceState, writtenMs }: Sample<WorkerEnd>): EndChange | undefined {
    const before = this.#ends.get(key)
    // A server that has gone leaves the ends that it found: they stay true.
    if (instanceState === 'no-writers') return undefined
    if (instanceState === 'disposed' || value === undefined) {
      this.#ends.delete(key)
      return before === undefined ? undefined : { kind: 'removed', end: before.end }
    }
    if (before !== undefined) return undefined
    this.#ends.set(key, { end: value, endedMs: writtenMs - value.endedForMs })
    return { kind: 'added', end: value }
  }

  /** Removes what has been kept for `retentionMs`. Returns what it removed. */
  expire(nowMs: number, retentionMs: number): WorkerEnd[] {
    const expired: WorkerEnd[] = []
    for (const [key, { end, endedMs }] of this.#ends) {
      if (nowMs - endedMs < retentionMs) continue
      this.#ends.delete(key)
      expired.push(end)
    }
    return expired
  }
}

export interface EndChange {
  readonly kind: 'added' | 'removed'
  readonly end: WorkerEnd
}
