import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { Liveliness, LivelinessCause, VerdictEvidence } from '../../liveliness/verdict.js'
import { defineTopic, type Topic } from '../../pubsub/model/topic.js'
import { bytes, count, countsByName, incarnation, name, note } from '../vocabulary/text.js'
import { ownershipStrength } from '../worker/worker-claim.js'
import { appliedIntentSchema, WorkerCondition } from '../worker/worker-state.js'

/** What became of the previous holder of the worker's name, so that no death is lost when rows are conflated. */
export const predecessorSchema = lazySchema((z) =>
  z.object({
    incarnation: incarnation(),
    pid: count(),
    /** `replaced` if it was alive when it lost the name; otherwise the cause of death. */
    cause: z.enum(LivelinessCause),
    detail: note().nullable(),
    /** It still runs without the name, and its jobs may still complete: do not run them again elsewhere yet. */
    lives: z.boolean(),
  }),
)
export type Predecessor = z.infer<ReturnType<typeof predecessorSchema>>

/**
 * One compact row per worker and node, written by the server of the node: the worker's own report and its liveliness.
 */
export const rosterRowSchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    /** Identifies the host. */
    bootId: name(),
    /** The host name as the worker's process sees it, for display: a container has its own name. */
    host: name(),
    numaNode: count(),
    pid: count(),
    startTimeTicks: z.number().nonnegative().nullable(),
    pidNamespace: z.number().nonnegative().nullable(),
    incarnation: incarnation(),
    ownershipStrength: ownershipStrength(),
    /** The state in the worker's last report, also for a dead worker. */
    state: z.enum(WorkerCondition),
    liveliness: z.enum(Liveliness),
    cause: z.enum(LivelinessCause).nullable(),
    /** `SIGKILL`, `exit code 1`; null where the kernel does not report it. */
    detail: note().nullable(),
    /** The evidence for the liveliness: the kernel's answer, or silence. */
    evidence: z.enum(VerdictEvidence),
    /** How long the liveliness had lasted when the row was written. */
    livelinessForMs: z.number().nonnegative(),
    /** How long until a worker that returned recently counts as reliable. 0 if it does already, or is not alive. */
    probationMs: z.number().nonnegative(),
    predecessor: predecessorSchema().nullable(),
    /** Written by a stand-in for the node's own collector. */
    adopted: z.boolean(),
    inFlight: count(),
    concurrency: count(),
    inFlightByQueue: countsByName().nullable(),
    vramUsedBytes: bytes(),
    jobsCompleted: count(),
    jobsFailed: count(),
    admissionOpen: z.boolean(),
    admissionReason: note().nullable(),
    appliedIntents: z.array(appliedIntentSchema()).max(64),
    eventLoopUtilization: z.number().min(0).max(1).nullable(),
    memoryHeadroomBytes: bytes().nullable(),
    /** The worker.state change that the row is based on. It makes the freshness of rows comparable. */
    sourceWriter: name(),
    sourceSeq: count(),
    /** Age of that change when the row was written; add the row's own age. */
    sourceAgeMs: z.number().nonnegative(),
  }),
)
export type RosterRow = z.infer<ReturnType<typeof rosterRowSchema>>

/** Also keyed by node, so that two nodes with a claim to one workerId do not overwrite each other. */
export const nodeRoster = defineTopic({
  name: 'node.roster',
  key: ['bootId', 'numaNode', 'workerId'],
  schema: rosterRowSchema,
})

/**
 * The same rows for readers that keep them and rarely look at them. They stay encoded, and `nodeRoster.check` checks
 * them on access, not on every change.
 */
export function uncheckedRoster(): Topic<RosterRow> {
  return defineTopic<RosterRow>({
    name: nodeRoster.name,
    key: ['bootId', 'numaNode', 'workerId'],
    fields: nodeRoster.fields as readonly (keyof RosterRow & string)[],
  })
}
