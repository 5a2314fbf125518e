import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { bytes, count, countsByName, incarnation, name, note } from '../vocabulary/text.js'
import { ownershipStrength } from './worker-claim.js'

/** What a worker reports of itself. The collector decides whether it lives: see the roster's liveliness. */
export const WorkerCondition = {
  /** Takes work now. */
  available: 'available',
  /** Takes no more work at present: at its limit, or paused; `admissionReason` tells which. */
  busy: 'busy',
  /** Unfit for work, as its application or its health checks found; `admissionReason` tells why. */
  unhealthy: 'unhealthy',
  /** Told to finish and take nothing more. It stays draining, with nothing in flight, until the intent is lifted. */
  draining: 'draining',
} as const
export type WorkerCondition = (typeof WorkerCondition)[keyof typeof WorkerCondition]

/** An intent that a worker obeys at present. */
export const appliedIntentSchema = lazySchema((z) =>
  z.object({
    intentId: name(),
    kind: name(),
    target: name(),
    transition: name(),
  }),
)
export type AppliedIntent = z.infer<ReturnType<typeof appliedIntentSchema>>

export const workerStateSchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    /** Identifies the host. */
    bootId: name(),
    /** The host name as the worker's process sees it, for display: a container has its own name. */
    host: name(),
    numaNode: count(),
    pid: count(),
    /** With the pid it names the process for as long as the machine runs; null where it cannot be read. */
    startTimeTicks: z.number().nonnegative().nullable(),
    /** Inode of the PID namespace in which `pid` holds; null where it cannot be read. */
    pidNamespace: z.number().nonnegative().nullable(),
    /** Of the worker's participant: of two claims of equal strength on one workerId the higher is the worker. */
    incarnation: incarnation(),
    /** Of two claims to one workerId, the stronger holds it. */
    ownershipStrength: ownershipStrength(),
    /** Another worker holds this name. This worker takes no work until that worker is gone. */
    standby: z.boolean(),
    state: z.enum(WorkerCondition),
    inFlight: count(),
    /** Jobs that it takes at once, after every limit that applies. */
    concurrency: count(),
    /** Jobs in flight by queue, empty for a job of no named queue; null if there are more than 64 queues. */
    inFlightByQueue: countsByName().nullable(),
    /** Device memory that the jobs in flight were granted; see `SlotOptions.vramBytes`. */
    vramUsedBytes: bytes(),
    jobsStarted: count(),
    jobsCompleted: count(),
    jobsFailed: count(),
    admissionOpen: z.boolean(),
    admissionReason: note().nullable(),
    appliedIntents: z.array(appliedIntentSchema()).max(64),
  }),
)
export type WorkerState = z.infer<ReturnType<typeof workerStateSchema>>

/** Also keyed by incarnation, so that two claimants of one name do not overwrite each other and both are received. */
export const workerState = defineTopic({
  name: 'worker.state',
  key: ['workerId', 'incarnation'],
  schema: workerStateSchema,
})
