import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { bytes, cores, count, incarnation, name, pressurePercent } from '../vocabulary/text.js'

/** Live workers by condition. A stalled, suspect or unreachable one counts as unhealthy; a dead one not at all. */
export const workerTotalsSchema = lazySchema((z) =>
  z.object({ available: count(), busy: count(), unhealthy: count(), draining: count() }),
)
export type WorkerTotals = z.infer<ReturnType<typeof workerTotalsSchema>>

/** A zone: one NUMA node of one host, as its collector measures it. `null`: could not be read. */
export const nodeCapacitySchema = lazySchema((z) =>
  z.object({
    bootId: name(),
    numaNode: count(),
    /** For display: another host may have the same name. */
    host: name(),
    collectorPid: count(),
    collectorIncarnation: incarnation(),
    /** Served by another collector or a scheduler of the host, because its own collector is gone or stalled. */
    adopted: z.boolean(),
    /** CPUs of the node that are online. */
    cpus: count(),
    memoryTotalBytes: bytes(),
    /** Memory of the node that can be used without costly reclaim: free plus easily reclaimed. */
    memoryAvailableBytes: bytes(),
    /** Distances from this node in SLIT units (10 = local), by node id. */
    distances: z.record(z.string().regex(/^\d{1,10}$/), z.number().nonnegative()).nullable(),
    /** Tightest limit over the collector's cgroup ancestry; null when there is none or it cannot be read. */
    memoryLimitBytes: bytes().nullable(),
    /** Memory that this limit still allows; null when there is none or it cannot be read. */
    memoryHeadroomBytes: bytes().nullable(),
    cpuQuotaCores: cores().nullable(),
    /** Cores of the node that were idle over the last interval, at most the quota; null when `/proc/stat` is hidden. */
    cpuHeadroomCores: cores().nullable(),
    /** Over the last ten seconds. */
    memoryPressurePercent: pressurePercent(),
    cpuPressurePercent: pressurePercent(),
    /** Over the last minute. */
    memoryPressureAvg60Percent: pressurePercent(),
    cpuPressureAvg60Percent: pressurePercent(),
    workers: workerTotalsSchema(),
    /** Rows of this collector's roster, including dead workers. A view that has fewer is not complete yet. */
    rosterRows: count(),
    /** Live workers whose process the kernel does not watch for this collector: their end shows only through silence. */
    unwatchedWorkers: count(),
  }),
)
export type NodeCapacity = z.infer<ReturnType<typeof nodeCapacitySchema>>

export const nodeCapacity = defineTopic({
  name: 'node.capacity',
  key: ['bootId', 'numaNode'],
  schema: nodeCapacitySchema,
})
