import { dataGroup, solicitGroup } from '../../discovery/partition-groups.js'
import type { Group } from '../../transport/lane/transport.js'

/** Partitions whose groups are kept at most; a group that was dropped is made again when it is next used. */
export const maxKeptPartitions = 4_096

/** Holds one `Group` object per partition and purpose, because the lanes key their caches by it. */
export class GroupTable {
  readonly #domain: number
  readonly #data = new Map<string, Group>()
  readonly #solicit = new Map<string, Group>()

  constructor(domain: number) {
    this.#domain = domain
  }

  /** Returns the group that carries the partition's samples and beacons. */
  data(partition: string): Group {
    return this.#groupOf(this.#data, partition, dataGroup)
  }

  /** Returns the group that carries the partition's solicits and signs of presence. */
  solicit(partition: string): Group {
    return this.#groupOf(this.#solicit, partition, solicitGroup)
  }

  #groupOf(groups: Map<string, Group>, partition: string, make: typeof dataGroup): Group {
    const known = groups.get(partition)
    if (known !== undefined) return known
    const group = make(this.#domain, partition)
    groups.set(partition, group)
    const [oldest] = groups.keys()
    if (groups.size > maxKeptPartitions && oldest !== undefined) groups.delete(oldest)
    return group
  }
}
