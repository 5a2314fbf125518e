import { invalidArgument } from '../../core/errors.js'

/**
 * The partition of the participants that decide or watch: collectors, schedulers, operators. Workers share nothing with
 * each other: a worker writes its node's `up` and reads its node's `down`, and only the node's collector joins both.
 * What a worker receives therefore does not grow with the fleet.
 */
export const planePartition = 'plane'

/** Schedulers → whatever looks jobs up. A partition of its own: most participants of the plane need no ledger. */
export const ledgerPartition = 'ledger'

/** Worker → its collector. */
export function upPartition(bootId: string, numaNode: number): string {
  return `up/${zone(bootId, numaNode)}`
}

/** Collector → its workers. */
export function downPartition(bootId: string, numaNode: number): string {
  return `down/${zone(bootId, numaNode)}`
}

/** The whole boot id: a part of it, or of what stands in for it where it is hidden, may be the same on two hosts. */
function zone(bootId: string, numaNode: number): string {
  if (!Number.isInteger(numaNode) || numaNode < 0) {
    throw invalidArgument(`numaNode must be a node id, an integer from 0, not ${numaNode}`)
  }
  return `${bootId}/${numaNode}`
}
