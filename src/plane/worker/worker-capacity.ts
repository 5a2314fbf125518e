import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { bytes, cores, count, incarnation, name, pressurePercent } from '../vocabulary/text.js'

/**
 * What a worker's process uses, and may still use. `null` means that it could not be read. For a limit and a quota it
 * also means that there is none.
 */
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
    /** Over the last ten seconds. */
    memoryPressurePercent: pressurePercent(),
    cpuPressurePercent: pressurePercent(),
    /** Over the last minute. */
    memoryPressureAvg60Percent: pressurePercent(),
    cpuPressureAvg60Percent: pressurePercent(),
    /** Share of the scheduling periods of the last interval in which the quota stopped the process; null without one. */
    cpuThrottledPercent: z.number().min(0).max(100).nullable(),
    /** Share of the last interval in which the event loop was not waiting: 0 … 1. */
    eventLoopUtilization: z.number().min(0).max(1),
  }),
)
export type WorkerCapacity = z.infer<ReturnType<typeof workerCapacitySchema>>

/**
 * Written by the worker every second. The server of its node relays to the plane what differs from what it relayed
 * last.
 */
export const workerCapacity = defineTopic({
  name: 'worker.capacity',
  key: ['workerId', 'incarnation'],
  schema: workerCapacitySchema,
})
