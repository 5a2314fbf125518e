import { type NodePlacement, pinToNode } from '../../topology/numa/placement.js'
import { sendToParent } from './daemon.js'

/**
 * Moves this process to a NUMA node's CPUs and memory. Where the machine does not allow it the process runs on and
 * reports what was refused. Below `numacast up` the report goes to the parent, which shows it once for all processes.
 * @throws NumacastError NUMACAST_NOT_FOUND when the machine has no such node
 */
export function pinProcess(numaNode: number): void {
  const text = refusalText(numaNode, pinToNode(numaNode))
  if (text === null) return
  if (process.send === undefined) process.stderr.write(`numacast: ${text}\n`)
  else void sendToParent({ kind: 'notice', text })
}

/** Returns what the machine refused, or null. The text on memory names no node, so that it is the same for all. */
export function refusalText(numaNode: number, { cpus, memory }: NodePlacement): string | null {
  if (!cpus.applied) return `not pinned to NUMA node ${numaNode}: ${cpus.reason}`
  if (memory === null || memory.applied) return null
  return `pinned to the CPUs of its NUMA node, without a memory policy: ${memory.reason}`
}
