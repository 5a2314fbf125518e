import type { Guid } from '../../core/ids.js'
import { Liveliness, LivelinessCause } from '../../liveliness/verdict.js'
import type { RosterRow } from '../../plane/node/node-roster.js'
import type { WorkerEnd } from '../../plane/worker/worker-end.js'
import type { WorkerStatus } from './status-document.js'

export interface LivelinessState {
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause | null
  readonly detail: string | null
}

/** One process of a worker: which it is, and where it runs. */
export interface WorkerProcess {
  readonly workerId: string
  readonly host: string
  readonly numaNode: number
  readonly pid: number
  readonly incarnation: number
}

/** The verdict on one process of a worker has changed. */
export interface LivelinessChange extends WorkerProcess {
  /** Null when the process is reported for the first time. */
  readonly before: LivelinessState | null
  readonly after: LivelinessState
  /**
   * Whether what the process had in flight may be given to others: true once it is known to be dead. A process that was
   * replaced while alive is reported twice, with false and, when its end is known, with true.
   */
  readonly mayReassign: boolean
}

/** A worker as it is known at one time. */
export interface TrackedWorker extends WorkerProcess, Pick<WorkerStatus, 'liveliness' | 'cause' | 'detail'> {
  readonly claimant: Guid
  readonly predecessor: RosterRow['predecessor']
}

interface Known {
  readonly process: WorkerProcess
  readonly state: LivelinessState
}

interface KnownClaimant extends Known {
  readonly claimant: Guid
}

/** Processes of one workerId that do not hold its name. */
interface Former {
  /** Replaced while alive, and not known to be dead. */
  readonly replaced: Map<number, KnownClaimant>
  /** Dead and reported with `mayReassign`. */
  readonly ended: Map<number, Known>
  /** Incarnations of which the plane keeps a record of the end. */
  readonly recorded: Set<number>
}

/** Former processes of one workerId that are remembered; the oldest are dropped first. */
export const maxFormerProcesses = 1_024

/**
 * Compares the successive states of each worker and turns the differences into changes. Each change is reported exactly
 * once. A process counts as dead when a record states it, never because its rows are missing. Pure.
 */
export class LivelinessHistory {
  readonly #known = new Map<string, KnownClaimant>()
  readonly #former = new Map<string, Former>()
  #dropped = 0

  /** Former processes that were dropped because there were too many. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * @param status the worker now; undefined when no server reports it any more
   * @param isDead whether a claimant of its name is known to be dead
   */
  track(workerId: string, status: TrackedWorker | undefined, isDead: (claimant: Guid) => boolean): LivelinessChange[] {
    const before = this.#known.get(workerId)
    if (status === undefined) {
      this.#known.delete(workerId)
      this.#removeUnrecorded(workerId)
      return []
    }
    const now = knownOf(status)
    const changes = this.#endedPredecessors(workerId, status, isDead)
    if (before !== undefined && before.claimant !== now.claimant) changes.push(...this.#replace(before, status, isDead))
    this.#known.set(workerId, now)
    const last = before?.claimant === now.claimant ? before.state : this.#takeFormer(workerId, now.process.incarnation)
    if (last === undefined || !sameState(last, now.state)) changes.push(change(now, last ?? null, now.state))
    if (now.state.liveliness === Liveliness.dead) this.#addEnded(now)
    else this.#former.get(workerId)?.ended.delete(now.process.incarnation)
    return changes
  }

  /** A record of the end of a process has come. Call `track` first if the process holds its name. */
  recordEnd({ workerId, host, numaNode, pid, incarnation, cause, detail }: WorkerEnd): LivelinessChange[] {
    const former = this.#formerOf(workerId)
    former.recorded.add(incarnation)
    const isHolder = this.#known.get(workerId)?.process.incarnation === incarnation
    if (isHolder || former.ended.has(incarnation)) return []
    const replaced = former.replaced.get(incarnation)
    former.replaced.delete(incarnation)
    const process = replaced?.process ?? { workerId, host, numaNode, pid, incarnation }
    const state = { liveliness: Liveliness.dead, cause, detail }
    this.#addEnded({ process, state })
    return [change({ process }, replaced?.state ?? null, state)]
  }

  /** The record of an end has been removed: it was wrong, or it was kept for long enough. */
  removeEnd({ workerId, incarnation }: Pick<WorkerEnd, 'workerId' | 'incarnation'>): void {
    const former = this.#former.get(workerId)
    former?.recorded.delete(incarnation)
    if (this.#known.get(workerId)?.process.incarnation !== incarnation) former?.ended.delete(incarnation)
    this.#removeEmpty(workerId)
  }

  /** All deaths that are known, as they are reported to a consumer that has received none of them. */
  dead(): LivelinessChange[] {
    const dead: LivelinessChange[] = []
    for (const { ended, replaced } of this.#former.values()) {
      for (const known of ended.values()) dead.push(change(known, null, known.state))
      for (const known of replaced.values()) dead.push(change(known, null, known.state, false))
    }
    return dead
  }

  /** The holder has lost its name to another process. */
  #replace(before: KnownClaimant, by: TrackedWorker, isDead: (claimant: Guid) => boolean): LivelinessChange[] {
    if (before.state.liveliness === Liveliness.dead) return []
    const { predecessor } = by
    const recorded = predecessor?.incarnation === before.process.incarnation ? predecessor : null
    const after: LivelinessState = {
      liveliness: Liveliness.dead,
      cause: recorded?.cause ?? LivelinessCause.replaced,
      detail: recorded?.detail ?? `by pid ${by.pid} on ${by.host}/${by.numaNode}`,
    }
    const isKnownDead = recorded?.lives === false || isDead(before.claimant)
    const known = { ...before, state: after }
    if (isKnownDead) this.#addEnded(known)
    else this.#add(this.#formerOf(by.workerId).replaced, known)
    return [change(before, before.state, after, isKnownDead)]
  }

  /** Processes that were replaced while alive, and are known to be dead now. */
  #endedPredecessors(workerId: string, by: TrackedWorker, isDead: (claimant: Guid) => boolean): LivelinessChange[] {
    const changes: LivelinessChange[] = []
    for (const known of this.#former.get(workerId)?.replaced.values() ?? []) {
      const { incarnation } = known.process
      if (known.claimant === by.claimant) continue
      const isToldDead = by.predecessor?.incarnation === incarnation && !by.predecessor.lives
      if (!isToldDead && !isDead(known.claimant)) continue
      this.#former.get(workerId)?.replaced.delete(incarnation)
      this.#addEnded(known)
      changes.push(change(known, known.state, known.state))
    }
    return changes
  }

  /** No server reports the worker any more: what remains of it is what the plane keeps records of. */
  #removeUnrecorded(workerId: string): void {
    const former = this.#former.get(workerId)
    if (former === undefined) return
    former.replaced.clear()
    for (const incarnation of former.ended.keys()) {
      if (!former.recorded.has(incarnation)) former.ended.delete(incarnation)
    }
    this.#removeEmpty(workerId)
  }

  #removeEmpty(workerId: string): void {
    const former = this.#former.get(workerId)
    if (former === undefined || former.replaced.size + former.ended.size + former.recorded.size > 0) return
    this.#former.delete(workerId)
  }

  /** Takes the last state of a process that holds the name again, or that ended before its row came. */
  #takeFormer(workerId: string, incarnation: number): LivelinessState | undefined {
    const former = this.#former.get(workerId)
    const known = former?.replaced.get(incarnation) ?? former?.ended.get(incarnation)
    former?.replaced.delete(incarnation)
    return known?.state
  }

  #addEnded(known: Known): void {
    this.#add(this.#formerOf(known.process.workerId).ended, known)
  }

  #add<K extends Known>(processes: Map<number, K>, known: K): void {
    const { incarnation } = known.process
    processes.delete(incarnation)
    processes.set(incarnation, known)
    const [oldest] = processes.keys()
    if (processes.size <= maxFormerProcesses || oldest === undefined) return
    processes.delete(oldest)
    this.#dropped++
  }

  #formerOf(workerId: string): Former {
    const known = this.#former.get(workerId)
    if (known !== undefined) return known
    const former: Former = { replaced: new Map(), ended: new Map(), recorded: new Set() }
    this.#former.set(workerId, former)
    return former
  }
}

function knownOf(status: TrackedWorker): KnownClaimant {
  const { workerId, host, numaNode, pid, incarnation, liveliness, cause, detail, claimant } = status
  return { process: { workerId, host, numaNode, pid, incarnation }, claimant, state: { liveliness, cause, detail } }
}

function change(
  { process }: Pick<Known, 'process'>,
  before: LivelinessState | null,
  after: LivelinessState,
  mayReassign = after.liveliness === Liveliness.dead,
): LivelinessChange {
  return { ...process, before, after, mayReassign }
}

function sameState(a: LivelinessState, b: LivelinessState): boolean {
  return a.liveliness === b.liveliness && a.cause === b.cause && a.detail === b.detail
}
