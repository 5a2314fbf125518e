import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { capability } from '../vocabulary/capability.js'
import { taintSchema } from '../vocabulary/taint.js'
import { incarnation, labels, manyNames, name, names } from '../vocabulary/text.js'

/** How a worker bounds what it takes at once. */
export const admissionStrategySchema = lazySchema((z) =>
  z.discriminatedUnion('kind', [
    /** At most `concurrency` jobs. */
    z.object({ kind: z.literal('fixed') }),
    /** At most `concurrency` jobs, and at most this much device memory over all of them. */
    z.object({ kind: z.literal('vram-budget'), vramBudgetBytes: z.number().positive() }),
    /** The worker decides for each offer. */
    z.object({ kind: z.literal('reactive') }),
  ]),
)
export type AdmissionStrategy = Readonly<z.infer<ReturnType<typeof admissionStrategySchema>>>

/**
 * What a worker offers and holds. It changes rarely, and it is all that placement matches a request against.
 */
export const workerProfileSchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    incarnation: incarnation(),
    /** Each `kind@version`. */
    capabilities: z.array(capability()).max(64),
    /** Each `key=value`, or a bare name. */
    tags: names(),
    /** With the machine's own, under `numacast.io/`. */
    labels: labels(),
    taints: z.array(taintSchema()).max(64),
    /** Queues that it takes from; empty: any. */
    queues: names(),
    admission: admissionStrategySchema(),
    /** Models and caches that it holds loaded. */
    residents: manyNames(),
    /** Shards whose data it holds. */
    shards: manyNames(),
    /** Whether it runs on the CPUs of its own NUMA node only. */
    numaBound: z.boolean(),
  }),
)
export type PublishedProfile = z.infer<ReturnType<typeof workerProfileSchema>>

/**
 * Written by the worker, and relayed to the plane by the server of its node. Also keyed by incarnation, as
 * `worker.state` is.
 */
export const workerProfile = defineTopic({
  name: 'worker.profile',
  key: ['workerId', 'incarnation'],
  schema: workerProfileSchema,
})
