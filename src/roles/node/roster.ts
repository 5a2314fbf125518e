import { type Guid, participantOf } from '../../core/ids.js'
import { aliveVerdict, Liveliness, type Verdict } from '../../liveliness/verdict.js'
import type { WorkerTotals } from '../../plane/node-capacity.js'
import type { Predecessor, RosterRow } from '../../plane/node-roster.js'
import type { WorkerCapacity } from '../../plane/worker-capacity.js'
import { compareClaimRank, type WorkerClaim } from '../../plane/worker-claim.js'
import type { WorkerState } from '../../plane/worker-state.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import {
  asPredecessor,
  type Claimant,
  compareClaimants,
  inheritedClaimant,
  isLive,
  nameClaimOf,
  rankOf,
  rowOf,
  silentClaimant,
  unknownLoad,
} from './claimant.js'
import { ForeignClaims } from './foreign-claims.js'

export interface RosterOptions {
  /** A dead worker's row stays visible, with its cause, so long. */
  readonly deadRetentionMs: number
  /** Who takes a name that was somebody else's does not count as reliable for so long. */
  readonly probationMs: number
  /** Rows are written in the place of the node's own collector. */
  readonly adopted: boolean
}

/** One workerId: who claims it here, and who is the worker. */
interface Name {
  readonly claimants: Map<Guid, Claimant>
  holder: Claimant
  predecessor: Predecessor | null
}

/** What happened to a sample that the roster was given. */
export type Acceptance =
  | 'applied'
  /** Applied, and the name was another participant's until now. */
  | 'took-over'
  | 'stale-sequence'
  /** A claimant's word that has lost the name: kept, and shown nowhere. */
  | 'lost-claim'

/**
 * One row per worker of a node: its own last word, and whether it lives. Pure: told what arrived and what time it
 * is. Of several participants that claim one workerId the strongest that lives is the worker, at once; what another
 * says is kept in case it comes to its turn, and shows nowhere else.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #names = new Map<string, Name>()
  readonly #namesOf = new Map<Guid, Set<string>>()
  /** Verdicts by participant, also those that came before the first state did. */
  readonly #verdicts = new Map<Guid, Verdict>()
  readonly #foreign = new ForeignClaims()
  readonly #changed = new Set<string>()
  readonly #removed = new Set<string>()
  /** Names whose contest may have changed. */
  readonly #unsettled = new Set<string>()
  /** By name, the claimant that was last announced. */
  readonly #announced = new Map<string, string>()

  constructor(options: RosterOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#names.size
  }

  has(workerId: string): boolean {
    return this.#names.has(workerId)
  }

  livingWorkers(): string[] {
    return [...this.#names].flatMap(([workerId, { holder }]) => (isLive(holder) ? [workerId] : []))
  }

  /** Whether the participant claims the name and has been heard here. */
  knows(workerId: string, participant: Guid): boolean {
    return this.#names.get(workerId)?.claimants.has(participant) ?? false
  }

  applyState(sample: Sample<WorkerState>, nowMs: number): Acceptance {
    const { value: facts, token } = sample
    if (facts === undefined || sample.instanceState !== 'alive') return 'stale-sequence'
    const participant = participantOf(token.writer)
    const holderBefore = this.#names.get(facts.workerId)?.holder.participant ?? participant
    const before = this.#names.get(facts.workerId)?.claimants.get(participant)
    if (before !== undefined && before.writer === token.writer) {
      if (token.seq < before.seq || (token.seq === before.seq && !before.inherited)) return 'stale-sequence'
    }
    const holder = this.#put(
      {
        participant,
        writer: token.writer,
        seq: token.seq,
        facts,
        originTimeMs: sample.originTimeMs,
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

  applyCapacity(sample: Sample<WorkerCapacity>): void {
    const { value: capacity, token } = sample
    if (capacity === undefined || sample.instanceState !== 'alive') return
    const name = this.#names.get(capacity.workerId)
    const claimant = name?.claimants.get(participantOf(token.writer))
    if (name === undefined || claimant === undefined) return
    const { eventLoopUtilization, memoryHeadroomBytes } = capacity
    this.#replace(name, { ...claimant, load: { eventLoopUtilization, memoryHeadroomBytes } })
  }

  /** A worker that nobody has heard here, from the row of who served the node before, as it is judged now. */
  inherit(row: RosterRow, rowTimeMs: number, verdict: Verdict, nowMs: number): void {
    this.#putUnheard(inheritedClaimant(row, rowTimeMs, verdict), nowMs)
  }

  /** A worker of this node that ended before it had said anything here. */
  endedUnheard(peer: Peer, workerId: string, numaNode: number, nowMs: number): void {
    this.#putUnheard(silentClaimant(peer, workerId, numaNode), nowMs)
  }

  /** How a participant is judged now. True when a worker's liveliness has changed by it. */
  applyVerdict(participant: Guid, verdict: Verdict, nowMs: number): boolean {
    this.#verdicts.set(participant, verdict)
    let changed = false
    for (const workerId of this.#namesOf.get(participant) ?? []) {
      const name = this.#names.get(workerId)
      const claimant = name?.claimants.get(participant)
      if (name === undefined || claimant === undefined || sameVerdict(claimant.verdict, verdict)) continue
      const wasHolder = name.holder === claimant
      this.#replace(name, { ...claimant, verdict })
      this.#settle(workerId, name, nowMs)
      changed ||= wasHolder || name.holder.participant === participant
    }
    return changed
  }

  /** The participant layer has forgotten a participant; what it was last judged stays with its worker. */
  forgetParticipant(participant: Guid): void {
    this.#verdicts.delete(participant)
  }

  /** A row of another node. True when it bears on a name that is claimed here. */
  applyForeign(row: RosterRow, nowMs: number): boolean {
    const news = this.#foreign.apply(row, nowMs) && this.#names.has(row.workerId)
    if (news) this.#unsettled.add(row.workerId)
    return news
  }

  forgetForeign(workerId: string, place: string): boolean {
    const news = this.#foreign.forget(workerId, place) && this.#names.has(workerId)
    if (news) this.#unsettled.add(workerId)
    return news
  }

  /** Forgets workers that have been dead for long. */
  expire(nowMs: number): void {
    for (const workerId of this.#foreign.expire(nowMs)) if (this.#names.has(workerId)) this.#unsettled.add(workerId)
    for (const [workerId, { holder, claimants }] of this.#names) {
      const { liveliness, sinceMs } = holder.verdict
      if (liveliness !== Liveliness.dead || sinceMs + this.#options.deadRetentionMs > nowMs) continue
      for (const participant of claimants.keys()) this.#unlink(participant, workerId)
      this.#names.delete(workerId)
      this.#changed.delete(workerId)
      this.#removed.add(workerId)
      this.#unsettled.add(workerId)
    }
  }

  /** Every living worker's row is due again, so that its age and the silence of who writes it can be told apart. */
  refresh(): void {
    for (const [workerId, { holder }] of this.#names) if (isLive(holder)) this.#changed.add(workerId)
  }

  /** Rows changed since the last call. */
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

  /** Workers forgotten since the last call. */
  takeRemoved(): string[] {
    const removed = [...this.#removed]
    this.#removed.clear()
    return removed
  }

  /** Contested names whose worker has changed since the last call, and names that are contested no more. */
  takeClaims(): { readonly decided: readonly WorkerClaim[]; readonly settled: readonly string[] } {
    const decided: WorkerClaim[] = []
    const settled: string[] = []
    for (const workerId of this.#unsettled) {
      const claim = this.#contest(workerId)
      if (claim === undefined) {
        if (this.#announced.delete(workerId)) settled.push(workerId)
      } else if (this.#announced.get(workerId) !== claim.claimant) {
        this.#announced.set(workerId, claim.claimant)
        decided.push(claim)
      }
    }
    this.#unsettled.clear()
    return { decided, settled }
  }

  totals(): WorkerTotals {
    const totals = { available: 0, busy: 0, unhealthy: 0, draining: 0 }
    for (const { holder } of this.#names.values()) {
      if (!isLive(holder)) continue
      totals[holder.verdict.liveliness === Liveliness.alive ? holder.facts.state : 'unhealthy']++
    }
    return totals
  }

  /** The worker of a name that several claim, or whose worker still believes that it is somebody else. */
  #contest(workerId: string): WorkerClaim | undefined {
    const name = this.#names.get(workerId)
    if (name === undefined || !isLive(name.holder)) return undefined
    const own = nameClaimOf(name.holder)
    const other = this.#foreign.strongest(workerId)
    const best = other !== undefined && compareClaimRank(other, rankOf(name.holder)) > 0 ? other : own
    const rivals = [...name.claimants.values()].filter(isLive).length - 1
    const isOpen = rivals > 0 || other !== undefined || name.holder.facts.standby
    return isOpen ? best : undefined
  }

  /** What others say of a claimant counts for nothing once it has been heard itself. */
  #putUnheard(claimant: Claimant, nowMs: number): void {
    const known = this.#names.get(claimant.facts.workerId)?.claimants.get(claimant.participant)
    if (known === undefined || known.inherited) this.#put(claimant, nowMs)
  }

  #put(claimant: Claimant, nowMs: number): Claimant {
    const { workerId } = claimant.facts
    const names = this.#namesOf.get(claimant.participant) ?? new Set()
    this.#namesOf.set(claimant.participant, names.add(workerId))
    const name = this.#names.get(workerId)
    if (name === undefined) {
      const claimants = new Map([[claimant.participant, claimant]])
      this.#names.set(workerId, { claimants, holder: claimant, predecessor: null })
      this.#touch(workerId)
      return claimant
    }
    this.#replace(name, claimant)
    this.#settle(workerId, name, nowMs)
    return name.holder
  }

  /** The claimant as it is now; only what the worker itself says shows in the row. */
  #replace(name: Name, claimant: Claimant): void {
    const { workerId } = claimant.facts
    name.claimants.set(claimant.participant, claimant)
    this.#unsettled.add(workerId)
    if (name.holder.participant !== claimant.participant) return
    name.holder = claimant
    this.#touch(workerId)
  }

  /** Who is the worker now? Those who have lost the name and are gone are forgotten. */
  #settle(workerId: string, name: Name, nowMs: number): void {
    const { holder: before, claimants } = name
    for (const claimant of claimants.values()) if (compareClaimants(claimant, name.holder) > 0) name.holder = claimant
    if (name.holder !== before) {
      name.predecessor = asPredecessor(before)
      name.holder = { ...name.holder, reliableFromMs: nowMs + this.#options.probationMs }
      claimants.set(name.holder.participant, name.holder)
      this.#touch(workerId)
    }
    for (const [participant, claimant] of claimants) {
      if (claimant === name.holder || isLive(claimant)) continue
      claimants.delete(participant)
      this.#unlink(participant, workerId)
      if (name.predecessor?.incarnation === claimant.facts.incarnation) {
        name.predecessor = { ...name.predecessor, lives: false }
        this.#touch(workerId)
      }
    }
  }

  #unlink(participant: Guid, workerId: string): void {
    const names = this.#namesOf.get(participant)
    names?.delete(workerId)
    if (names?.size === 0) this.#namesOf.delete(participant)
  }

  #touch(workerId: string): void {
    this.#changed.add(workerId)
    this.#removed.delete(workerId)
    this.#unsettled.add(workerId)
  }
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  return a.liveliness === b.liveliness && a.cause === b.cause && a.detail === b.detail
}
