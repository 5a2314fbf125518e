import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, name, names, note } from '../vocabulary/text.js'

/** What a scheduler decides by, and what it does not issue at present. It is written when it changes. */
export const schedulerStateSchema = lazySchema((z) =>
  z.object({
    /** The GUID of its participant. */
    schedulerId: name(),
    name: name(),
    host: name(),
    bootId: name(),
    pid: count(),
    /** The names of its policies. */
    policies: names(),
    /** Intents that its policies want and that it has issued. */
    intentsInForce: count(),
    /** What it withholds because its view may be wrong; null if nothing. */
    withheld: z.object({ reason: name(), detail: note(), intents: count() }).nullable(),
  }),
)
export type SchedulerState = z.infer<ReturnType<typeof schedulerStateSchema>>

export const schedulerState = defineTopic({
  name: 'scheduler.state',
  key: 'schedulerId',
  schema: schedulerStateSchema,
})
