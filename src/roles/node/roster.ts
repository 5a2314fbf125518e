import { type Guid, participantOf } from '../../core/ids.js'
import { aliveVerdict, Liveliness, sameVerdict, type Verdict } from '../../liveliness/verdict.js'
import type { WorkerTotals } from '../../plane/node/node-capacity.js'
import type { RosterRow } from '../../plane/node/node-roster.js'
import type { WorkerCapacity } from '../../plane/worker/worker-capacity.js'
import type { WorkerEnd } from '../../plane/worker/worker-end.js'
import type { WorkerState } from '../../plane/worker/worker-state.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import { loadDiffers } from './capacity-change.js'
import { type Claimant, inheritedClaimant, isLive, rowOf, silentClaimant, unknownLoad } from './names/claimant.js'
import { NameContests, type NameDecisions } from './names/name-contests.js'
import { WorkerName } from './names/worker-name.js'
import { type WorkerEndChanges, WorkerEnds } from './worker-ends.js'

export interface RosterOptions {
  /** Boot id of the host. */
  readonly bootId: string
  /** A dead worker's row stays visible, with its cause, for this long. */
  readonly deadRetentionMs: number
  /** A worker that took its name from another process does not count as reliable for this long. */
  readonly probationMs: number
  /** Rows are written in the place of the node's own collector. */
  readonly adopted: boolean
}

/** What happened to a sample that the roster was given. */
export type Acceptance =
  | 'applied'
  /** Applied, and another participant held the name until now. */
  | 'took-over'
  | 'stale-sequence'
  /** The report of a claimant that does not hold the name: kept, and not shown. */
  | 'lost-claim'

/**
 * One row per worker of a node: the worker's own last report, and its liveliness. Pure: the caller passes what arrived
 * and the time. {@link WorkerName} decides which of several claimants of one workerId holds it.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #names = new Map<string, WorkerName>()
  readonly #namesOf = new Map<Guid, Set<string>>()
  /** Verdicts by participant, including verdicts that came before its first state. */
  readonly #verdicts = new Map<Guid, Verdict>()
  readonly #contests = new NameContests(this.#names)
  readonly #ends: WorkerEnds
  readonly #changed = new Set<string>()
  readonly #removed = new Set<string>()

  constructor(options: RosterOptions) {
    this.#options = options
    this.#ends = new WorkerEnds(options)
  }

  get size(): number {
    return this.#names.size
  }

  /** Ends of worker processes that were given up because there were too many. */
  get endsDropped(): number {
    return this.#ends.dropped
  }

  /** Whether the end of a process has been found, or has turned out to be wrong, since {@link takeEnds}. */
  get hasEndNews(): boolean {
    return this.#ends.hasChanges
  }

  has(workerId: string): boolean {
    return this.#names.has(workerId)
  }

  liveWorkers(): string[] {
    return [...this.#names].flatMap(([workerId, { holder }]) => (isLive(holder) ? [workerId] : []))
  }

  /** The participants that hold the names of live workers. */
  liveParticipants(): Guid[] {
    return [...this.#names.values()].flatMap(({ holder }) => (isLive(holder) ? [holder.participant] : []))
  }

  /** Whether the participant claims the name and its claim is known here. */
  knows(workerId: string, participant: Guid): boolean {
    return this.#names.get(workerId)?.get(participant) !== undefined
  }

  applyState(sample: Sample<WorkerState>, nowMs: number): Acceptance {
    const { value: facts, token } = sample
    if (facts === undefined || sample.instanceState !== 'alive') return 'stale-sequence'
    const participant = participantOf(token.writer)
    const name = this.#names.get(facts.workerId)
    const holderBefore = name?.holder.participant ?? participant
    const before = name?.get(participant)
    if (before !== undefined && before.writer === token.writer) {
      if (token.seq < before.seq || (token.seq === before.seq && !before.inherited)) return 'stale-sequence'
    }
    const holder = this.#put(
      {
        participant,
        writer: token.writer,
        seq: token.seq,
        facts,
        originTimeMs: sample.writtenMs,
        load: before?.load ?? unknownLoad,
        verdict: this.#verdicts.get(participant) ?? before?.verdict ?? aliveVerdict(nowMs),
        inherited: false,
        reliableFromMs: before?.reliableFromMs ?? nowMs,
      },
      nowMs,
    )
    if (holder.participant !== participant) return 'lost-claim'
    return holderBefore === participant ? 'applied' : 'took-over'
  }

  /** Takes what of a worker's capacity its row shows. True when the row changes by it noticeably. */
  applyCapacity(sample: Sample<WorkerCapacity>): boolean {
    const { value: capacity, token } = sample
    if (capacity === undefined || sample.instanceState !== 'alive') return false
    const name = this.#names.get(capacity.workerId)
    const claimant = name?.get(participantOf(token.writer))
    if (name === undefined || claimant === undefined || !loadDiffers(claimant.load, capacity)) return false
    const { eventLoopUtilization, memoryHeadroomBytes } = capacity
    this.#replace(name, { ...claimant, load: { eventLoopUtilization, memoryHeadroomBytes } })
    return true
  }

  /** Takes a worker that has not been received from here, from the row of an earlier server, with a verdict of now. */
  inherit(row: RosterRow, rowTimeMs: number, verdict: Verdict, nowMs: number): void {
    this.#putUnconfirmed(inheritedClaimant(row, rowTimeMs, verdict), nowMs)
  }

  /** Takes a worker of this node that ended before its first report. */
  endedBeforeReport(peer: Peer, workerId: string, numaNode: number, nowMs: number): void {
    this.#putUnconfirmed(silentClaimant(peer, workerId, numaNode), nowMs)
  }

  /** Takes the current verdict on a participant. True when a worker's liveliness has changed by it. */
  applyVerdict(participant: Guid, verdict: Verdict, nowMs: number): boolean {
    this.#verdicts.set(participant, verdict)
    let changed = false
    for (const workerId of this.#namesOf.get(participant) ?? []) {
      const name = this.#names.get(workerId)
      const claimant = name?.get(participant)
      if (name === undefined || claimant === undefined || sameVerdict(claimant.verdict, verdict)) continue
      const wasHolder = name.holder === claimant
      this.#replace(name, { ...claimant, verdict })
      this.#decideHolder(workerId, name, nowMs)
      changed ||= wasHolder || name.holder.participant === participant
    }
    return changed
  }

  /** Removes the verdict on a participant that has left. Its worker keeps it. */
  removeParticipant(participant: Guid): void {
    this.#verdicts.delete(participant)
  }

  /** Takes a row of another node. True when it changes the claims to a name that is claimed here. */
  applyForeign(row: RosterRow, nowMs: number): boolean {
    return this.#contests.applyForeign(row, nowMs)
  }

  /** Takes note that another node has no such row any more. */
  removeForeign(workerId: string, node: string): boolean {
    return this.#contests.removeForeign(workerId, node)
  }

  /** Takes the end of a process that another server of this node has reported. True when it turns out to be wrong. */
  applyForeignEnd(end: WorkerEnd, writtenMs: number): boolean {
    this.#ends.applyForeign(end, writtenMs)
    const isHere = this.#names.get(end.workerId)?.hasLive(end.incarnation) ?? false
    if (isHere) this.#ends.withdraw(end)
    return isHere
  }

  /** Removes workers whose time of being shown as dead is over. */
  expire(nowMs: number): void {
    this.#contests.expire(nowMs)
    this.#ends.expire(nowMs)
    for (const [workerId, { holder, participants }] of this.#names) {
      const { liveliness, sinceMs } = holder.verdict
      if (liveliness !== Liveliness.dead || sinceMs + this.#options.deadRetentionMs > nowMs) continue
      for (const participant of participants) this.#unlink(participant, workerId)
      this.#names.delete(workerId)
      this.#changed.delete(workerId)
      this.#removed.add(workerId)
      this.#contests.markUndecided(workerId)
    }
  }

  /** Marks each live worker's row as due, so that a view can tell the row's age from the silence of its server. */
  refresh(): void {
    for (const [workerId, { holder }] of this.#names) if (isLive(holder)) this.#changed.add(workerId)
  }

  /** Rows that have changed since the last call. */
  takeChanged(nowMs: number): RosterRow[] {
    const { adopted } = this.#options
    const rows: RosterRow[] = []
    for (const workerId of this.#changed) {
      const name = this.#names.get(workerId)
      if (name !== undefined) rows.push(rowOf(name.holder, { predecessor: name.predecessor, adopted }, nowMs))
    }
    this.#changed.clear()
    return rows
  }

  /** Workers that have been removed since the last call. */
  takeRemoved(): string[] {
    const removed = [...this.#removed]
    this.#removed.clear()
    return removed
  }

  takeClaims(nowMs: number): NameDecisions {
    return this.#contests.takeDecisions(nowMs)
  }

  /** Ends of processes that have been found, or have turned out to be wrong, since the last call. */
  takeEnds(nowMs: number): WorkerEndChanges {
    return this.#ends.takeChanges(nowMs)
  }

  totals(): WorkerTotals {
    const totals = { available: 0, busy: 0, unhealthy: 0, draining: 0 }
    for (const { holder } of this.#names.values()) {
      if (!isLive(holder)) continue
      totals[holder.verdict.liveliness === Liveliness.alive ? holder.facts.state : 'unhealthy']++
    }
    return totals
  }

  /** Ignores what others report of a claimant that has reported itself. */
  #putUnconfirmed(claimant: Claimant, nowMs: number): void {
    const known = this.#names.get(claimant.facts.workerId)?.get(claimant.participant)
    if (known === undefined || known.inherited) this.#put(claimant, nowMs)
  }

  #put(claimant: Claimant, nowMs: number): Claimant {
    const { workerId } = claimant.facts
    const names = this.#namesOf.get(claimant.participant) ?? new Set()
    this.#namesOf.set(claimant.participant, names.add(workerId))
    const name = this.#names.get(workerId)
    if (name === undefined) {
      const first = new WorkerName(claimant)
      this.#names.set(workerId, first)
      this.#replace(first, claimant)
      return claimant
    }
    this.#replace(name, claimant)
    this.#decideHolder(workerId, name, nowMs)
    return name.holder
  }

  /** Stores the claimant as it is now. Only the holder's report shows in the row. */
  #replace(name: WorkerName, claimant: Claimant): void {
    const { workerId } = claimant.facts
    if (isLive(claimant)) this.#ends.withdraw(claimant.facts)
    else this.#ends.record(claimant)
    this.#contests.markUndecided(workerId)
    if (name.put(claimant)) this.#markChanged(workerId)
  }

  #decideHolder(workerId: string, name: WorkerName, nowMs: number): void {
    const { hasChanged, dropped } = name.decideHolder(nowMs, this.#options.probationMs)
    if (hasChanged) this.#markChanged(workerId)
    for (const { participant } of dropped) this.#unlink(participant, workerId)
  }

  #unlink(participant: Guid, workerId: string): void {
    const names = this.#namesOf.get(participant)
    names?.delete(workerId)
    if (names?.size === 0) this.#namesOf.delete(participant)
  }

  #markChanged(workerId: string): void {
    this.#changed.add(workerId)
    this.#removed.delete(workerId)
    this.#contests.markUndecided(workerId)
  }
}
