import { pinToNode } from '../../topology/numa/placement.js'

/**
 * Moves this process to a NUMA node's CPUs and memory. Where the machine does not allow it the process runs on
 * unpinned, and says so: it still works, only farther from its memory.
 * @throws NumacastError NUMACAST_NOT_FOUND when the machine has no such node
 */
export function pinProcess(numaNode: number): void {
  const result = pinToNode(numaNode)
  if (!result.applied) process.stderr.write(`numacast: not pinned to NUMA node ${numaNode}: ${result.reason}\n`)
}
