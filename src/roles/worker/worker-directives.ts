import { type ClosedAdmission, sameAdmission } from './admission.js'

/**
 * What a worker enforces on its slots now. For programs whose queue pushes jobs: set the consumer's
 * own concurrency by it, and pause the consumer while {@link WorkerDirectives.pause} is not null.
 */
export interface WorkerDirectives {
  /** Why the worker takes no work regardless of its load; null while it takes work. */
  readonly pause: ClosedAdmission | null
  /** Jobs at once, after every limit that applies. */
  readonly concurrency: number
  /** Jobs at once of each throttled queue. A view of what holds now, not a copy. */
  readonly queues: ReadonlyMap<string, number>
  /** Shards that it was asked to prefer. Advice. */
  readonly preferredShards: readonly string[]
  /** Weights of queues as configured for it. Advice. */
  readonly priorityWeights: Readonly<Record<string, number>>
}

/** Distinguishes one state of the directives from another without looking at each queue. */
export interface DirectivesMark {
  readonly pause: ClosedAdmission | null
  readonly concurrency: number
  /** Counts what others have changed: intents and configuration. */
  readonly revision: number
}

export function sameDirectives(a: DirectivesMark, b: DirectivesMark): boolean {
  return a.revision === b.revision && a.concurrency === b.concurrency && sameAdmission(a.pause, b.pause)
}
