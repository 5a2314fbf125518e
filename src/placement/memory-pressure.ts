import { invalidArgument } from '../core/errors.js'
import { withoutUndefined } from '../core/options.js'
import { checkDurationMs } from '../core/time/duration.js'
import { nodeTarget } from '../plane/targets.js'
import type { NodeStatus } from '../views/status/status-document.js'
import type { Decision, Policy, WantedIntent } from './policy.js'

export interface MemoryPressureOptions {
  /**
   * A node is paused when less than this share of its memory is available: of what its cgroup allows, or of all
   * that it has, whichever is scarcer.
   * @default 0.1
   */
  readonly pauseBelowAvailable?: number
  /**
   * It is released when more than this share is available again. The gap to `pauseBelowAvailable` keeps a node
   * that hovers at the limit from being switched to and fro.
   * @default 0.2
   */
  readonly liftAboveAvailable?: number
  /**
   * A node is paused, too, when its tasks waited for memory in more than this percentage of the last ten seconds
   * (PSI `some avg10`), where the kernel tells.
   * @default 20
   */
  readonly pauseAbovePressurePercent?: number
  /** @default 5 */
  readonly liftBelowPressurePercent?: number
  /**
   * Scarcity must last for this time before a node is paused: one large allocation is not pressure.
   * @default 2000
   */
  readonly sustainedMs?: number
  /**
   * A paused node stays paused for at least this time.
   * @default 30000
   */
  readonly minHoldMs?: number
  /**
   * A reading older than this decides nothing.
   * @default 5000
   */
  readonly maxAgeMs?: number
}

export const defaultMemoryPressureOptions: Required<MemoryPressureOptions> = Object.freeze({
  pauseBelowAvailable: 0.1,
  liftAboveAvailable: 0.2,
  pauseAbovePressurePercent: 20,
  liftBelowPressurePercent: 5,
  sustainedMs: 2_000,
  minHoldMs: 30_000,
  maxAgeMs: 5_000,
})

/** What a reading of a node's memory consists of. */
export type MemoryReading = Pick<
  NodeStatus,
  'memoryTotalBytes' | 'memoryAvailableBytes' | 'memoryLimitBytes' | 'memoryHeadroomBytes' | 'memoryPressurePercent'
>

/** Per node target. */
export type MemoryPressureState = Readonly<Record<string, NodeMemory>>

/** What is remembered of one node. */
export interface NodeMemory {
  /** Scarce without a break since then; null while it is not. */
  readonly scarceSinceMs: number | null
  readonly pausedSinceMs: number | null
  readonly reason: string
}

/** The memory of a node whose memory is not scarce. */
export const calm: NodeMemory = Object.freeze({ scarceSinceMs: null, pausedSinceMs: null, reason: '' })

/**
 * Pauses scheduling to a node under memory pressure and lifts the pause with hysteresis and a minimum hold.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when the thresholds leave no gap
 */
export function memoryPressurePolicy(options: MemoryPressureOptions = {}): Policy<MemoryPressureState> {
  const resolved = resolveMemoryPressureOptions(options)
  return {
    name: 'memory-pressure',
    initial: {},
    decide(snapshot, state, nowMs): Decision<MemoryPressureState> {
      const wanted: WantedIntent[] = []
      const undecided: string[] = []
      const next: Record<string, NodeMemory> = {}
      for (const node of snapshot.nodes) {
        const target = nodeTarget(node)
        const before = state[target] ?? calm
        if (node.ageMs > resolved.maxAgeMs) {
          undecided.push(target)
          next[target] = before
          continue
        }
        const memory = judgeMemory(node, before, nowMs, resolved)
        next[target] = memory
        if (memory.pausedSinceMs !== null) wanted.push({ kind: 'pause-node', target, terms: {}, reason: memory.reason })
      }
      return { wanted, undecided, state: next }
    },
  }
}

export function resolveMemoryPressureOptions(options: MemoryPressureOptions): Required<MemoryPressureOptions> {
  const resolved = { ...defaultMemoryPressureOptions, ...withoutUndefined(options) }
  const { pauseBelowAvailable, liftAboveAvailable, pauseAbovePressurePercent, liftBelowPressurePercent } = resolved
  if (!(pauseBelowAvailable >= 0 && pauseBelowAvailable < liftAboveAvailable && liftAboveAvailable <= 1)) {
    throw invalidArgument(
      `memory shares must satisfy 0 ≤ pauseBelowAvailable < liftAboveAvailable ≤ 1, not ${pauseBelowAvailable} and ${liftAboveAvailable}`,
    )
  }
  if (!(liftBelowPressurePercent >= 0 && liftBelowPressurePercent < pauseAbovePressurePercent)) {
    throw invalidArgument(
      `pressure percentages must satisfy 0 ≤ liftBelowPressurePercent < pauseAbovePressurePercent, not ${liftBelowPressurePercent} and ${pauseAbovePressurePercent}`,
    )
  }
  for (const name of ['sustainedMs', 'minHoldMs', 'maxAgeMs'] as const) {
    checkDurationMs(name, resolved[name], { allowInfinity: true })
  }
  return Object.freeze(resolved)
}

/** Judges one reading of a node. */
export function judgeMemory(
  node: MemoryReading,
  before: NodeMemory,
  nowMs: number,
  options: Required<MemoryPressureOptions>,
): NodeMemory {
  const available = availableShare(node)
  const pressure = node.memoryPressurePercent ?? 0
  if (before.pausedSinceMs !== null) {
    const held = nowMs - before.pausedSinceMs >= options.minHoldMs
    const relieved = available > options.liftAboveAvailable && pressure < options.liftBelowPressurePercent
    return held && relieved ? calm : before
  }
  const scarce = available < options.pauseBelowAvailable || pressure > options.pauseAbovePressurePercent
  if (!scarce) return calm
  const scarceSinceMs = before.scarceSinceMs ?? nowMs
  if (nowMs - scarceSinceMs < options.sustainedMs) return { scarceSinceMs, pausedSinceMs: null, reason: '' }
  const reason =
    available < options.pauseBelowAvailable
      ? `${Math.round(available * 100)} % of the memory is available, less than ${Math.round(options.pauseBelowAvailable * 100)} %`
      : `tasks waited for memory in ${Math.round(pressure)} % of the last 10 s, more than ${options.pauseAbovePressurePercent} %`
  return { scarceSinceMs, pausedSinceMs: nowMs, reason }
}

type NodeSizes = Pick<
  NodeStatus,
  'memoryTotalBytes' | 'memoryAvailableBytes' | 'memoryLimitBytes' | 'memoryHeadroomBytes'
>

/**
 * Returns the available share, 0 to 1: of the node's memory or of what its cgroup allows, whichever is scarcer. A node
 * without memory is never scarce.
 */
export function availableShare(node: NodeSizes): number {
  const ofNode = node.memoryTotalBytes > 0 ? node.memoryAvailableBytes / node.memoryTotalBytes : 1
  return Math.min(1, ofNode, shareOfLimit(node))
}

/**
 * The headroom is never more than the machine has available, so a limit above the node's memory counts as the node's
 * memory: as a share of such a limit the headroom would be small on an idle machine.
 */
function shareOfLimit({ memoryTotalBytes, memoryLimitBytes, memoryHeadroomBytes }: NodeSizes): number {
  if (memoryLimitBytes === null || memoryLimitBytes <= 0 || memoryHeadroomBytes === null) return 1
  const reachable = memoryTotalBytes > 0 ? Math.min(memoryLimitBytes, memoryTotalBytes) : memoryLimitBytes
  return memoryHeadroomBytes / reachable
}
