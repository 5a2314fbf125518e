import { CatchUpState } from '../../cache/writer-progress.js'
import type { WriterLag } from '../../pubsub/reader/reader.js'
import { Freshness } from '../freshness/freshness.js'
import { worseState } from '../freshness/owner-lag.js'
import type { ReportedNode } from '../rows/reported-problems.js'
import type { UnplacedWorker } from '../rows/unplaced-worker.js'

/** What the view is still good for. A {@link DegradedMode} tells more. */
export const ViewMode = {
  healthy: 'healthy',
  /** Reading. Take no decision that cannot be undone. */
  viewOnly: 'view-only',
  /** Nothing: no node is known. */
  blind: 'blind',
} as const
export type ViewMode = (typeof ViewMode)[keyof typeof ViewMode]

/** What a view knows about itself. Every status contains it. */
export interface ViewConsistency {
  readonly freshness: Freshness
  /** Changes that owners have made and this view has not applied, according to their digests. */
  readonly lag: number
  /** Age of the oldest of the nodes' last reports; null when no node is known. */
  readonly lagMs: number | null
  /** The worst over all owners. */
  readonly catchUpState: CatchUpState
  readonly degradedMode: ViewMode
  /** How long this participant has listened. It cannot know of a node that fell silent earlier, unless others report it. */
  readonly listeningForMs: number
  /** Workers that run, and that no collector serves. */
  readonly unplaced: readonly UnplacedWorker[]
  /** Nodes that other participants have received from, and that this view does not see. */
  readonly reportedElsewhere: readonly ReportedNode[]
}

export interface ConsistencyFacts {
  readonly listeningForMs: number
  readonly unplaced: readonly UnplacedWorker[]
  readonly reportedElsewhere: readonly ReportedNode[]
  readonly lags: readonly Pick<WriterLag, 'lagSamples' | 'catchUpState'>[]
  /** Per known node, the time since its collector's last node.capacity was written. */
  readonly nodeAgesMs: readonly number[]
  /** Whether a collector of a known node is gone. */
  readonly collectorGone: boolean
  /** A node received from longer ago than this is not within bounds. */
  readonly maxAgeMs: number
}

export function computeConsistency(facts: ConsistencyFacts): ViewConsistency {
  let lag = 0
  let worst: CatchUpState = CatchUpState.fresh
  for (const { lagSamples, catchUpState } of facts.lags) {
    lag += Math.max(0, lagSamples)
    worst = worseState(worst, catchUpState)
  }
  const blind = facts.nodeAgesMs.length === 0
  const lagMs = blind ? null : Math.round(Math.max(0, ...facts.nodeAgesMs))
  const catchUpState = blind ? CatchUpState.unavailable : worst
  const isComplete = facts.unplaced.length === 0 && facts.reportedElsewhere.length === 0 && !facts.collectorGone
  const bounded = lagMs !== null && lagMs <= facts.maxAgeMs && isComplete && catchUpState === 'fresh'
  const degradedMode = blind ? ViewMode.blind : bounded ? ViewMode.healthy : ViewMode.viewOnly
  return {
    freshness: bounded ? Freshness.bounded : Freshness.bestEffort,
    lag,
    lagMs,
    catchUpState,
    degradedMode,
    listeningForMs: Math.round(facts.listeningForMs),
    unplaced: facts.unplaced,
    reportedElsewhere: facts.reportedElsewhere,
  }
}
