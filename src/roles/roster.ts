import { type EntityGuid, type Guid, participantOf } from '../core/ids.js'
import { aliveVerdict, type Verdict } from '../liveliness/verdict.js'
import type { WorkerTotals } from '../plane/node-capacity.js'
import type { RosterRow } from '../plane/node-roster.js'
import type { WorkerCapacity } from '../plane/worker-capacity.js'
import type { WorkerState } from '../plane/worker-state.js'
import type { Sample } from '../pubsub/sample.js'

export interface RosterOptions {
  /** A dead worker's row stays visible, with its cause, so long. */
  readonly deadRetentionMs: number
}

interface Entry {
  readonly participant: Guid
  readonly writer: EntityGuid
  readonly seq: number
  readonly state: WorkerState
  /** When the worker wrote it, on this process's monotonic clock. */
  readonly originTimeMs: number
  readonly capacity: WorkerCapacity | undefined
  readonly verdict: Verdict
}

/** What happened to a sample that the roster was given. */
export type Acceptance = 'applied' | 'stale-sequence' | 'older-incarnation'

/**
 * One row per worker of a node: its own last word, and whether it lives. Pure: told what arrived and what time it
 * is. Of two participants that claim one workerId the later incarnation is the worker, and whatever the earlier
 * one still says is refused; unless the later one has died and the earlier one has not.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #entries = new Map<string, Entry>()
  /** Verdicts by participant, also those that came before the first state did. */
  readonly #verdicts = new Map<Guid, Verdict>()
  readonly #changed = new Set<string>()
  readonly #removed = new Set<string>()

  constructor(options: RosterOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  applyState(sample: Sample<WorkerState>, nowMs: number): Acceptance {
    const { value: state, token } = sample
    if (state === undefined || sample.instanceState !== 'alive') return 'stale-sequence'
    const before = this.#entries.get(state.workerId)
    const participant = participantOf(token.writer)
    if (before !== undefined) {
      if (before.writer === token.writer && token.seq <= before.seq) return 'stale-sequence'
      const isOlder = before.writer !== token.writer && state.incarnation < before.state.incarnation
      if (isOlder && !this.#succeeds(participant, before)) return 'older-incarnation'
    }
    const same = before?.participant === participant
    this.#entries.set(state.workerId, {
      participant,
      writer: token.writer,
      seq: token.seq,
      state,
      originTimeMs: sample.originTimeMs,
      capacity: same ? before.capacity : undefined,
      verdict: this.#verdicts.get(participant) ?? aliveVerdict(nowMs),
    })
    this.#touch(state.workerId)
    return 'applied'
  }

  applyCapacity(sample: Sample<WorkerCapacity>): void {
    const { value: capacity, token } = sample
    if (capacity === undefined || sample.instanceState !== 'alive') return
    const entry = this.#entries.get(capacity.workerId)
    if (entry === undefined || entry.participant !== participantOf(token.writer)) return
    this.#entries.set(capacity.workerId, { ...entry, capacity })
    this.#touch(capacity.workerId)
  }

  /** How a participant is judged now. True when a worker's liveliness has changed by it. */
  applyVerdict(participant: Guid, verdict: Verdict): boolean {
    this.#verdicts.set(participant, verdict)
    let changed = false
    for (const [workerId, entry] of this.#entries) {
      if (entry.participant !== participant || sameVerdict(entry.verdict, verdict)) continue
      this.#entries.set(workerId, { ...entry, verdict })
      this.#touch(workerId)
      changed = true
    }
    return changed
  }

  /** The participant layer has forgotten a participant; what it was last judged stays with its worker. */
  forgetParticipant(participant: Guid): void {
    this.#verdicts.delete(participant)
  }

  /** Forgets workers that have been dead for long. */
  expire(nowMs: number): void {
    for (const [workerId, { verdict }] of this.#entries) {
      if (verdict.liveliness !== 'dead' || verdict.sinceMs + this.#options.deadRetentionMs > nowMs) continue
      this.#entries.delete(workerId)
      this.#changed.delete(workerId)
      this.#removed.add(workerId)
    }
  }

  /** Rows changed since the last call. */
  takeChanged(nowMs: number): RosterRow[] {
    const rows: RosterRow[] = []
    for (const workerId of this.#changed) {
      const entry = this.#entries.get(workerId)
      if (entry !== undefined) rows.push(rowOf(entry, nowMs))
    }
    this.#changed.clear()
    return rows
  }

  /** Workers forgotten since the last call. */
  takeRemoved(): string[] {
    const removed = [...this.#removed]
    this.#removed.clear()
    return removed
  }

  totals(): WorkerTotals {
    const totals = { available: 0, busy: 0, unhealthy: 0, draining: 0 }
    for (const { state, verdict } of this.#entries.values()) {
      if (verdict.liveliness === 'dead') continue
      totals[verdict.liveliness === 'alive' ? state.state : 'unhealthy']++
    }
    return totals
  }

  /** Whether an earlier claim takes the name back: its claimant lives, and the one that took it is dead. */
  #succeeds(participant: Guid, before: Entry): boolean {
    const own = this.#verdicts.get(participant)
    return before.verdict.liveliness === 'dead' && own !== undefined && own.liveliness !== 'dead'
  }

  #touch(workerId: string): void {
    this.#changed.add(workerId)
    this.#removed.delete(workerId)
  }
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.liveliness === b.liveliness && a.cause === b.cause && a.detail === b.detail
}

function rowOf(entry: Entry, nowMs: number): RosterRow {
  const { state, verdict, capacity } = entry
  return {
    workerId: state.workerId,
    host: state.host,
    numaNode: state.numaNode,
    pid: state.pid,
    incarnation: state.incarnation,
    state: state.state,
    liveliness: verdict.liveliness,
    cause: verdict.cause,
    detail: verdict.detail,
    livelinessForMs: Math.max(0, nowMs - verdict.sinceMs),
    inFlight: state.inFlight,
    concurrency: state.concurrency,
    jobsCompleted: state.jobsCompleted,
    jobsFailed: state.jobsFailed,
    admissionOpen: state.admissionOpen,
    admissionReason: state.admissionReason,
    appliedIntents: state.appliedIntents,
    eventLoopUtilization: capacity?.eventLoopUtilization ?? null,
    memoryHeadroomBytes: capacity?.memoryHeadroomBytes ?? null,
    sourceWriter: entry.writer,
    sourceSeq: entry.seq,
    sourceAgeMs: Math.max(0, nowMs - entry.originTimeMs),
  }
}
