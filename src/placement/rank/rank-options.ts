import { invalidArgument } from '../../core/errors.js'
import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import type { ReservedTotals } from '../fit/reserved-totals.js'
import { type AllocationFormula, type AllocationPreset, allocationPresets } from '../score/allocation.js'
import { resolveScoreWeights, type ScoreWeights } from '../score/terms.js'

/**
 * What decides between candidates that are equally good, so that not every scheduler sends its work to the same one.
 * Scores count as equal when they are in four digits.
 */
export type TieBreak =
  /** Candidates of equal score take turns: `turn` goes up by one with each decision. */
  | { readonly kind: 'round-robin'; readonly turn: number }
  /** The first is drawn from the best `share` of all candidates, at least one, as Ray does. */
  | { readonly kind: 'random'; readonly seed: number; readonly share: number }
  /** The first is the better of two candidates that are drawn from all, as Sparrow does. */
  | { readonly kind: 'two-choices'; readonly seed: number }

export interface RankOptions {
  /** On the monotonic clock of the snapshot. */
  readonly nowMs: number
  /** Weights that differ from the default ones; 0 leaves a term out. */
  readonly weights?: Partial<ScoreWeights>
  /**
   * How full a zone should be.
   * @default by the request's strategy: 'kubernetesLeastAllocated' for spread and random, 'nomadBinpack' for pack
   */
  readonly allocation?: AllocationPreset
  /** @default by the request's strategy: round robin with turn 0, or random with seed 0 among the best fifth */
  readonly ties?: TieBreak
  /** What has been given away since the workers last reported. @default nothing */
  readonly reserved?: ReservedTotals
  /**
   * Whether all reasons of every refused worker are kept. Without, ranking stops at a worker's first reasons, and the
   * ranking counts and lists no refusals until it is asked why nothing fits.
   * @default true
   */
  readonly explain?: boolean
  /** Whether a worker on probation is refused, or only scores less. @default 'score' */
  readonly probation?: 'score' | 'refuse'
  /** A worker whose last report is no older than this is fresh. @default 3000 */
  readonly freshMs?: number
  /** A worker whose last report is older than this scores 0 for staleness. @default 30000 */
  readonly staleMs?: number
  /** When to look again where nothing tells better. @default 1000 */
  readonly recheckMs?: number
  /** At what time to look again at the latest. @default 30000 */
  readonly maxRetryAfterMs?: number
}

export interface ResolvedRankOptions {
  readonly nowMs: number
  readonly weights: ScoreWeights
  readonly allocation: AllocationFormula
  readonly ties: TieBreak
  readonly reserved: ReservedTotals | undefined
  readonly explain: boolean
  readonly probation: 'score' | 'refuse'
  readonly freshMs: number
  readonly staleMs: number
  readonly recheckMs: number
  readonly maxRetryAfterMs: number
}

export const defaultRankOptions = Object.freeze({
  explain: true,
  probation: 'score' as const,
  freshMs: 3_000,
  staleMs: 30_000,
  recheckMs: 1_000,
  maxRetryAfterMs: 30_000,
})

/** Ray's share of the best candidates among which chance decides. */
const bestShare = 0.2

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option and what it must be */
export function resolveRankOptions(options: RankOptions, strategy: 'spread' | 'pack' | 'random'): ResolvedRankOptions {
  const given = withoutUndefined(options)
  const allocation = given.allocation ?? (strategy === 'pack' ? 'nomadBinpack' : 'kubernetesLeastAllocated')
  if (!Object.hasOwn(allocationPresets, allocation)) {
    throw invalidArgument(`allocation must be one of ${Object.keys(allocationPresets).join(', ')}, not ${allocation}`)
  }
  const resolved = {
    ...defaultRankOptions,
    reserved: undefined,
    ...given,
    weights: resolveScoreWeights(given.weights),
    allocation: allocationPresets[allocation],
    ties: given.ties ?? defaultTies(strategy),
  }
  checkTies(resolved.ties)
  if (!Number.isFinite(resolved.nowMs)) throw invalidArgument(`nowMs must be a number, not ${resolved.nowMs}`)
  for (const name of ['freshMs', 'staleMs', 'recheckMs', 'maxRetryAfterMs'] as const) {
    checkDurationMs(name, resolved[name])
  }
  if (resolved.staleMs <= resolved.freshMs) throw invalidArgument('staleMs must be more than freshMs')
  return resolved
}

function defaultTies(strategy: 'spread' | 'pack' | 'random'): TieBreak {
  return strategy === 'random' ? { kind: 'random', seed: 0, share: bestShare } : { kind: 'round-robin', turn: 0 }
}

function checkTies(ties: TieBreak): void {
  const number = ties.kind === 'round-robin' ? ties.turn : ties.seed
  if (!Number.isSafeInteger(number) || number < 0) {
    throw invalidArgument(`ties need a turn or a seed that is an integer from 0, not ${number}`)
  }
  if (ties.kind === 'random' && !(ties.share > 0 && ties.share <= 1)) {
    throw invalidArgument(`ties.share must be over 0 and at most 1, not ${ties.share}`)
  }
}
