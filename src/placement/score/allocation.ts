/** One resource of a zone: what it has, and what is used of it once the request is placed there. */
export interface Allocation {
  readonly capacity: number
  readonly used: number
}

/** Scores a zone, 0 … 1, by how full it would be. */
export type AllocationFormula = (cpu: Allocation, memory: Allocation) => number

/**
 * kube-scheduler's `LeastAllocated` with its default weights, 1 for each resource, over 100: the mean of
 * (capacity − used) / capacity, 0 where a resource is overfull. A resource that the zone lacks is left out.
 */
export const kubernetesLeastAllocated: AllocationFormula = (cpu, memory) =>
  meanOfPresent(cpu, memory, ({ capacity, used }) => (used <= capacity ? (capacity - used) / capacity : 0))

/** kube-scheduler's `MostAllocated`, likewise: the mean of used / capacity, at most 1 for each. */
export const kubernetesMostAllocated: AllocationFormula = (cpu, memory) => meanOfPresent(cpu, memory, fraction)

/** kube-scheduler's `BalancedAllocation` for two resources, over 100: 1 − |usedCpu − usedMemory| / 2. */
export const kubernetesBalancedAllocation: AllocationFormula = (cpu, memory) =>
  1 - Math.abs(fraction(cpu) - fraction(memory)) / 2

/** Nomad's bin packing (BestFit v3): clamp(20 − (10^freeCpu + 10^freeMemory), 0, 18) / 18. */
export const nomadBinpack: AllocationFormula = (cpu, memory) => clamp(20 - freePowers(cpu, memory), 0, 18) / 18

/** Nomad's spread: clamp(10^freeCpu + 10^freeMemory − 2, 0, 18) / 18. */
export const nomadSpread: AllocationFormula = (cpu, memory) => clamp(freePowers(cpu, memory) - 2, 0, 18) / 18

/** The formulas by name. */
export const allocationPresets = Object.freeze({
  kubernetesBalancedAllocation,
  kubernetesLeastAllocated,
  kubernetesMostAllocated,
  nomadBinpack,
  nomadSpread,
})
export type AllocationPreset = keyof typeof allocationPresets

function meanOfPresent(cpu: Allocation, memory: Allocation, score: (resource: Allocation) => number): number {
  if (cpu.capacity <= 0) return memory.capacity <= 0 ? 0 : score(memory)
  return memory.capacity <= 0 ? score(cpu) : (score(cpu) + score(memory)) / 2
}

/** Kubernetes caps the fraction at 1. */
function fraction({ capacity, used }: Allocation): number {
  return capacity > 0 ? Math.min(1, used / capacity) : 1
}

/** Nomad does not cap the free share: an overfull node has a negative one. */
function freePowers(cpu: Allocation, memory: Allocation): number {
  return 10 ** nomadFree(cpu) + 10 ** nomadFree(memory)
}

function nomadFree({ capacity, used }: Allocation): number {
  return capacity > 0 ? 1 - used / capacity : 0
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
