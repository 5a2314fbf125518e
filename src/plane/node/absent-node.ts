import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, name } from '../vocabulary/text.js'

/** How long a node that is no longer received from stays reported as absent. */
export const absentNodeRetentionMs = 60 * 60_000

/**
 * A node that the writer has received from, and that no server reports any more. A participant that joins later cannot
 * know of such a node in any other way.
 */
export const absentNodeSchema = lazySchema((z) =>
  z.object({
    bootId: name(),
    numaNode: count(),
    host: name(),
    collectorPid: count(),
    /** The verdict on its server: `unreachable`, or `dead`. */
    liveliness: z.enum(Liveliness),
    /** Live workers that it had when it was received from last. */
    workers: count(),
    /** How long ago that was when this was written. */
    silentForMs: z.number().nonnegative(),
    /** The name of the participant that reports this. */
    reporter: name(),
  }),
)
export type AbsentNode = z.infer<ReturnType<typeof absentNodeSchema>>

/** Written by collectors and schedulers. Disposed when the node is received from again. */
export const absentNode = defineTopic({
  name: 'node.absent',
  key: ['bootId', 'numaNode'],
  schema: absentNodeSchema,
  qos: { lifespanMs: absentNodeRetentionMs },
})
