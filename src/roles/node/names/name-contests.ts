import type { RosterRow } from '../../../plane/node/node-roster.js'
import { compareClaimRank, type WorkerClaim } from '../../../plane/worker/worker-claim.js'
import { isLive, nameClaimOf, rankOf } from './claimant.js'
import { ForeignClaims } from './foreign-claims.js'
import type { WorkerName } from './worker-name.js'

interface Announcement {
  readonly claimant: string
  readonly atMs: number
}

/** How soon a decision is announced again while a claimant acts by another one, which another writer may have sent. */
const repeatMs = 1_000

/** Contested names whose holder is to be announced, and names that are no longer contested. */
export interface NameDecisions {
  readonly decided: readonly WorkerClaim[]
  readonly settled: readonly string[]
}

/**
 * Decides which claimant of a workerId is announced as its holder while several processes claim the name: on this node,
 * or on another node according to that node's rows. Nothing is announced while only one process claims it.
 */
export class NameContests {
  readonly #names: ReadonlyMap<string, WorkerName>
  readonly #foreign = new ForeignClaims()
  /** Names whose contest may have changed. */
  readonly #undecided = new Set<string>()
  /** The claimant that was announced last, by name. */
  readonly #announced = new Map<string, Announcement>()

  constructor(names: ReadonlyMap<string, WorkerName>) {
    this.#names = names
  }

  /** The claimants of a name on this node, or their liveliness, have changed. */
  markUndecided(workerId: string): void {
    this.#undecided.add(workerId)
  }

  /** Takes a row of another node. True when it changes the claims to a name that is claimed here. */
  applyForeign(row: RosterRow, nowMs: number): boolean {
    return this.#foreign.apply(row, nowMs) && this.#markKnown(row.workerId)
  }

  /** Removes the claim of another node. True when that changes the claims to a name that is claimed here. */
  removeForeign(workerId: string, node: string): boolean {
    return this.#foreign.remove(workerId, node) && this.#markKnown(workerId)
  }

  /** Removes claims of other nodes that have not been refreshed. */
  expire(nowMs: number): void {
    for (const workerId of this.#foreign.expire(nowMs)) this.#markKnown(workerId)
  }

  takeDecisions(nowMs: number): NameDecisions {
    const decided: WorkerClaim[] = []
    const settled: string[] = []
    for (const workerId of [...this.#undecided]) {
      const claim = this.#contestedClaim(workerId)
      if (claim === undefined) {
        this.#undecided.delete(workerId)
        if (this.#announced.delete(workerId)) settled.push(workerId)
        continue
      }
      const isObeyed = this.#names.get(workerId)?.isObeyed(claim.claimant) ?? true
      if (isObeyed) this.#undecided.delete(workerId)
      const last = this.#announced.get(workerId)
      const isNew = last?.claimant !== claim.claimant
      if (!isNew && (isObeyed || nowMs - last.atMs < repeatMs)) continue
      this.#announced.set(workerId, { claimant: claim.claimant, atMs: nowMs })
      decided.push(claim)
    }
    return { decided, settled }
  }

  /** The holder of a name that several processes claim, or whose holder still stands by for another. */
  #contestedClaim(workerId: string): WorkerClaim | undefined {
    const name = this.#names.get(workerId)
    if (name === undefined || !isLive(name.holder)) return undefined
    const other = this.#foreign.strongest(workerId)
    const isContested = name.rivals > 0 || other !== undefined || name.holder.facts.standby
    if (!isContested) return undefined
    return other !== undefined && compareClaimRank(other, rankOf(name.holder)) > 0 ? other : nameClaimOf(name.holder)
  }

  #markKnown(workerId: string): boolean {
    const isKnown = this.#names.has(workerId)
    if (isKnown) this.#undecided.add(workerId)
    return isKnown
  }
}
