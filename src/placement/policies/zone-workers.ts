import { Liveliness } from '../../liveliness/verdict.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { WorkerRow } from '../../views/snapshot/worker-row.js'

/** The workers of one zone that are alive, added up. */
export interface ZoneWorkers {
  readonly alive: number
  readonly inFlight: number
  /** Jobs that they would take now, beside those in flight. */
  readonly free: number
  /** The most jobs that one of them has in flight. */
  readonly maxInFlight: number
  /** The most jobs that one of them takes at once. */
  readonly maxConcurrency: number
}

const noWorkers: ZoneWorkers = Object.freeze({ alive: 0, inFlight: 0, free: 0, maxInFlight: 0, maxConcurrency: 0 })

/** Adds up the workers of a node that are alive. */
export function zoneWorkers(snapshot: PlacementSnapshot, bootId: string, numaNode: number): ZoneWorkers {
  let sum = noWorkers
  for (const { load } of livingWorkers(snapshot, bootId, numaNode)) {
    sum = {
      alive: sum.alive + 1,
      inFlight: sum.inFlight + load.inFlight,
      free: sum.free + (load.admissionOpen ? Math.max(0, load.concurrency - load.inFlight) : 0),
      maxInFlight: Math.max(sum.maxInFlight, load.inFlight),
      maxConcurrency: Math.max(sum.maxConcurrency, load.concurrency),
    }
  }
  return sum
}

export function* livingWorkers(
  snapshot: PlacementSnapshot,
  bootId: string,
  numaNode: number,
): IterableIterator<WorkerRow> {
  for (const row of snapshot.onNode(bootId, numaNode)) if (row.load.liveliness === Liveliness.alive) yield row
}
