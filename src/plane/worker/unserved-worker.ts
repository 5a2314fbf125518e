import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, incarnation, name } from '../vocabulary/text.js'

/**
 * A worker that no collector serves: none receives its state. Its own partitions then have no reader, so it writes this
 * where collectors, schedulers and operators read. A collector of its host then serves its node.
 */
export const unservedWorkerSchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    incarnation: incarnation(),
    pid: count(),
    bootId: name(),
    host: name(),
    numaNode: count(),
    /** How long no collector had served it when this was written. */
    unservedForMs: z.number().nonnegative(),
  }),
)
export type UnservedWorker = z.infer<ReturnType<typeof unservedWorkerSchema>>

/** Disposed once a collector serves the worker. */
export const unservedWorker = defineTopic({
  name: 'worker.unserved',
  key: ['workerId', 'incarnation'],
  schema: unservedWorkerSchema,
})
