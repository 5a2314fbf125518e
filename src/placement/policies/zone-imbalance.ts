import { withoutUndefined } from '../../core/options.js'
import { checkDurationMs } from '../../core/time/duration.js'
import { maxIntentTtlMs } from '../../plane/intents/intents.js'
import type { PlacementSnapshot } from '../../views/snapshot/placement-snapshot.js'
import type { ZoneRoom } from '../../views/snapshot/zone-row.js'
import type { ZoneEntry } from '../../views/snapshot/zone-table.js'
import { atRest, checkGap, checkShare, type Hysteresis, step } from './hysteresis.js'
import { maxShards } from './merge-wanted.js'
import type { Decision, Policy, WantedIntent } from './policy.js'
import { stateOf } from './state-of.js'
import { livingWorkers, zoneWorkers } from './zone-workers.js'

export interface ZoneImbalanceOptions {
  /** The fullest and the emptiest node of a host must differ by more than this share of use. @default 0.4 */
  readonly actAboveGap?: number
  /** They are balanced below this. @default 0.2 */
  readonly liftBelowGap?: number
  /** The fullest node must be used by more than this share: an idle host is not out of balance. @default 0.7 */
  readonly pressedAbove?: number
  /** @default 10000 */
  readonly sustainedMs?: number
  /** @default 30000 */
  readonly minHoldMs?: number
  /** A host with a reading older than this is not decided on. @default 5000 */
  readonly maxAgeMs?: number
  /** @default 60000 */
  readonly ttlMs?: number
}

export const defaultZoneImbalanceOptions: Required<ZoneImbalanceOptions> = Object.freeze({
  actAboveGap: 0.4,
  liftBelowGap: 0.2,
  pressedAbove: 0.7,
  sustainedMs: 10_000,
  minHoldMs: 30_000,
  maxAgeMs: 5_000,
  ttlMs: 60_000,
})

/** What is remembered of a host that is out of balance. */
export interface HostImbalance {
  readonly hysteresis: Hysteresis
  /** The node that is relieved. */
  readonly pressedNode: number
  /** The node that is preferred. */
  readonly idleNode: number
  /** Jobs at once per worker of the pressed node; null where no worker takes more. */
  readonly maxInFlight: number | null
}

/** By boot id. */
export type ZoneImbalanceState = Readonly<Record<string, HostImbalance>>

/**
 * Moves work from the fullest NUMA node of a host to its emptiest one: the workers of the one go down to fewer jobs at
 * once (`rebalance`), those of the other prefer its shards (`prefer-shard`). Nothing that runs is moved.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT naming the option
 */
export function zoneImbalancePolicy(options: ZoneImbalanceOptions = {}): Policy<ZoneImbalanceState> {
  const resolved = { ...defaultZoneImbalanceOptions, ...withoutUndefined(options) }
  const { liftBelowGap, actAboveGap } = resolved
  checkGap({ liftBelowGap, actAboveGap }, 1)
  checkShare('pressedAbove', resolved.pressedAbove)
  for (const name of ['sustainedMs', 'minHoldMs', 'maxAgeMs'] as const) checkDurationMs(name, resolved[name])
  checkDurationMs('ttlMs', resolved.ttlMs, { exclusive: true, mostMs: maxIntentTtlMs })
  return {
    name: 'zone-imbalance',
    initial: {},
    decide: (snapshot, states, nowMs) => decide(snapshot, states, nowMs, resolved),
  }
}

function decide(
  snapshot: PlacementSnapshot,
  states: ZoneImbalanceState,
  nowMs: number,
  options: Required<ZoneImbalanceOptions>,
): Decision<ZoneImbalanceState> {
  const wanted: WantedIntent[] = []
  const undecided: string[] = []
  const next = new Map<string, HostImbalance>()
  for (const bootId of snapshot.hosts()) {
    const before = stateOf(states, bootId)
    const zones = snapshot.zonesOf(bootId)
    if (zones.length < 2 && before === undefined) continue
    if (zones.some(({ row }) => row !== null && nowMs - row.observedMs > options.maxAgeMs)) {
      if (before !== undefined) {
        next.set(bootId, before)
        undecided.push(...targetsOf(snapshot, zones, before))
      }
      continue
    }
    const state = judge(snapshot, zones, before, nowMs, options)
    if (state === undefined) continue
    next.set(bootId, state)
    if (state.hysteresis.actingSinceMs !== null) wanted.push(...intentsOf(snapshot, zones, state, options.ttlMs))
  }
  return { wanted, undecided, state: Object.fromEntries(next) }
}

function judge(
  snapshot: PlacementSnapshot,
  zones: readonly ZoneEntry[],
  before: HostImbalance | undefined,
  nowMs: number,
  options: Required<ZoneImbalanceOptions>,
): HostImbalance | undefined {
  const used = zones.flatMap((zone) => (zone.room === null ? [] : [{ zone, share: usedShare(zone.room) }]))
  const isSame = (a: ZoneEntry, node: number | undefined): boolean => a.numaNode === node
  // While it acts, it looks at the two nodes that it acts on; else at the extremes.
  const isActing = before !== undefined && before.hysteresis.actingSinceMs !== null
  const ordered = [...used].sort((a, b) => b.share - a.share || a.zone.numaNode - b.zone.numaNode)
  const pressed = isActing ? used.find(({ zone }) => isSame(zone, before.pressedNode)) : ordered[0]
  const idle = isActing ? used.find(({ zone }) => isSame(zone, before.idleNode)) : ordered.at(-1)
  if (pressed === undefined || idle === undefined || pressed.zone === idle.zone) return undefined
  const gap = pressed.share - idle.share
  const { bootId } = idle.zone
  const canTake = zoneWorkers(snapshot, bootId, idle.zone.numaNode).free > 0
  const isOver = gap > options.actAboveGap && pressed.share > options.pressedAbove && canTake
  const reading = isOver ? 'over' : gap < options.liftBelowGap || !canTake ? 'under' : 'between'
  const percent = (share: number): number => Math.round(share * 100)
  const reason = (): string =>
    `node ${pressed.zone.numaNode} is used by ${percent(pressed.share)} %, node ${idle.zone.numaNode} by ${percent(idle.share)} %`
  const isPair = before?.pressedNode === pressed.zone.numaNode && before.idleNode === idle.zone.numaNode
  const hysteresis = step(isPair ? before.hysteresis : atRest, reading, nowMs, options, reason)
  if (hysteresis.overSinceMs === null) return undefined
  if (isActing) return { ...before, hysteresis }
  const { alive, inFlight, maxConcurrency } = zoneWorkers(snapshot, bootId, pressed.zone.numaNode)
  // With this share of its jobs both nodes would be used alike, if each job took as much.
  const even = (pressed.share + idle.share) / 2 / pressed.share
  const maxInFlight = Math.max(1, Math.floor((inFlight / Math.max(1, alive)) * even))
  const nodes = { pressedNode: pressed.zone.numaNode, idleNode: idle.zone.numaNode }
  return { hysteresis, ...nodes, maxInFlight: maxInFlight < maxConcurrency ? maxInFlight : null }
}

function intentsOf(
  snapshot: PlacementSnapshot,
  zones: readonly ZoneEntry[],
  { hysteresis, pressedNode, idleNode, maxInFlight }: HostImbalance,
  ttlMs: number,
): WantedIntent[] {
  const pressed = zones.find(({ numaNode }) => numaNode === pressedNode)
  if (pressed === undefined) return []
  const { reason } = hysteresis
  const intents: WantedIntent[] = []
  if (maxInFlight !== null) {
    intents.push({ kind: 'rebalance', target: pressed.target, terms: { maxInFlight }, reason, ttlMs })
  }
  const held = [...livingWorkers(snapshot, pressed.bootId, pressedNode)].flatMap(({ profile }) => profile?.shards ?? [])
  const shards = [...new Set(held)].sort()
  const takers = [...livingWorkers(snapshot, pressed.bootId, idleNode)].map(({ workerId }) => workerId).sort()
  for (const [index, target] of takers.entries()) {
    const own = shards.filter((_, place) => place % takers.length === index).slice(0, maxShards)
    if (own.length > 0) intents.push({ kind: 'prefer-shard', target, terms: { shards: own }, reason, ttlMs })
  }
  return intents
}

/** The targets of which the state of a host that cannot be judged must not be lifted. */
function targetsOf(snapshot: PlacementSnapshot, zones: readonly ZoneEntry[], state: HostImbalance): string[] {
  return intentsOf(snapshot, zones, state, 0).map(({ target }) => target)
}

/** By the scarcer of CPU and memory. */
function usedShare({ cpus, freeCpus, memoryBytes, freeMemoryBytes }: ZoneRoom): number {
  const cpu = cpus > 0 ? 1 - freeCpus / cpus : 0
  const memory = memoryBytes > 0 ? 1 - freeMemoryBytes / memoryBytes : 0
  return Math.max(0, Math.min(1, Math.max(cpu, memory)))
}
