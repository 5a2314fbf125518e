import { TaintEffect } from '../../plane/vocabulary/taint.js'
import { term } from '../../views/snapshot/index-terms.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { wordsPerChunk } from '../../views/snapshot/slot-set.js'
import { type Clause, fillClause, labelClause, termClause } from '../filter/label-clauses.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { isTolerated } from '../request/tolerations.js'

/** A sum over the clauses that hold for a slot, each with a weight of its own. */
class WeightedClauses {
  readonly #clauses: readonly Clause[]
  readonly #weights: readonly number[]
  readonly #bits: readonly Uint32Array[]
  readonly total: number

  constructor(clauses: readonly Clause[], weights: readonly number[]) {
    this.#clauses = clauses
    this.#weights = weights
    this.#bits = clauses.map(() => new Uint32Array(wordsPerChunk))
    this.total = weights.reduce((sum, weight) => sum + weight, 0)
  }

  load(chunk: number): void {
    for (const [index, clause] of this.#clauses.entries()) {
      const bits = this.#bits[index]
      if (bits !== undefined) fillClause(bits, clause, chunk)
    }
  }

  sum(index: number): number {
    let sum = 0
    for (let clause = 0; clause < this.#bits.length; clause++) {
      const word = this.#bits[clause]?.[index >>> 5] ?? 0
      if ((word >>> (index & 31)) & 1) sum += this.#weights[clause] ?? 0
    }
    return sum
  }
}

/** What the snapshot's index tells of a request's preferences, for a whole chunk of slots at once. */
export class ChunkPreferences {
  readonly labels: WeightedClauses
  readonly residents: WeightedClauses
  /** Untolerated taints with effect `prefer-no-schedule`. */
  readonly taints: WeightedClauses
  /** The worker holds the shard. */
  readonly shardHeld: WeightedClauses
  /** An intent prefers the shard there; the row tells whether it still holds. */
  readonly shardWanted: WeightedClauses

  constructor(snapshot: PlacementSnapshot, { preferred, residents, shard, tolerations }: ResolvedRequest) {
    this.labels = new WeightedClauses(
      preferred.map((requirement) => labelClause(snapshot, requirement)),
      preferred.map(({ weight }) => weight),
    )
    this.residents = counted(residents.map((resident) => termClause(snapshot, [term.resident(resident)])))
    this.taints = counted(
      snapshot.taints
        .filter(({ taint }) => taint.effect === TaintEffect.preferNoSchedule && !isTolerated(taint, tolerations))
        .map(({ slots }) => ({ anyOf: [slots], negated: false })),
    )
    this.shardHeld = counted(shard === null ? [] : [termClause(snapshot, [term.shard(shard)])])
    this.shardWanted = counted(shard === null ? [] : [termClause(snapshot, [term.preferredShard(shard)])])
  }

  load(chunk: number): void {
    this.labels.load(chunk)
    this.residents.load(chunk)
    this.taints.load(chunk)
    this.shardHeld.load(chunk)
    this.shardWanted.load(chunk)
  }
}

function counted(clauses: readonly Clause[]): WeightedClauses {
  return new WeightedClauses(
    clauses,
    clauses.map(() => 1),
  )
}
