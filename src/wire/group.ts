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
 * Returns the stream lane's name for the traffic that otherwise goes by multicast to the group: its beacons and
 * samples, for peers that multicast does not reach. On the stream lane, the group itself carries topics that always go
 * by stream.
 */
export function mirrorName(groupName: string): string {
  return `m${groupName.slice(1)}`
}

/**
 * Returns the stream lane's name for the samples of the group that do not fit a datagram. It is a separate group, so
 * that peers that receive the rest by multicast need nothing else by stream.
 */
export function largeName(groupName: string): string {
  return `l${groupName.slice(1)}`
}

/**
 * Returns where a partition's frames go. FNV-1a (64 bit) of its UTF-8 name gives the group, and modulo 250 the port
 * offset. The kernel filters by port, and the receiver by group name: two partitions on one port receive each
 * other's datagrams and skip them.
 */
export function partitionAddress(partition: string): PartitionAddress {
  const hash = fnv1a64(partition)
  return {
    groupName: `p${hash.toString(32).padStart(13, '0')}`,
    offset: Number(hash % BigInt(partitionOffsets)),
  }
}
