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
 * The stream lane's name of what else goes by multicast to the group: its beacons and samples, for peers beyond
 * multicast. Kept apart from the group itself, which on the stream lane carries topics that always go by stream.
 */
export function mirrorName(groupName: string): string {
  return `m${groupName.slice(1)}`
}

/**
 * The stream lane's name of the samples of the group that fit no datagram. Apart, so that those who hear the rest by
 * multicast need nothing else by stream.
 */
export function largeName(groupName: string): string {
  return `l${groupName.slice(1)}`
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
