import { invalidArgument } from '../core/errors.js'
import { portOf } from '../transport/lane/port.js'
import type { Group } from '../transport/lane/transport.js'
import { partitionAddress } from '../wire/group.js'

/** Returns the group of the partition's beacons and samples. Participants that read the partition join it. */
export function dataGroup(domain: number, partition: string): Group {
  return groupNamed(domain, partition)
}

/**
 * Returns the group of the partition's solicits. Participants that write to the partition join it. It is separate from
 * the data group, so that a thousand writers of one partition do not receive each other's beacons and samples.
 */
export function solicitGroup(domain: number, partition: string): Group {
  return groupNamed(domain, `${partition}?`)
}

function groupNamed(domain: number, name: string): Group {
  const { groupName, offset } = partitionAddress(name)
  return { name: groupName, port: portOf(domain, offset) }
}

export const defaultPartition = 'default'
/**
 * The partition of the built-in topics. Each participant receives its solicits, and sends beacons there only while they
 * arrive.
 */
export const builtinPartition = 'numacast'
/** Of one writer or reader. */
export const maxPartitions = 64

/** One or several partition names, checked and without repeats. @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function resolvePartitions(partition: string | readonly string[] | undefined): readonly string[] {
  const names = partition === undefined ? [defaultPartition] : typeof partition === 'string' ? [partition] : partition
  if (names.length === 0) throw invalidArgument('at least one partition is needed')
  if (names.length > maxPartitions) throw invalidArgument(`${names.length} partitions; at most ${maxPartitions}`)
  for (const name of names) {
    if (name === builtinPartition) {
      throw invalidArgument(`partition '${name}' is kept for the built-in topics; read them without a partition`)
    }
    if (name.length === 0 || name.length > 200 || name.endsWith('?')) {
      throw invalidArgument(`partition '${name}': 1 to 200 characters, not ending in '?'`)
    }
  }
  return [...new Set(names)]
}
