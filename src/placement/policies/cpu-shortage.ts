import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { WorkerRow } from '../../views/snapshot/worker-row.js'
import { type ZoneRow, zoneCpus } from '../../views/snapshot/zone-row.js'
import type { ZoneEntry } from '../../views/snapshot/zone-table.js'
import { atRest, checkGap, type Hysteresis, step } from './hysteresis.js'
import type { Policy } from './policy.js'
import { decideByZone, type ReadZone, type ZoneStates } from './zone-decision.js'
import { livingWorkers, zoneWorkers } from './zone-workers.js'

export interface CpuShortageOptions {
  /** There is a shortage when tasks of the zone waited for a CPU in more than this percentage of 10 s. @default 40 */
  readonly actAbovePressurePercent?: number
  /** It is over below this. @default 20 */
  readonly liftBelowPressurePercent?: number
  /** CPUs count as used up when less than this share of them is idle. @default 0.05 */
  readonly idleShare?: number
  /** Another zone can take the work when at least this share of its CPUs is idle. @default 0.25 */
  readonly spareShare?: number
  /** A worker counts as throttled when its quota stopped it in more than this percentage of periods. @default 10 */
  readonly throttledPercent?: number
  /** Throttling is the cause when at least this share of the zone's workers is throttled. @default 0.5 */
  readonly throttledWorkers?: number
  /** @default 5000 */
  readonly sustainedMs?: number
  /** @default 15000 */
  readonly minHoldMs?: number
  /** A reading older than this decides nothing. @default 5000 */
  readonly maxAgeMs?: number
  /** @default 60000 */
  readonly ttlMs?: number
}

export const defaultCpuShortageOptions: Required<CpuShortageOptions> = Object.freeze({
  actAbovePressurePercent: 40,
  liftBelowPressurePercent: 20,
  idleShare: 0.05,
  spareShare: 0.25,
  throttledPercent: 10,
  throttledWorkers: 0.5,
  sustainedMs: 5_000,
  minHoldMs: 15_000,
  maxAgeMs: 5_000,
  ttlMs: 60_000,
})

/** Why tasks wait for a CPU. */
export type CpuShortageCause =
  /** A quota stops them, although CPUs may be idle: fewer jobs at once get the same done, with less waiting. */
  | 'throttled'
  /** Every CPU is busy: more work goes elsewhere, or waits. */
  | 'contended'

export interface CpuShortageState {
  readonly hysteresis: Hysteresis
  readonly cause: CpuShortageCause | null
  /** Jobs at once per worker; null: the zone is paused, because another one can take its work. */
  readonly maxInFlight: number | null
}

const resting: CpuShortageState = Object.freeze({ hysteresis: atRest, cause: null, maxInFlight: null })

/**
 * Tells CPU throttling from contention, which look alike in pressure alone, and does what helps. Where a quota is used
 * up, the workers of the zone go down to half of their jobs at once (`rebalance`). Where all CPUs are busy, the zone
 * takes no new work (`pause-node`) if another zone has idle CPUs and workers to take it. Otherwise a pause would leave
 * CPUs idle later and gain nothing, so the workers go down to half of their jobs here, too.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the thresholds leave no gap
 */
export function cpuShortagePolicy(options: CpuShortageOptions = {}): Policy<ZoneStates<CpuShortageState>> {
  const resolved = { ...defaultCpuShortageOptions, ...withoutUndefined(options) }
  const { actAbovePressurePercent, liftBelowPressurePercent, maxAgeMs, ttlMs } = resolved
  checkGap({ liftBelowPressurePercent, actAbovePressurePercent }, 100)
  for (const name of ['sustainedMs', 'minHoldMs', 'maxAgeMs'] as const) checkDurationMs(name, resolved[name])
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return {
    name: 'cpu-shortage',
    initial: {},
    decide: (snapshot, states, nowMs) =>
      decideByZone(snapshot, states, nowMs, maxAgeMs, (zone, before) => {
        const state = judge(snapshot, zone, before ?? resting, nowMs, resolved)
        const { target } = zone.zone
        const { hysteresis, cause, maxInFlight } = state
        if (hysteresis.overSinceMs === null) return {}
        if (hysteresis.actingSinceMs === null || cause === null) return { state }
        const { reason } = hysteresis
        return maxInFlight === null
          ? { state, wanted: [{ kind: 'pause-node', target, terms: {}, reason, ttlMs }] }
          : { state, wanted: [{ kind: 'rebalance', target, terms: { maxInFlight }, reason, ttlMs }] }
      }),
  }
}

function judge(
  snapshot: PlacementSnapshot,
  { zone, row }: ReadZone,
  before: CpuShortageState,
  nowMs: number,
  options: Required<CpuShortageOptions>,
): CpuShortageState {
  const pressure = row.cpuPressurePercent ?? 0
  const isOver = pressure > options.actAbovePressurePercent
  const isUnder = pressure < options.liftBelowPressurePercent
  // What holds goes on: neither its cause nor its limit is looked for again.
  if (before.hysteresis.actingSinceMs !== null || !isOver) {
    const reading = isUnder ? 'under' : isOver ? 'over' : 'between'
    const hysteresis = step(before.hysteresis, reading, nowMs, options, () => '')
    return hysteresis.actingSinceMs === null ? resting : { ...before, hysteresis }
  }
  const workers = [...livingWorkers(snapshot, zone.bootId, zone.numaNode)]
  const cause = causeOf(row, workers, options)
  if (cause === null) return resting
  const goesElsewhere = cause === 'contended' && canTakeElsewhere(snapshot, zone, nowMs, options)
  const limit = jobsThatRun(workers)
  // Fewer jobs at once help only where there are more: what else keeps the CPUs busy is beyond the policy.
  if (!goesElsewhere && workers.every(({ load }) => load.inFlight <= limit)) return resting
  const reason = (): string => `${explain(cause)}: tasks waited for a CPU in ${Math.round(pressure)} % of the last 10 s`
  const hysteresis = step(before.hysteresis, 'over', nowMs, options, reason)
  return { hysteresis, cause, maxInFlight: goesElsewhere ? null : limit }
}

/** Whether another zone has idle CPUs, and a worker that takes jobs now. */
function canTakeElsewhere(
  snapshot: PlacementSnapshot,
  pressed: ZoneEntry,
  nowMs: number,
  { spareShare, maxAgeMs }: Required<CpuShortageOptions>,
): boolean {
  return snapshot.zones.some((zone) => {
    if (zone?.row === null || zone === undefined || zone === pressed || zone.maintenance !== null) return false
    const { row, pause } = zone
    if (pause !== null && pause.expiresMs > nowMs) return false
    if (row.collectorLiveliness !== Liveliness.alive || nowMs - row.observedMs > maxAgeMs) return false
    if ((row.cpuHeadroomCores ?? 0) < spareShare * zoneCpus(row)) return false
    return zoneWorkers(snapshot, zone.bootId, zone.numaNode).free > 0
  })
}

function causeOf(
  row: ZoneRow,
  workers: readonly WorkerRow[],
  { idleShare, throttledPercent, throttledWorkers }: Required<CpuShortageOptions>,
): CpuShortageCause | null {
  const throttled = workers.filter((worker) => isThrottled(worker, throttledPercent)).length
  if (workers.length > 0 && throttled >= throttledWorkers * workers.length) return 'throttled'
  const isUsedUp = row.cpuHeadroomCores !== null && row.cpuHeadroomCores < idleShare * zoneCpus(row)
  if (!isUsedUp) return null
  return row.cpuQuotaCores !== null && row.cpuQuotaCores < row.cpus ? 'throttled' : 'contended'
}

/** By the kernel's own count, or, where that is not known, by how near the use is to the quota. */
function isThrottled({ headroom }: WorkerRow, throttledPercent: number): boolean {
  if (headroom === null || headroom.cpuQuotaCores === null) return false
  if (headroom.cpuThrottledPercent !== null) return headroom.cpuThrottledPercent > throttledPercent
  return headroom.cpuUsedCores >= 0.95 * headroom.cpuQuotaCores
}

/** Half of what a worker has in flight on average, rounded up: at least 1. */
function jobsThatRun(workers: readonly WorkerRow[]): number {
  const inFlight = workers.reduce((sum, { load }) => sum + load.inFlight, 0)
  return Math.max(1, Math.ceil(inFlight / Math.max(1, workers.length) / 2))
}

function explain(cause: CpuShortageCause): string {
  return cause === 'throttled' ? 'the CPU quota is used up' : 'every CPU is busy'
}
