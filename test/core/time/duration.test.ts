import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseDurationMs } from '../../../src/cli/options/duration.js'
import { checkDurationMs, longestTimerMs } from '../../../src/core/time/duration.js'
import { resolveLivelinessOptions } from '../../../src/liveliness/liveliness-options.js'
import { resolvePhiOptions } from '../../../src/liveliness/phi-accrual.js'
import { collectorLossPolicy } from '../../../src/placement/policies/collector-loss.js'
import { cpuShortagePolicy } from '../../../src/placement/policies/cpu-shortage.js'
import { resolveMemoryPressureOptions } from '../../../src/placement/policies/memory-pressure.js'
import { memoryStallPolicy } from '../../../src/placement/policies/memory-stall.js'
import { memoryTrendPolicy } from '../../../src/placement/policies/memory-trend.js'
import { stalledLoopsPolicy } from '../../../src/placement/policies/stalled-loops.js'
import { zoneImbalancePolicy } from '../../../src/placement/policies/zone-imbalance.js'
import { resolveRequestQueueOptions, resolveSubmitOptions } from '../../../src/placement/queue/request-queue-options.js'
import { resolveRankOptions } from '../../../src/placement/rank/rank-options.js'
import { resolveRequest } from '../../../src/placement/request/placement-request.js'
import { maxIntentTtlMs } from '../../../src/plane/intents/intents.js'
import { resolveParticipantOptions } from '../../../src/pubsub/participant-options.js'
import type { ResolvedQos } from '../../../src/qos/qos.js'
import { resolveQos } from '../../../src/qos/resolve.js'
import { resolveCollectorOptions } from '../../../src/roles/collector/collector-options.js'
import { resolvePlaceOptions } from '../../../src/roles/placement/place-options.js'
import { resolveSchedulerOptions } from '../../../src/roles/scheduler/resolve-scheduler-options.js'
import { resolveHealth } from '../../../src/roles/worker/health/health-options.js'
import { resolveWorkerOptions } from '../../../src/roles/worker/resolve-worker-options.js'
import { resources } from '../../../src/roles/worker/slots/resource-slots.js'
import { HeadroomSampler } from '../../../src/topology/cgroup/headroom-sampler.js'
import { resolveFaults } from '../../../src/transport/memory/faults.js'
import { resolveStreamLaneOptions } from '../../../src/transport/stream/stream-lane.js'
import { resolveFleetViewOptions } from '../../../src/views/fleet-view-options.js'
import { resolveJobLedgerOptions } from '../../../src/views/jobs/job-ledger-options.js'

type Resolve = (options: Record<string, unknown>) => unknown

interface DurationOption {
  /** Resolves options in which only this one is set. */
  readonly resolve: Resolve
  /** What `Infinity` becomes; absent: it is refused. */
  readonly never?: number | null
  /** The longest finite value that is accepted. @default Number.MAX_SAFE_INTEGER */
  readonly mostMs?: number
}

const accepts = { never: Infinity }
const acceptsAsNull = { never: null }
const bounded = { mostMs: longestTimerMs }

const worker: Resolve = (given) => resolveWorkerOptions({ workerId: 'w', ...given })
const health: Resolve = (given) => resolveHealth(given)
const liveliness: Resolve = (given) => resolveLivelinessOptions(given, 500)
const qos: Resolve = (given) => resolveQos(given as Partial<ResolvedQos>)
const lifecycle: Resolve = (given) => resolveQos({ readerDataLifecycle: given }).readerDataLifecycle
const by =
  (make: (given: Record<string, unknown>) => unknown): Resolve =>
  (given) => {
    make(given)
    return given
  }
const intentTtl = { mostMs: maxIntentTtlMs }
const rank: Resolve = (given) => resolveRankOptions({ nowMs: 0, ...given }, 'spread')
const sampler: Resolve = (given) => {
  new HeadroomSampler(given).close()
  return given
}

/** Every duration of a public options object, as `<interface>.<option>`. */
const options: Record<string, DurationOption> = {
  'CollectorOptions.capacityIntervalMs': { resolve: resolveCollectorOptions, ...accepts },
  'CollectorOptions.deadRetentionMs': { resolve: resolveCollectorOptions, ...accepts },
  'CollectorOptions.probationMs': { resolve: resolveCollectorOptions, ...bounded },
  'CollectorOptions.rosterIntervalMs': { resolve: resolveCollectorOptions, ...bounded },
  'FaultOptions.maxDelayMs': { resolve: resolveFaults },
  'FaultOptions.minDelayMs': { resolve: resolveFaults },
  'FleetViewOptions.maxAgeMs': { resolve: resolveFleetViewOptions, ...accepts },
  'FleetViewOptions.unreachableDeadAfterMs': { resolve: resolveFleetViewOptions, ...acceptsAsNull },
  'HeadroomSamplerOptions.slowIntervalMs': { resolve: sampler, mostMs: 3_600_000 },
  'HealthOptions.checkIntervalMs': { resolve: health, ...bounded },
  'HealthOptions.checkTimeoutMs': { resolve: health, ...bounded },
  'HealthOptions.maxLoopDelayMs': { resolve: health, ...accepts },
  'HealthOptions.recoverAfterMs': { resolve: health },
  'LivelinessOptions.leaseMs': { resolve: liveliness, ...bounded },
  'LivelinessOptions.probationMs': { resolve: liveliness, ...bounded },
  'LivelinessOptions.unreachableDeadAfterMs': { resolve: liveliness, ...acceptsAsNull },
  'MemoryPressureOptions.maxAgeMs': { resolve: resolveMemoryPressureOptions, ...accepts },
  'MemoryPressureOptions.minHoldMs': { resolve: resolveMemoryPressureOptions, ...accepts },
  'MemoryPressureOptions.sustainedMs': { resolve: resolveMemoryPressureOptions, ...accepts },
  'MemoryPressureOptions.ttlMs': { resolve: resolveMemoryPressureOptions, ...intentTtl },
  'ParticipantOptions.beaconIntervalMs': {
    // The lease must hold two beacons.
    resolve: (given) => resolveParticipantOptions({ leaseMs: 120_000, ...given }),
    mostMs: 60_000,
  },
  'ParticipantOptions.forgetUnreachableMs': { resolve: resolveParticipantOptions, ...accepts },
  'PhiOptions.acceptablePauseMs': { resolve: resolvePhiOptions, ...bounded },
  'PhiOptions.minStdDeviationMs': { resolve: resolvePhiOptions, ...bounded },
  'ReaderDataLifecycle.purgeDisposedMs': { resolve: lifecycle, ...acceptsAsNull, ...bounded },
  'ReaderDataLifecycle.purgeNoWritersMs': { resolve: lifecycle, ...acceptsAsNull, ...bounded },
  'ResolvedQos.deadlineMs': { resolve: qos, ...acceptsAsNull, ...bounded },
  'ResolvedQos.latencyBudgetMs': { resolve: qos, ...bounded },
  'ResolvedQos.leaseMs': { resolve: qos, ...acceptsAsNull, ...bounded },
  'ResolvedQos.lifespanMs': { resolve: qos, ...acceptsAsNull, ...bounded },
  'ResolvedQos.timeBasedFilterMs': { resolve: qos, ...bounded },
  'SchedulerOptions.decideIntervalMs': { resolve: resolveSchedulerOptions, ...accepts },
  'SchedulerOptions.maxAgeMs': { resolve: resolveSchedulerOptions },
  'SchedulerOptions.minViewAgeMs': { resolve: resolveSchedulerOptions },
  'SchedulerOptions.unreachableDeadAfterMs': { resolve: resolveSchedulerOptions, ...acceptsAsNull },
  'StreamLaneOptions.idleMs': { resolve: resolveStreamLaneOptions, ...accepts },
  'CollectorLossOptions.sustainedMs': { resolve: by(collectorLossPolicy) },
  'CollectorLossOptions.ttlMs': { resolve: by(collectorLossPolicy), ...intentTtl },
  'CpuShortageOptions.sustainedMs': { resolve: by(cpuShortagePolicy) },
  'CpuShortageOptions.minHoldMs': { resolve: by(cpuShortagePolicy) },
  'CpuShortageOptions.maxAgeMs': { resolve: by(cpuShortagePolicy) },
  'CpuShortageOptions.ttlMs': { resolve: by(cpuShortagePolicy), ...intentTtl },
  'MemoryStallOptions.minHoldMs': { resolve: by(memoryStallPolicy) },
  'MemoryStallOptions.maxAgeMs': { resolve: by(memoryStallPolicy) },
  'MemoryStallOptions.ttlMs': { resolve: by(memoryStallPolicy), ...intentTtl },
  'MemoryTrendOptions.rampDownMs': { resolve: by(memoryTrendPolicy) },
  'MemoryTrendOptions.rampUpMs': { resolve: by(memoryTrendPolicy) },
  'MemoryTrendOptions.maxAgeMs': { resolve: by(memoryTrendPolicy) },
  'MemoryTrendOptions.ttlMs': { resolve: by(memoryTrendPolicy), ...intentTtl },
  'StalledLoopsOptions.sustainedMs': { resolve: by(stalledLoopsPolicy) },
  'StalledLoopsOptions.minHoldMs': { resolve: by(stalledLoopsPolicy) },
  'StalledLoopsOptions.ttlMs': { resolve: by(stalledLoopsPolicy), ...intentTtl },
  'ZoneImbalanceOptions.sustainedMs': { resolve: by(zoneImbalancePolicy) },
  'ZoneImbalanceOptions.minHoldMs': { resolve: by(zoneImbalancePolicy) },
  'ZoneImbalanceOptions.maxAgeMs': { resolve: by(zoneImbalancePolicy) },
  'ZoneImbalanceOptions.ttlMs': { resolve: by(zoneImbalancePolicy), ...intentTtl },
  'JobLedgerOptions.retentionMs': { resolve: resolveJobLedgerOptions, ...accepts },
  'PlaceOptions.offerTimeoutMs': { resolve: resolvePlaceOptions },
  'ResourceSlotOptions.rampMs': { resolve: resources },
  'RankOptions.recheckMs': { resolve: rank },
  'RankOptions.maxRetryAfterMs': { resolve: rank },
  'RequestQueueOptions.maxWaitMs': { resolve: resolveRequestQueueOptions },
  'SubmitOptions.deadlineMs': { resolve: (given) => resolveSubmitOptions({ request: resolveRequest({}), ...given }) },
  'WorkerOptions.capacityIntervalMs': { resolve: worker, ...accepts },
  'WorkerOptions.jobRetentionMs': { resolve: worker, ...accepts },
  'WorkerOptions.stateIntervalMs': { resolve: worker, ...bounded },
  'WorkerOptions.stateRefreshMs': { resolve: worker, ...accepts },
}

/** Options of single calls, which need a running role. Each names the test file that covers it. */
const ofCalls: Record<string, string> = {
  'CloseOptions.graceMs': 'test/roles/worker/worker.test.ts',
  'DrainOptions.deadlineMs': 'checked by the schema of intents',
  'DrainOptions.holdMs': 'becomes IssueOptions.ttlMs',
  'FleetReadOptions.maxAgeMs': 'test/views/fleet-reads.test.ts',
  'FleetReadOptions.timeoutMs': 'test/views/fleet-reads.test.ts',
  'HoldOptions.ttlMs': 'test/roles/placement/shared-reservations.test.ts',
  'IssueOptions.ttlMs': 'test/roles/intents/intent-issuer.test.ts',
  'PlaceOptions.ttlMs': 'becomes HoldOptions.ttlMs',
  'RankOptions.freshMs': 'compared with staleMs: test/placement/rank',
  'RankOptions.nowMs': 'a time, not a duration',
  'RankOptions.staleMs': 'compared with freshMs: test/placement/rank',
  'RetryOptions.afterMs': 'test/roles/worker/jobs/running-job.test.ts',
  'ReserveOptions.nowMs': 'a time, not a duration',
  'ReserveOptions.ttlMs': 'test/placement/reservations',
  'SnapshotPlacerOptions.reservationTtlMs': 'becomes ReserveOptions.ttlMs',
}

/** Objects that numacast fills itself, from options that it has already validated. */
const internal = new Set([
  'AnnouncedQos',
  'CoalescerOptions',
  'DurationOptions',
  'DurationRule',
  'FleetModelOptions',
  'CapacityGuardOptions',
  'HysteresisOptions',
  'IntentResultOptions',
  'JobSummariesOptions',
  'NodeServiceOptions',
  'RecordFleetOptions',
  'RequestOptions',
  'RosterOptions',
])

for (const [name, { resolve, never, mostMs = Number.MAX_SAFE_INTEGER }] of Object.entries(options)) {
  const option = name.slice(name.indexOf('.') + 1)
  const resolved = (value: unknown): unknown => (resolve({ [option]: value }) as Record<string, unknown>)[option]
  const refused = { code: 'NUMACAST_INVALID_ARGUMENT', message: new RegExp(`\\b${option} must be .*, not `) }

  t.test(`${name} refuses an invalid duration and names the allowed range`, async (t) => {
    for (const value of [Number.NaN, -1, -Infinity, '5', '', true, {}, [1], 5n]) {
      t.throws(() => resolved(value), refused, String(value))
    }
  })

  t.test(`${name} ${never === undefined ? 'refuses Infinity' : 'takes Infinity for never'}`, async (t) => {
    if (never === undefined) t.throws(() => resolved(Infinity), refused)
    else t.equal(resolved(Infinity), never)
  })

  t.test(`${name} takes its longest finite value unchanged and refuses a longer one`, async (t) => {
    t.equal(resolved(mostMs), mostMs)
    t.throws(() => resolved(mostMs * 2), refused)
  })

  if (mostMs > longestTimerMs) {
    t.test(`${name} takes a duration longer than a single Node timer`, async (t) => {
      t.equal(resolved(2 ** 31), 2 ** 31)
    })
  }
}

t.test('every duration of an options interface is in the table', async (t) => {
  const found = new Set<string>()
  for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const text = readFileSync(join('src', file), 'utf8')
    for (const [, name = '', body = ''] of text.matchAll(
      /export interface (\w*(?:Options|Qos|Lifecycle|Rule))\b[^{]*\{(.*?)\n\}/gs,
    )) {
      if (internal.has(name) || (name.startsWith('Resolved') && name !== 'ResolvedQos')) continue
      for (const [, option] of body.matchAll(/^ {2}readonly (\w+Ms)\??: number/gm)) found.add(`${name}.${option}`)
    }
  }
  const known = new Set([...Object.keys(options), ...Object.keys(ofCalls)])
  t.ok(found.size > 30, 'the scan finds them')
  t.same(
    [...found].filter((name) => !known.has(name)),
    [],
  )
  t.same(
    Object.keys(options).filter((name) => !found.has(name)),
    [],
    'each entry of the table exists',
  )
})

t.test('a duration on the command line is parsed or refused', async (t) => {
  for (const text of ['-1', 'NaN', 'Infinity', '2147484s', '1e9', '']) {
    t.throws(() => parseDurationMs(text), { code: 'NUMACAST_INVALID_ARGUMENT' }, text)
  }
  t.equal(parseDurationMs('2147483.647s'), longestTimerMs)
})

t.test('a refused duration names the bounds of its rule', async (t) => {
  const refusal = (value: unknown, rule: Parameters<typeof checkDurationMs>[2]): string => {
    try {
      return String(checkDurationMs('waitMs', value, rule))
    } catch (error) {
      return (error as Error).message
    }
  }
  t.equal(refusal(-1, {}), 'waitMs must be a number of milliseconds of at least 0, not -1')
  t.equal(
    refusal(0, { exclusive: true, mostMs: 10, allowInfinity: true }),
    'waitMs must be a number of milliseconds over 0 and at most 10, or Infinity for never, not 0',
  )
  t.equal(refusal('7', {}), 'waitMs must be a number of milliseconds of at least 0, not "7"')
})
