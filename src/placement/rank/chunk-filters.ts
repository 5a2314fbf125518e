import { TaintEffect } from '../../plane/vocabulary/taint.js'
import { term } from '../../views/snapshot/index-terms.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { wordsPerChunk } from '../../views/snapshot/slot-set.js'
import { type Clause, fillClause, labelClause, tagClause, termClause } from '../filter/label-clauses.js'
import { refusalBit } from '../filter/refusal.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { isTolerated } from '../request/tolerations.js'

/** Clauses that refuse with one reason together. */
interface ClauseGroup {
  readonly bit: number
  /** Each must hold. */
  readonly allOf: readonly Clause[]
  /** None may hold. */
  readonly noneOf: readonly Clause[]
  /** Slots of the present chunk that are refused. */
  readonly refused: Uint32Array
}

/** The filters that the snapshot's index answers for a whole chunk of slots at once. */
export class ChunkFilters {
  readonly #groups: readonly ClauseGroup[]
  readonly #scratch = new Uint32Array(wordsPerChunk)
  /** Slots of the present chunk that any of the filters refuses. */
  readonly refused = new Uint32Array(wordsPerChunk)

  constructor(snapshot: PlacementSnapshot, request: ResolvedRequest) {
    const { capability, tags, required, forbidden, queue } = request
    const label = (requirement: (typeof required)[number]): Clause => labelClause(snapshot, requirement)
    const groups = [
      group(refusalBit.noCapability, capability === null ? [] : [termClause(snapshot, [term.capability(capability)])]),
      group(
        refusalBit.tagMismatch,
        tags.map((tag) => tagClause(snapshot, tag)),
      ),
      group(refusalBit.selectorMismatch, required.map(label), forbidden.map(label)),
      group(refusalBit.taint, [], untolerated(snapshot, request)),
      group(refusalBit.queueMismatch, queue === null ? [] : [termClause(snapshot, [term.queue(queue), term.anyQueue])]),
    ]
    this.#groups = groups.filter(({ allOf, noneOf }) => allOf.length + noneOf.length > 0)
  }

  load(chunk: number): void {
    this.refused.fill(0)
    for (const { allOf, noneOf, refused } of this.#groups) {
      refused.fill(0)
      for (const clause of allOf) this.#refuse(refused, clause, chunk, false)
      for (const clause of noneOf) this.#refuse(refused, clause, chunk, true)
      for (let word = 0; word < wordsPerChunk; word++) {
        this.refused[word] = (this.refused[word] ?? 0) | (refused[word] ?? 0)
      }
    }
  }

  /** The reasons for which a slot of the present chunk is refused. */
  refusals(index: number): number {
    let bits = 0
    for (const { bit, refused } of this.#groups) if (((refused[index >>> 5] ?? 0) >>> (index & 31)) & 1) bits |= bit
    return bits
  }

  #refuse(refused: Uint32Array, clause: Clause, chunk: number, whereItHolds: boolean): void {
    fillClause(this.#scratch, clause, chunk)
    for (let word = 0; word < wordsPerChunk; word++) {
      const holds = this.#scratch[word] ?? 0
      refused[word] = (refused[word] ?? 0) | (whereItHolds ? holds : ~holds)
    }
  }
}

function group(bit: number, allOf: readonly Clause[], noneOf: readonly Clause[] = []): ClauseGroup {
  return { bit, allOf, noneOf, refused: new Uint32Array(wordsPerChunk) }
}

/** Taints that keep the request away. */
function untolerated({ taints }: PlacementSnapshot, { tolerations }: ResolvedRequest): Clause[] {
  return taints
    .filter(({ taint }) => taint.effect !== TaintEffect.preferNoSchedule && !isTolerated(taint, tolerations))
    .map(({ slots }) => ({ anyOf: [slots], negated: false }))
}
