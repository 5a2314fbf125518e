import { term } from '../../views/snapshot/index-terms.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { type SlotSet, SlotSetBuilder, wordsPerChunk } from '../../views/snapshot/slot-set.js'
import { meets, type ResolvedRequirement } from '../request/label-requirement.js'

/** Slots that are in one of the sets, or, negated, in none of them. */
export interface Clause {
  readonly anyOf: readonly SlotSet[]
  readonly negated: boolean
}

/** Turns a condition on a label into sets of the snapshot's index. */
export function labelClause(snapshot: PlacementSnapshot, requirement: ResolvedRequirement): Clause {
  const { key, operator, values } = requirement
  switch (operator) {
    case 'In':
    case 'NotIn':
      return termClause(
        snapshot,
        values.map((value) => term.label(key, value)),
        operator === 'NotIn',
      )
    case 'Exists':
    case 'DoesNotExist':
      return termClause(snapshot, [term.labelKey(key)], operator === 'DoesNotExist')
    default:
      return { anyOf: [comparedSlots(snapshot, requirement)], negated: false }
  }
}

/** A tag of a request: `key=*` is met by every value. */
export function tagClause(snapshot: PlacementSnapshot, tag: string): Clause {
  return termClause(snapshot, [tag.endsWith('=*') ? term.tagKey(tag.slice(0, -2)) : term.tag(tag)])
}

export function termClause(snapshot: PlacementSnapshot, terms: readonly string[], negated = false): Clause {
  return { anyOf: terms.flatMap((name) => snapshot.index.get(name) ?? []), negated }
}

/** Writes one bit per slot of the chunk that the clause holds for. */
export function fillClause(out: Uint32Array, { anyOf, negated }: Clause, chunk: number): void {
  out.fill(0)
  for (const set of anyOf) {
    const words = set.words(chunk)
    if (words === undefined) continue
    for (let word = 0; word < wordsPerChunk; word++) out[word] = (out[word] ?? 0) | (words[word] ?? 0)
  }
  if (negated) for (let word = 0; word < wordsPerChunk; word++) out[word] = ~(out[word] ?? 0)
}

/** `Gt` and `Lt` are asked of each worker that has the label. */
function comparedSlots(snapshot: PlacementSnapshot, requirement: ResolvedRequirement): SlotSet {
  const slots = new SlotSetBuilder()
  for (const slot of snapshot.index.get(term.labelKey(requirement.key)) ?? []) {
    if (meets(snapshot.at(slot)?.profile?.labels ?? {}, requirement)) slots.add(slot)
  }
  return slots.snapshot()
}
