import { invalidArgument } from '../core/errors.js'

/**
 * Who hears whom. Everybody who decides or looks (collectors, schedulers, operators) shares {@link planePartition};
 * workers share nothing with each other: a worker writes its node's `up` and reads its node's `down`, both of
 * which only the node's collector joins. So what a worker receives does not grow with the fleet.
 */
export const planePartition = 'plane'

/** Worker → its collector. */
export function upPartition(bootId: string, numaNode: number): string {
  return `up/${zone(bootId, numaNode)}`
}

/** Collector → its workers. */
export function downPartition(bootId: string, numaNode: number): string {
  return `down/${zone(bootId, numaNode)}`
}

/** Eight hex digits of the boot id tell kernels apart: hosts may share a name, and a host keeps its own over a reboot. */
function zone(bootId: string, numaNode: number): string {
  if (!Number.isInteger(numaNode) || numaNode < 0) {
    throw invalidArgument(`numaNode must be a node id, an integer from 0, not ${numaNode}`)
  }
  return `${bootId.slice(0, 8)}/${numaNode}`
}
