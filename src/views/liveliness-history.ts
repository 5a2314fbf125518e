import type { Guid } from '../core/ids.js'
import { Liveliness, LivelinessCause } from '../liveliness/verdict.js'
import type { RosterRow } from '../plane/node-roster.js'
import type { WorkerStatus } from './status-document.js'

export interface LivelinessState {
  readonly liveliness: Liveliness
  readonly cause: LivelinessCause | null
  readonly detail: string | null
}

/** A worker's incarnation is judged otherwise than before. */
export interface LivelinessChange {
  readonly workerId: string
  readonly host: string
  readonly numaNode: number
  readonly pid: number
  readonly incarnation: number
  /** Null when it is heard of for the first time. */
  readonly before: LivelinessState | null
  readonly after: LivelinessState
  /**
   * Whether what it had in flight may be given to others. Only of a dead one; and of one that was replaced while it
   * lived on only once it is gone, which is told by a change of its own.
   */
  readonly mayReassign: boolean
}

/** A worker as it is known at one time. */
export interface TrackedWorker
  extends Pick<
    WorkerStatus,
    'workerId' | 'host' | 'numaNode' | 'pid' | 'incarnation' | 'liveliness' | 'cause' | 'detail'
  > {
  readonly claimant: Guid
  readonly predecessor: RosterRow['predecessor']
}

type Known = Omit<LivelinessChange, 'before' | 'after' | 'mayReassign'> & {
  readonly claimant: Guid
  readonly state: LivelinessState
}

/** Turns what is known of each worker, time after time, into changes: none missed, none told twice. Pure. */
export class LivelinessHistory {
  readonly #known = new Map<string, Known>()
  /** Lost their names while they lived. */
  readonly #replaced = new Map<string, Known>()

  /**
   * @param status the worker now; undefined when nobody speaks of it any more
   * @param lives whether a claimant of its name is said to live
   */
  track(workerId: string, status: TrackedWorker | undefined, lives: (claimant: Guid) => boolean): LivelinessChange[] {
    const before = this.#known.get(workerId)
    if (status === undefined) {
      this.#known.delete(workerId)
      this.#replaced.delete(workerId)
      return []
    }
    const now = knownOf(status)
    this.#known.set(workerId, now)
    if (before === undefined) return [change(now, null, now.state)]
    if (before.claimant === now.claimant) {
      const gone = this.#replacedIsGone(workerId, status.predecessor, lives)
      return sameState(before.state, now.state) ? gone : [...gone, change(now, before.state, now.state)]
    }
    const returned = this.#replaced.get(workerId)
    const hasReturned = returned?.claimant === now.claimant
    if (hasReturned) this.#replaced.delete(workerId)
    const arrival = change(now, hasReturned ? returned.state : null, now.state)
    if (before.state.liveliness === Liveliness.dead) return [arrival]
    const { predecessor } = status
    const told = predecessor?.incarnation === before.incarnation ? predecessor : null
    const after: LivelinessState = {
      liveliness: Liveliness.dead,
      cause: told?.cause ?? LivelinessCause.replaced,
      detail: told?.detail ?? `by pid ${now.pid} on ${now.host}/${now.numaNode}`,
    }
    const livesOn = told?.lives ?? lives(before.claimant)
    if (livesOn) this.#replaced.set(workerId, { ...before, state: after })
    return [change(before, before.state, after, !livesOn), arrival]
  }

  /** Those that are dead now, as they would be told to somebody who hears of them for the first time. */
  dead(): LivelinessChange[] {
    const dead: LivelinessChange[] = []
    for (const known of this.#known.values()) {
      if (known.state.liveliness === Liveliness.dead) dead.push(change(known, null, known.state))
    }
    for (const known of this.#replaced.values()) dead.push(change(known, null, known.state, false))
    return dead
  }

  #replacedIsGone(
    workerId: string,
    predecessor: RosterRow['predecessor'],
    lives: (claimant: Guid) => boolean,
  ): LivelinessChange[] {
    const replaced = this.#replaced.get(workerId)
    if (replaced === undefined) return []
    const isToldOf = predecessor?.incarnation === replaced.incarnation
    if (isToldOf ? predecessor.lives : lives(replaced.claimant)) return []
    this.#replaced.delete(workerId)
    return [change(replaced, replaced.state, replaced.state)]
  }
}

function knownOf(status: TrackedWorker): Known {
  const { workerId, host, numaNode, pid, incarnation, liveliness, cause, detail, claimant } = status
  return { workerId, host, numaNode, pid, incarnation, claimant, state: { liveliness, cause, detail } }
}

function change(
  { claimant: _claimant, state: _state, ...who }: Known,
  before: LivelinessState | null,
  after: LivelinessState,
  mayReassign = after.liveliness === Liveliness.dead,
): LivelinessChange {
  return { ...who, before, after, mayReassign }
}

function sameState(a: LivelinessState, b: LivelinessState): boolean {
  return a.liveliness === b.liveliness && a.cause === b.cause && a.detail === b.detail
}
