import { seededRandom } from '../../core/random.js'
import { scoreSteps } from './evaluation.js'
import type { TieBreak } from './rank-options.js'

/**
 * Sorts slots by falling score, in one pass over the steps of the score. Slots of one step keep the order in which
 * they came, begun at `turn`, so that each of them is first in its turn.
 */
export function orderByScore(slots: Uint32Array, steps: Uint16Array, turn: number): Uint32Array {
  const ends = new Uint32Array(scoreSteps + 1)
  const counts = new Uint32Array(scoreSteps + 1)
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index] ?? 0
    counts[step] = (counts[step] ?? 0) + 1
  }
  let end = 0
  for (let step = scoreSteps; step >= 0; step--) {
    end += counts[step] ?? 0
    ends[step] = end
  }
  // The slot that a turn begins with is the one at `turn % count` of its step: those before it go behind.
  const seen = new Uint32Array(scoreSteps + 1)
  const ordered = new Uint32Array(slots.length)
  for (let index = 0; index < slots.length; index++) {
    const step = steps[index] ?? 0
    const count = counts[step] ?? 0
    const place = ((seen[step] ?? 0) + count - (turn % count)) % count
    seen[step] = (seen[step] ?? 0) + 1
    ordered[(ends[step] ?? 0) - count + place] = slots[index] ?? 0
  }
  return ordered
}

/** Brings the candidate to the front that chance chooses; the others keep their order. */
export function drawFirst(ordered: Uint32Array, ties: TieBreak): void {
  if (ties.kind === 'round-robin' || ordered.length < 2) return
  const random = seededRandom(ties.seed)
  const drawn = (among: number): number => Math.min(among - 1, Math.floor(random() * among))
  const place =
    ties.kind === 'random'
      ? drawn(Math.max(1, Math.floor(ties.share * ordered.length)))
      : Math.min(drawn(ordered.length), drawn(ordered.length))
  const first = ordered[place] ?? 0
  ordered.copyWithin(1, 0, place)
  ordered[0] = first
}
