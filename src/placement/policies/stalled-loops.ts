import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { Liveliness } from '../../liveliness/verdict.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import { nodeTarget } from '../../plane/vocabulary/targets.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { WorkerRow } from '../../views/snapshot/worker-row.js'
import { atRest, checkGap, checkShare, type Hysteresis, type Reading, step } from './hysteresis.js'
import type { Decision, Policy, WantedIntent } from './policy.js'
import { stateOf } from './state-of.js'

export interface StalledLoopsOptions {
  /**
   * A loop counts as stalled, too, while it is busy for at least this share of the time. A worker that computes on its
   * main thread is busy all the time, and healthy: set this only where jobs run elsewhere.
   * @default null: only a loop that does not turn is stalled
   */
  readonly stalledUtilization?: number | null
  /** With `stalledUtilization`: it counts as running again below this. @default 0.8 */
  readonly runningUtilization?: number
  /** A loop must be stalled for this time before its worker is drained. @default 15000 */
  readonly sustainedMs?: number
  /** A drain holds for at least this time. @default 30000 */
  readonly minHoldMs?: number
  /**
   * At most this share of a node's workers is drained at once, at least one where there are two: a policy that drains
   * everything because everything is busy does harm.
   * @default 0.25
   */
  readonly maxDrainedShare?: number
  /** @default 60000 */
  readonly ttlMs?: number
}

export const defaultStalledLoopsOptions: Required<StalledLoopsOptions> = Object.freeze({
  stalledUtilization: null,
  runningUtilization: 0.8,
  sustainedMs: 15_000,
  minHoldMs: 30_000,
  maxDrainedShare: 0.25,
  ttlMs: 60_000,
})

/** By worker id, of those whose loops are or were stalled. */
export type StalledLoopsState = Readonly<Record<string, Hysteresis>>

/**
 * Drains a worker whose event loop has stood still for long, so that it gets nothing more once it runs again, and
 * lifts the drain when its loop has time to spare.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option
 */
export function stalledLoopsPolicy(options: StalledLoopsOptions = {}): Policy<StalledLoopsState> {
  const resolved = { ...defaultStalledLoopsOptions, ...withoutUndefined(options) }
  const { stalledUtilization, runningUtilization } = resolved
  if (stalledUtilization !== null) checkGap({ runningUtilization, stalledUtilization }, 1)
  checkShare('maxDrainedShare', resolved.maxDrainedShare)
  for (const name of ['sustainedMs', 'minHoldMs'] as const) checkDurationMs(name, resolved[name])
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return {
    name: 'stalled-loops',
    initial: {},
    decide: (snapshot, states, nowMs) => decide(snapshot, states, nowMs, resolved),
  }
}

function decide(
  snapshot: PlacementSnapshot,
  states: StalledLoopsState,
  nowMs: number,
  options: Required<StalledLoopsOptions>,
): Decision<StalledLoopsState> {
  const next = new Map<string, Hysteresis>()
  const acting: WorkerRow[] = []
  for (const { rows } of snapshot.chunks) {
    for (const row of rows) {
      if (row === undefined || row.load.liveliness === Liveliness.dead) continue
      const before = stateOf(states, row.workerId)
      const reading = readingOf(row, options)
      if (before === undefined && reading !== 'over') continue
      const state = step(before ?? atRest, reading, nowMs, options, () => reasonOf(row))
      if (state.overSinceMs === null) continue
      next.set(row.workerId, state)
      if (state.actingSinceMs !== null) acting.push(row)
    }
  }
  const wanted: WantedIntent[] = []
  const drained = new Map<string, number>()
  // Workers that are drained already come first, so that the bound does not move the drain from one to another.
  const startOf = ({ workerId }: WorkerRow): number => next.get(workerId)?.actingSinceMs ?? nowMs
  acting.sort((a, b) => startOf(a) - startOf(b) || (a.workerId < b.workerId ? -1 : 1))
  for (const { workerId, load } of acting) {
    const node = nodeTarget(load)
    const count = drained.get(node) ?? 0
    const state = next.get(workerId)
    if (state === undefined) continue
    if (count >= mostDrained(snapshot, load, options)) {
      // Beyond the bound it stays stalled, and is next in turn.
      next.set(workerId, { ...state, actingSinceMs: null })
      continue
    }
    drained.set(node, count + 1)
    const { reason } = state
    wanted.push({ kind: 'drain', target: workerId, terms: { deadlineMs: null }, reason, ttlMs: options.ttlMs })
  }
  return { wanted, undecided: [], state: Object.fromEntries(next) }
}

/** A loop that has no reading counts by its liveliness alone. */
function readingOf(
  { load, headroom }: WorkerRow,
  { stalledUtilization, runningUtilization }: Required<StalledLoopsOptions>,
): Reading {
  if (load.liveliness === Liveliness.stalled) return 'over'
  if (load.liveliness !== Liveliness.alive) return 'between'
  if (stalledUtilization === null) return 'under'
  const utilization = headroom?.eventLoopUtilization ?? 0
  if (utilization >= stalledUtilization) return 'over'
  return utilization < runningUtilization ? 'under' : 'between'
}

function reasonOf({ load, headroom }: WorkerRow): string {
  if (load.liveliness === Liveliness.stalled) return 'its event loop stands still'
  return `its event loop is busy for ${Math.round((headroom?.eventLoopUtilization ?? 1) * 100)} % of the time`
}

function mostDrained(
  snapshot: PlacementSnapshot,
  { bootId, numaNode }: WorkerRow['load'],
  { maxDrainedShare }: Required<StalledLoopsOptions>,
): number {
  const workers = snapshot.zone(bootId, numaNode)?.workers ?? 0
  return Math.max(workers > 1 ? 1 : 0, Math.floor(workers * maxDrainedShare))
}
