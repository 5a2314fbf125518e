import { workerProcessKey } from '../../plane/vocabulary/keys.js'
import { type WorkerEnd, workerEndRetentionMs } from '../../plane/worker/worker-end.js'
import type { Claimant } from './names/claimant.js'

/** Ends that one server of a node keeps. The oldest are dropped beyond this. */
export const maxWorkerEnds = 4_096

/** Which host the ends are of. */
export interface EndOrigin {
  readonly bootId: string
}

interface KnownEnd {
  readonly endedMs: number
}

/** The ends to be written, and the keys of ends that no longer hold. */
export interface WorkerEndChanges {
  readonly ended: readonly WorkerEnd[]
  readonly withdrawn: readonly string[]
}

/**
 * The ends of worker processes of one node, each reported once. An end is withdrawn when the process turns out to be
 * alive, which happens where silence alone had to decide. Pure.
 */
export class WorkerEnds {
  readonly #origin: EndOrigin
  /** By key, the longest known first. */
  readonly #known = new Map<string, KnownEnd>()
  readonly #ended = new Map<string, Claimant>()
  readonly #withdrawn = new Set<string>()
  #dropped = 0

  constructor(origin: EndOrigin) {
    this.#origin = origin
  }

  get size(): number {
    return this.#known.size
  }

  /** Ends that were given up because there were too many. */
  get dropped(): number {
    return this.#dropped
  }

  get hasChanges(): boolean {
    return this.#ended.size > 0 || this.#withdrawn.size > 0
  }

  /** The claimant's process is dead. */
  record(claimant: Claimant): void {
    const key = workerProcessKey(claimant.facts)
    this.#withdrawn.delete(key)
    if (this.#known.has(key)) return
    this.#known.set(key, { endedMs: claimant.verdict.sinceMs })
    this.#ended.set(key, claimant)
    this.#evictExcess()
  }

  /** The process is alive after all. */
  withdraw(facts: Pick<WorkerEnd, 'workerId' | 'incarnation'>): void {
    const key = workerProcessKey(facts)
    if (!this.#known.delete(key)) return
    if (!this.#ended.delete(key)) this.#withdrawn.add(key)
  }

  /** Another server of the node has reported this end. */
  applyForeign(end: WorkerEnd, writtenMs: number): void {
    const key = workerProcessKey(end)
    if (this.#known.has(key)) return
    this.#known.set(key, { endedMs: writtenMs - end.endedForMs })
    this.#evictExcess()
  }

  expire(nowMs: number): void {
    for (const [key, { endedMs }] of this.#known) {
      if (nowMs - endedMs >= workerEndRetentionMs) this.#remove(key)
    }
  }

  takeChanges(nowMs: number): WorkerEndChanges {
    const ended = [...this.#ended.values()].map((claimant) => this.#endOf(claimant, nowMs))
    const withdrawn = [...this.#withdrawn]
    this.#ended.clear()
    this.#withdrawn.clear()
    return { ended, withdrawn }
  }

  #endOf({ facts, verdict }: Claimant, nowMs: number): WorkerEnd {
    const { workerId, incarnation, pid, host, numaNode } = facts
    const { cause, detail, evidence, sinceMs } = verdict
    const { bootId } = this.#origin
    const endedForMs = Math.max(0, nowMs - sinceMs)
    return { workerId, incarnation, pid, bootId, host, numaNode, cause, detail, evidence, endedForMs }
  }

  #evictExcess(): void {
    const [oldest] = this.#known.keys()
    if (this.#known.size <= maxWorkerEnds || oldest === undefined) return
    this.#remove(oldest)
    this.#dropped++
  }

  #remove(key: string): void {
    this.#known.delete(key)
    if (!this.#ended.delete(key)) this.#withdrawn.add(key)
  }
}
