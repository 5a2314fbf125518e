import type { z } from 'zod'
import { lazySchema } from '../core/lazy-schema.js'
import { defineTopic } from '../pubsub/model/topic.js'
import { bytes, cores, count, incarnation, name, pressurePercent } from './text.js'

/** What a worker's process may still use. `null` means that it could not be read, never "no limit". */
export const workerCapacitySchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    incarnation: incarnation(),
    numaNode: count(),
    /** Resident set of the process. */
    memoryResidentBytes: bytes(),
    /** The tightest memory limit over its cgroup's ancestry; null also when there is none. */
    memoryLimitBytes: bytes().nullable(),
    /** What may still be allocated before that limit, or the host, is exhausted. */
    memoryHeadroomBytes: bytes().nullable(),
    /** CPU time of the process over the last interval, in cores. */
    cpuUsedCores: cores(),
    /** The tightest CPU quota; null also when there is none. */
    cpuQuotaCores: cores().nullable(),
    memoryPressurePercent: pressurePercent(),
    cpuPressurePercent: pressurePercent(),
    /** Share of the last interval in which the event loop was not waiting: 0 … 1. */
    eventLoopUtilization: z.number().min(0).max(1),
  }),
)
export type WorkerCapacity = z.infer<ReturnType<typeof workerCapacitySchema>>

export const workerCapacity = defineTopic({
  name: 'worker.capacity',
  key: ['workerId', 'incarnation'],
  schema: workerCapacitySchema,
})
