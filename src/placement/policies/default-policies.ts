import { collectorLossPolicy } from './collector-loss.js'
import { cpuShortagePolicy } from './cpu-shortage.js'
import { memoryPressurePolicy } from './memory-pressure.js'
import { memoryStallPolicy } from './memory-stall.js'
import { memoryTrendPolicy } from './memory-trend.js'
import type { Policy } from './policy.js'
import { stalledLoopsPolicy } from './stalled-loops.js'
import { zoneImbalancePolicy } from './zone-imbalance.js'

/** The policies that a scheduler runs unless it is given others, each with its default options. */
export function defaultPolicies(): readonly Policy[] {
  return [
    memoryPressurePolicy(),
    memoryStallPolicy(),
    memoryTrendPolicy(),
    cpuShortagePolicy(),
    stalledLoopsPolicy(),
    zoneImbalancePolicy(),
    collectorLossPolicy(),
  ] as readonly Policy[]
}
