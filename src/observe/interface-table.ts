import type { RankedInterface } from '../transport/interfaces/interface-rank.js'
import { tableLines } from './table.js'

/** Network interfaces in their order, what each is used for, and why. */
export function interfaceLines(interfaces: readonly RankedInterface[]): string[] {
  return tableLines(
    ['INTERFACE', 'KIND', 'ADDRESS', 'SPEED', 'USED FOR', 'WHY'],
    interfaces.map(({ name, kind, address, prefixBits, speedMbps, use, reason }) => [
      name,
      kind,
      address === null ? '' : `${address}/${prefixBits}`,
      speedMbps === null ? '' : `${speedMbps} Mb/s`,
      use,
      reason,
    ]),
  )
}
