import { keyParts } from '../../plane/vocabulary/keys.js'
import type { WorkerEnd } from '../../plane/worker/worker-end.js'
import type { Sample } from '../../pubsub/model/sample.js'

/** The end of one process of a worker, and when it was found, on this process's monotonic clock. */
export interface RecordedEnd {
  readonly end: WorkerEnd
  readonly endedMs: number
}

/** The ends of worker processes that the plane keeps; see `worker.end`. */
export class EndRecords {
  /** By workerId, then by incarnation. */
  readonly #ends = new Map<string, Map<number, RecordedEnd>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  *values(): IterableIterator<RecordedEnd> {
    for (const ends of this.#ends.values()) yield* ends.values()
  }

  get({ workerId, incarnation }: Pick<WorkerEnd, 'workerId' | 'incarnation'>): RecordedEnd | undefined {
    return this.#size === 0 ? undefined : this.#ends.get(workerId)?.get(incarnation)
  }

  /** The end that the sample adds or removes; undefined when it changes nothing. */
  apply({ key, value, instanceState, writtenMs }: Sample<WorkerEnd>): EndChange | undefined {
    const [workerId = '', incarnation] = keyParts(key)
    const process = { workerId, incarnation: Number(incarnation) }
    const before = this.get(process)
    // A server that has gone leaves the ends that it found: they stay true.
    if (instanceState === 'no-writers') return undefined
    if (instanceState === 'disposed' || value === undefined) {
      this.#remove(process)
      return before === undefined ? undefined : { kind: 'removed', end: before.end }
    }
    if (before !== undefined) return undefined
    const ends = this.#ends.get(workerId) ?? new Map<number, RecordedEnd>()
    this.#ends.set(workerId, ends.set(process.incarnation, { end: value, endedMs: writtenMs - value.endedForMs }))
    this.#size++
    return { kind: 'added', end: value }
  }

  /** Removes what has been kept for `retentionMs`. Returns what it removed. */
  expire(nowMs: number, retentionMs: number): WorkerEnd[] {
    const expired: WorkerEnd[] = []
    for (const { end, endedMs } of this.values()) if (nowMs - endedMs >= retentionMs) expired.push(end)
    for (const end of expired) this.#remove(end)
    return expired
  }

  #remove({ workerId, incarnation }: Pick<WorkerEnd, 'workerId' | 'incarnation'>): void {
    const ends = this.#ends.get(workerId)
    if (ends?.delete(incarnation) !== true) return
    this.#size--
    if (ends.size === 0) this.#ends.delete(workerId)
  }
}

export interface EndChange {
  readonly kind: 'added' | 'removed'
  readonly end: WorkerEnd
}
