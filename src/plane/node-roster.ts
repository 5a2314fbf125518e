import { z } from 'zod'
import { Liveliness, LivelinessCause, VerdictEvidence } from '../liveliness/verdict.js'
import { defineTopic } from '../pubsub/model/topic.js'
import { bytes, count, name, note } from './text.js'
import { appliedIntentSchema, WorkerCondition } from './worker-state.js'

/** What became of the one that held the worker's name before, so that no death is lost when rows are conflated. */
export const predecessorSchema = z.object({
  incarnation: count,
  pid: count,
  /** `replaced` when it lost the name alive; else what it died of. */
  cause: z.enum(LivelinessCause),
  detail: note.nullable(),
  /** It lives on without the name, so what it runs may still end: no reason yet to run it again elsewhere. */
  lives: z.boolean(),
})
export type Predecessor = z.infer<typeof predecessorSchema>

/** One compact row per worker and node, written by who serves the node: what it says of itself, and whether it lives. */
export const rosterRowSchema = z.object({
  workerId: name,
  /** Of the host, which it identifies. */
  bootId: name,
  /** As the worker's process knows it, for display: a container has a name of its own. */
  host: name,
  numaNode: count,
  pid: count,
  startTimeTicks: z.number().nonnegative().nullable(),
  pidNamespace: z.number().nonnegative().nullable(),
  incarnation: count,
  ownershipStrength: count,
  /** The worker's own last word. Of a dead worker: what it was when it was last heard. */
  state: z.enum(WorkerCondition),
  liveliness: z.enum(Liveliness),
  cause: z.enum(LivelinessCause).nullable(),
  /** `SIGKILL`, `exit code 1`; null where the kernel does not tell. */
  detail: note.nullable(),
  /** What the liveliness rests on: whether the kernel was asked, or silence had to decide. */
  evidence: z.enum(VerdictEvidence),
  /** How long the liveliness had lasted when the row was written. */
  livelinessForMs: z.number().nonnegative(),
  /** It came back not long ago: so much longer it does not count as reliable. 0 when it does, or is not alive. */
  probationMs: z.number().nonnegative(),
  predecessor: predecessorSchema.nullable(),
  /** Written by one who serves the node in the place of its own collector. */
  adopted: z.boolean(),
  inFlight: count,
  concurrency: count,
  jobsCompleted: count,
  jobsFailed: count,
  admissionOpen: z.boolean(),
  admissionReason: note.nullable(),
  appliedIntents: z.array(appliedIntentSchema).max(64),
  eventLoopUtilization: z.number().min(0).max(1).nullable(),
  memoryHeadroomBytes: bytes.nullable(),
  /** The worker.state change that the row rests on: how fresh the row is can be compared, not guessed. */
  sourceWriter: name,
  sourceSeq: count,
  /** Age of that change when the row was written; add the row's own age. */
  sourceAgeMs: z.number().nonnegative(),
})
export type RosterRow = z.infer<typeof rosterRowSchema>

/** Keyed by node, too: two nodes that both have a claim on one workerId do not overwrite each other. */
export const nodeRoster = defineTopic({
  name: 'node.roster',
  key: ['bootId', 'numaNode', 'workerId'],
  schema: rosterRowSchema,
})

/**
 * The same rows for who keeps them and seldom looks: they stay encoded, and are checked by `nodeRoster.check` when they
 * are wanted, not whenever one changes.
 */
export const uncheckedRoster = defineTopic<RosterRow>({
  name: nodeRoster.name,
  key: ['bootId', 'numaNode', 'workerId'],
  fields: nodeRoster.fields as readonly (keyof RosterRow & string)[],
})
