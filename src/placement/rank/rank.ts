import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import { slotsPerChunk } from '../../views/snapshot/slot-set.js'
import type { ResolvedRequest } from '../request/placement-request.js'
import { Evaluation } from './evaluation.js'
import { drawFirst, orderByScore } from './order.js'
import { type RankOptions, resolveRankOptions } from './rank-options.js'
import { Ranking } from './ranking.js'
import { scan, scanAll } from './scan.js'

/**
 * Ranks the workers of a snapshot for a request: the candidates in order, and why each of the others is none. A pure
 * function: the same arguments give the same ranking.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be
 */
export function rank(snapshot: PlacementSnapshot, request: ResolvedRequest, options: RankOptions): Ranking {
  const resolved = resolveRankOptions(options, request.strategy)
  const evaluation = new Evaluation(snapshot, request, resolved)
  const slots = new Uint32Array(snapshot.size)
  const steps = new Uint16Array(snapshot.size)
  const refusals = resolved.explain ? new Uint32Array(snapshot.chunks.length * slotsPerChunk) : undefined
  const count = refusals === undefined ? scan(evaluation, slots, steps) : scanAll(evaluation, slots, steps, refusals)
  const turn = resolved.ties.kind === 'round-robin' ? resolved.ties.turn : 0
  const ordered = orderByScore(slots.subarray(0, count), steps.subarray(0, count), turn)
  drawFirst(ordered, resolved.ties)
  return new Ranking(evaluation, ordered, refusals)
}
