import { fnv1a64 } from '../core/fnv.js'

/** Ports per domain that partitions spread over; DDS reserves 250 per domain. */
export const partitionOffsets = 250

export interface PartitionAddress {
  /** RADIO/DISH group, 14 bytes: 'p' and 13 base-32 digits of the hash. */
  readonly groupName: string
  /** Added to the domain's first port. */
  readonly offset: number
}

/**
 * Where a partition's frames go: FNV-1a (64 bit) of its UTF-8 name gives the group, and modulo 250 the port
 * offset. The kernel filters by port, the group name by what is left: two partitions on one port hear each
 * other's datagrams and skip them.
 */
export function partitionAddress(partition: string): PartitionAddress {
  const hash = fnv1a64(partition)
  return {
    groupName: `p${hash.toString(32).padStart(13, '0')}`,
    offset: Number(hash % BigInt(partitionOffsets)),
  }
}
