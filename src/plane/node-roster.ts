import { z } from 'zod'
import { Liveliness, LivelinessCause } from '../liveliness/verdict.js'
import { defineTopic } from '../pubsub/topic.js'
import { bytes, count, name, note } from './text.js'
import { appliedIntentSchema, WorkerCondition } from './worker-state.js'

/** One compact row per worker, written by its collector: what it says of itself, and whether it lives. */
export const rosterRowSchema = z.object({
  workerId: name,
  host: name,
  numaNode: count,
  pid: count,
  incarnation: count,
  /** The worker's own last word. Of a dead worker: what it was when it was last heard. */
  state: z.enum(WorkerCondition),
  liveliness: z.enum(Liveliness),
  cause: z.enum(LivelinessCause).nullable(),
  /** `SIGKILL`, `exit code 1`; null where the kernel does not tell. */
  detail: note.nullable(),
  /** How long the liveliness had lasted when the row was written. */
  livelinessForMs: z.number().nonnegative(),
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

export const nodeRoster = defineTopic({ name: 'node.roster', key: 'workerId', schema: rosterRowSchema })
