import type { Participant } from '../../pubsub/participant.js'
import { type MachineFacts, readMachineFacts } from './readings/machine-facts.js'
import { openWorkerReadings, type WorkerReadings } from './readings/worker-readings.js'
import { WorkerEngine } from './worker-engine.js'
import type { ResolvedWorkerOptions } from './worker-options.js'

export interface WorkerEngineComponents {
  /** What the worker learns of its process. @default cgroup headroom by the addon, the rest by Node */
  readonly readings?: WorkerReadings
  /** What it learns of its machine for its profile. @default by Node and the addon */
  readonly machine?: MachineFacts
}

/** Makes what a worker consists of. A module of its own, so that importing `Worker` does not load it. */
export function openWorkerEngine(
  participant: Participant,
  options: ResolvedWorkerOptions & { readonly numaNode: number },
  { readings, machine }: WorkerEngineComponents,
): WorkerEngine {
  return new WorkerEngine(participant, options, readings ?? openWorkerReadings(), machine ?? readMachineFacts())
}
