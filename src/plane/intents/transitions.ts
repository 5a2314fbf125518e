import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { name, note } from '../vocabulary/text.js'
import { IntentKind, maxIntentTtlMs } from './intents.js'

/** How far an intent got at one worker. The first two are intermediate; the others are final. */
export const Transition = {
  /** Known to the worker, not yet acted on. */
  planned: 'planned',
  /** Obeyed: admission follows it, but its goal is not reached yet. */
  admitted: 'admitted',
  /** What it asked for holds. */
  completed: 'completed',
  /** Lifted or withdrawn before it was reached. */
  cancelled: 'cancelled',
  /** Lost to another issuer with the same epoch: neither knew of the other. */
  conflicted: 'conflicted',
  /** A newer intent for the same target took its place. */
  superseded: 'superseded',
  /** Its deadline or its time to live ended before it was reached. */
  aborted: 'aborted',
} as const
export type Transition = (typeof Transition)[keyof typeof Transition]

const after: Readonly<Record<Transition, readonly Transition[]>> = {
  planned: ['admitted', 'cancelled', 'conflicted', 'superseded', 'aborted'],
  admitted: ['completed', 'cancelled', 'conflicted', 'superseded', 'aborted'],
  completed: [],
  cancelled: [],
  conflicted: [],
  superseded: [],
  aborted: [],
}

export function canFollow(from: Transition, to: Transition): boolean {
  return after[from].includes(to)
}

/** True once nothing more will be reported for the intent at that worker. */
export function isFinal(transition: Transition): boolean {
  return after[transition].length === 0
}

/** A worker's report on one intent. It carries the whole history, so that conflation hides no step. */
export const intentStatusSchema = lazySchema((z) =>
  z.object({
    intentId: name(),
    workerId: name(),
    kind: z.enum(IntentKind),
    target: name(),
    transition: z.enum(Transition),
    reason: note().nullable(),
    /** Oldest first. `atMs` is Unix time on the worker's clock, for display. */
    history: z
      .array(z.object({ transition: z.enum(Transition), atMs: z.number() }))
      .min(1)
      .max(8),
  }),
)
export type IntentStatus = z.infer<ReturnType<typeof intentStatusSchema>>

export const intentStatus = defineTopic({
  name: 'intent.status',
  key: ['intentId', 'workerId'],
  schema: intentStatusSchema,
  qos: { lifespanMs: maxIntentTtlMs },
})
