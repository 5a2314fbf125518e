import { type EntityGuid, type Guid, participantOf } from '../../core/ids.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { RosterRow } from '../../plane/node/node-roster.js'
import { compareClaimRank, compareObservedClaims, type ObservedClaim } from '../../plane/worker/worker-claim.js'
import type { Sample } from '../../pubsub/model/sample.js'
import { type Held, nextHeld } from './held.js'
import { type SourceStatus, sourceStatusOf, type VerdictOf } from './source-status.js'

/** The row that counts for a worker, and the status of its server. */
export interface ChosenRow {
  readonly held: Held<RosterRow>
  readonly standing: SourceStatus
}

/** What the choice between rows depends on besides the rows themselves. */
export interface RowContext {
  readonly verdictOf: VerdictOf
  /** Orders two collectors of one node. */
  readonly collectorOf: (writer: EntityGuid) => number
  /** Whether the process behind a row is known to have ended. */
  readonly isEnded: (row: RosterRow) => boolean
  /** Changes with the answers of `collectorOf` and `isEnded`. */
  readonly revision: number
}

interface Choice {
  readonly chosen: ChosenRow | undefined
  readonly standings: readonly SourceStatus[]
  readonly revision: number
}

/**
 * All rows of one workerId, one per server that reports it. There may be several: of the node's collector and of the
 * process that stands in for it, of an old collector and the new one, or of two nodes that each have a claimant.
 */
export class WorkerRows {
  readonly #rows = new Map<EntityGuid, Held<RosterRow>>()
  #choice: Choice | undefined

  get size(): number {
    return this.#rows.size
  }

  values(): IterableIterator<Held<RosterRow>> {
    return this.#rows.values()
  }

  /** False when the sample changes nothing. */
  apply(sample: Sample<RosterRow>): boolean {
    const { writer } = sample.token
    const before = this.#rows.get(writer)
    const after = nextHeld(before, sample)
    if (after === before) return false
    this.#choice = undefined
    if (after === undefined) this.#rows.delete(writer)
    else this.#rows.set(writer, after)
    return true
  }

  remove(writer: EntityGuid): boolean {
    this.#choice = undefined
    return this.#rows.delete(writer)
  }

  /** For each claimant the row of the server that knows best, then the claimant with the best right to the name. */
  choose(context: RowContext): ChosenRow | undefined {
    if (this.#choice !== undefined && this.#isValid(this.#choice, context)) return this.#choice.chosen
    const standings = [...this.#rows.values()].map((held) => sourceStatusOf(held, context.verdictOf))
    const chosen = this.#winner(context, standings)
    this.#choice = { chosen, standings, revision: context.revision }
    return chosen
  }

  /** The rows of one incarnation, that of the server that knows best first. */
  ofIncarnation(incarnation: number, context: RowContext): ChosenRow[] {
    return [...this.#rows.values()]
      .filter(({ value }) => value.incarnation === incarnation)
      .map((held) => ({ held, standing: sourceStatusOf(held, context.verdictOf) }))
      .sort((a, b) => compareServers(b, a, context))
  }

  /**
   * Returns the rows of the claimants of which any may hold the name: the chosen one, and each that is not known to be dead
   * and would win if it were known to be alive. One row where there is no question.
   */
  contenders(context: RowContext): ChosenRow[] {
    const chosen = this.choose(context)
    if (chosen === undefined) return []
    if (isKnownDead(chosen, context)) return [chosen]
    const isCertain = isKnownLive(chosen, context)
    const standings = [...this.#rows.values()].map((held) => sourceStatusOf(held, context.verdictOf))
    const rivals = [...this.#claims(context, standings)].filter((claim) => {
      if (claimantOf(claim.held) === claimantOf(chosen.held) || isKnownDead(claim, context)) return false
      return !isCertain || compareClaimRank(rankOf(claim), rankOf(chosen)) > 0
    })
    return [chosen, ...rivals]
  }

  /** Whether a server that can know reports that the claimant is alive. */
  isReportedAlive(claimant: Guid, verdictOf: VerdictOf): boolean {
    for (const held of this.#rows.values()) {
      const standing = sourceStatusOf(held, verdictOf)
      if (claimantOf(held) === claimant && standing > 0 && held.value.liveliness !== Liveliness.dead) return true
    }
    return false
  }

  /** Whether every server still has the status that the choice was made by. */
  #isValid({ standings, revision }: Choice, context: RowContext): boolean {
    if (revision !== context.revision) return false
    let index = 0
    for (const held of this.#rows.values()) {
      if (sourceStatusOf(held, context.verdictOf) !== standings[index++]) return false
    }
    return true
  }

  #winner(context: RowContext, standings: readonly SourceStatus[]): ChosenRow | undefined {
    let winner: ChosenRow | undefined
    for (const chosen of this.#claims(context, standings)) {
      if (winner === undefined || compareClaims(chosen, winner, context) > 0) winner = chosen
    }
    return winner
  }

  /** For each claimant the row of the server that knows best. */
  #claims(context: RowContext, standings: readonly SourceStatus[]): IterableIterator<ChosenRow> {
    const best = new Map<Guid, ChosenRow>()
    let index = 0
    for (const held of this.#rows.values()) {
      const chosen = { held, standing: standings[index++] ?? 0 }
      const claimant = claimantOf(held)
      const other = best.get(claimant)
      if (other === undefined || compareServers(chosen, other, context) > 0) best.set(claimant, chosen)
    }
    return best.values()
  }
}

export function claimantOf({ value }: Held<RosterRow>): Guid {
  return participantOf(value.sourceWriter as EntityGuid)
}

function isKnownLive({ held, standing }: ChosenRow, { isEnded }: RowContext): boolean {
  return standing > 0 && held.value.liveliness !== Liveliness.dead && !isEnded(held.value)
}

function isKnownDead({ held }: ChosenRow, { isEnded }: RowContext): boolean {
  return held.value.liveliness === Liveliness.dead || isEnded(held.value)
}

function compareServers(a: ChosenRow, b: ChosenRow, { collectorOf }: RowContext): number {
  return (
    a.standing - b.standing ||
    Number(b.held.value.adopted) - Number(a.held.value.adopted) ||
    compareNumbers(collectorOf(a.held.writer), collectorOf(b.held.writer)) ||
    a.held.originTimeMs - b.held.originTimeMs
  )
}

/** The strongest claim that is known to be alive; if there is none, the latest claim. */
function compareClaims(a: ChosenRow, b: ChosenRow, context: RowContext): number {
  const liveA = isKnownLive(a, context)
  const liveB = isKnownLive(b, context)
  if (liveA !== liveB) return liveA ? 1 : -1
  if (liveA) return compareObservedClaims(rankOf(a), rankOf(b))
  return compareNumbers(a.held.value.incarnation, b.held.value.incarnation) || compareClaimRank(rankOf(a), rankOf(b))
}

function rankOf({ held }: ChosenRow): ObservedClaim {
  const { ownershipStrength, incarnation, liveliness } = held.value
  return { ownershipStrength, incarnation, claimant: claimantOf(held), isAlive: liveliness === Liveliness.alive }
}

/** Infinities included. */
function compareNumbers(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}
