import { lazySchema } from '../../core/lazy-schema.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { IntentKind } from '../../plane/intents/intents.js'
import { bytes, cores, count, countsByName, incarnation, name, pressurePercent } from '../../plane/vocabulary/text.js'
import { workerProfileSchema } from '../../plane/worker/worker-profile.js'
import { WorkerCondition } from '../../plane/worker/worker-state.js'

const share = lazySchema((z) => z.number().min(0).max(1).nullable())

const loadSchema = lazySchema((z) =>
  z.object({
    incarnation: incarnation(),
    bootId: name(),
    host: name(),
    numaNode: count(),
    liveliness: z.enum(Liveliness),
    reliableFromMs: z.number().nullable(),
    condition: z.enum(WorkerCondition),
    inFlight: count(),
    concurrency: count(),
    inFlightByQueue: countsByName().nullable(),
    vramUsedBytes: bytes(),
    capacityScore: share(),
    admissionOpen: z.boolean(),
    admissionReason: z.string().nullable(),
    observedMs: z.number(),
  }),
)

const headroomSchema = lazySchema((z) =>
  z.object({
    incarnation: incarnation(),
    cpuQuotaCores: cores().nullable(),
    cpuUsedCores: cores(),
    memoryLimitBytes: bytes().nullable(),
    memoryHeadroomBytes: bytes().nullable(),
    memoryPressurePercent: pressurePercent(),
    cpuPressurePercent: pressurePercent(),
    memoryPressureAvg60Percent: pressurePercent(),
    cpuPressureAvg60Percent: pressurePercent(),
    cpuThrottledPercent: z.number().min(0).max(100).nullable(),
    eventLoopUtilization: share(),
    observedMs: z.number(),
  }),
)

const zoneSchema = lazySchema((z) =>
  z.object({
    bootId: name(),
    host: name(),
    numaNode: count(),
    cpus: count(),
    memoryTotalBytes: bytes(),
    memoryAvailableBytes: bytes(),
    distances: z.record(z.string(), z.number().nonnegative()).nullable(),
    memoryLimitBytes: bytes().nullable(),
    memoryHeadroomBytes: bytes().nullable(),
    cpuQuotaCores: cores().nullable(),
    cpuHeadroomCores: cores().nullable(),
    memoryPressurePercent: pressurePercent(),
    cpuPressurePercent: pressurePercent(),
    memoryPressureAvg60Percent: pressurePercent(),
    cpuPressureAvg60Percent: pressurePercent(),
    collectorLiveliness: z.enum(Liveliness),
    observedMs: z.number(),
  }),
)

const intentSchema = lazySchema((z) =>
  z.object({
    kind: z.enum(IntentKind),
    target: name(),
    maxInFlight: count().nullable(),
    shards: z.array(name()),
    reason: z.string(),
    expiresMs: z.number(),
  }),
)

const configSchema = lazySchema((z) =>
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('maintenance-mode'), scope: name(), enabled: z.boolean(), reason: z.string() }),
    z.object({ kind: z.literal('concurrency-limit'), scope: name(), maxInFlight: count() }),
  ]),
)

/** One change of a recorded snapshot. A recording holds no removals: each line is a whole fleet. */
export const recordedChangeSchema = lazySchema((z) => {
  const workerId = name()
  const profile = workerProfileSchema().omit({ workerId: true })
  return z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('worker-load'), workerId, load: loadSchema() }),
    z.object({ kind: z.literal('worker-profile'), workerId, profile }),
    z.object({ kind: z.literal('worker-headroom'), workerId, headroom: headroomSchema() }),
    z.object({ kind: z.literal('zone'), zone: zoneSchema() }),
    z.object({ kind: z.literal('intent'), intent: intentSchema() }),
    z.object({ kind: z.literal('config'), config: configSchema() }),
  ])
})
