import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { LivelinessCause, VerdictEvidence } from '../../liveliness/verdict.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, incarnation, name, note } from '../vocabulary/text.js'

/** How long the end of a worker's process stays readable on the plane. */
export const workerEndRetentionMs = 60 * 60_000

/**
 * How one process of a worker ended. The roster row of a workerId shows the process that holds the name now. This
 * record keeps the end of each earlier process readable after its name has been taken.
 */
export const workerEndSchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    incarnation: incarnation(),
    pid: count(),
    bootId: name(),
    host: name(),
    numaNode: count(),
    cause: z.enum(LivelinessCause).nullable(),
    /** `SIGKILL`, `exit code 1`; null where the kernel does not report it. */
    detail: note().nullable(),
    evidence: z.enum(VerdictEvidence),
    /** How long the process had been dead when this was written. */
    endedForMs: z.number().nonnegative(),
  }),
)
export type WorkerEnd = z.infer<ReturnType<typeof workerEndSchema>>

/** Written by the server of the worker's node. Kept by the collectors of its host and by every scheduler. */
export const workerEnd = defineTopic({
  name: 'worker.end',
  key: ['workerId', 'incarnation'],
  schema: workerEndSchema,
  qos: { lifespanMs: workerEndRetentionMs },
})
