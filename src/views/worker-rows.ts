import { type EntityGuid, type Guid, participantOf } from '../core/ids.js'
import { Liveliness } from '../liveliness/verdict.js'
import type { RosterRow } from '../plane/node-roster.js'
import { compareClaimRank } from '../plane/worker-claim.js'
import { type Held, type SourceStatus, sourceStatusOf, type VerdictOf } from './source-status.js'

/** The row that counts for a worker, and how its writer stands. */
export interface ChosenRow {
  readonly held: Held<RosterRow>
  readonly standing: SourceStatus
}

/**
 * All that is held of one workerId: a row per server that tells of it. Several may: the node's collector and one that
 * stands in for it, an old collector and the new one, or two nodes that each have a claimant of the name.
 */
export class WorkerRows {
  readonly #rows = new Map<EntityGuid, Held<RosterRow>>()

  get size(): number {
    return this.#rows.size
  }

  values(): IterableIterator<Held<RosterRow>> {
    return this.#rows.values()
  }

  /** False when it is held already. */
  put(held: Held<RosterRow>): boolean {
    const before = this.#rows.get(held.writer)
    if (before !== undefined && !before.withdrawn && before.seq >= held.seq) return false
    this.#rows.set(held.writer, held)
    return true
  }

  withdraw(writer: EntityGuid): boolean {
    const held = this.#rows.get(writer)
    if (held === undefined || held.withdrawn) return false
    this.#rows.set(writer, { ...held, withdrawn: true })
    return true
  }

  remove(writer: EntityGuid): boolean {
    return this.#rows.delete(writer)
  }

  /** For each claimant first the server that knows best, then the claimant with the best right to the name. */
  choose(verdictOf: VerdictOf, collectorOf: (writer: EntityGuid) => number): ChosenRow | undefined {
    const best = new Map<Guid, ChosenRow>()
    for (const held of this.#rows.values()) {
      const chosen = { held, standing: sourceStatusOf(held, verdictOf) }
      const claimant = claimantOf(held)
      const other = best.get(claimant)
      if (other === undefined || compareServers(chosen, other, collectorOf) > 0) best.set(claimant, chosen)
    }
    let winner: ChosenRow | undefined
    for (const chosen of best.values()) {
      if (winner === undefined || compareClaims(chosen, winner) > 0) winner = chosen
    }
    return winner
  }

  /** Whether somebody who can know says that the claimant lives. */
  lives(claimant: Guid, verdictOf: VerdictOf): boolean {
    for (const held of this.#rows.values()) {
      if (claimantOf(held) === claimant && isKnownLive({ held, standing: sourceStatusOf(held, verdictOf) })) return true
    }
    return false
  }
}

export function claimantOf({ value }: Held<RosterRow>): Guid {
  return participantOf(value.sourceWriter as EntityGuid)
}

function isKnownLive({ held, standing }: ChosenRow): boolean {
  return standing > 0 && held.value.liveliness !== Liveliness.dead
}

function compareServers(a: ChosenRow, b: ChosenRow, collectorOf: (writer: EntityGuid) => number): number {
  return (
    a.standing - b.standing ||
    Number(b.held.value.adopted) - Number(a.held.value.adopted) ||
    compareNumbers(collectorOf(a.held.writer), collectorOf(b.held.writer)) ||
    a.held.originTimeMs - b.held.originTimeMs
  )
}

/** Of those who are known to live the strongest claim; else the latest. */
function compareClaims(a: ChosenRow, b: ChosenRow): number {
  const liveA = isKnownLive(a)
  const liveB = isKnownLive(b)
  if (liveA !== liveB) return liveA ? 1 : -1
  if (liveA) return compareClaimRank(rankOf(a), rankOf(b))
  return compareNumbers(a.held.value.incarnation, b.held.value.incarnation) || compareClaimRank(rankOf(a), rankOf(b))
}

function rankOf({ held }: ChosenRow): Parameters<typeof compareClaimRank>[0] {
  const { ownershipStrength, incarnation } = held.value
  return { ownershipStrength, incarnation, claimant: claimantOf(held) }
}

/** Infinities included. */
function compareNumbers(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
