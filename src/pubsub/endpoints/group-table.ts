import { dataGroup, solicitGroup } from '../../discovery/partition-groups.js'
import type { Group } from '../../transport/lane/transport.js'

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
    let group = groups.get(partition)
    if (group === undefined) {
      group = make(this.#domain, partition)
      groups.set(partition, group)
    }
    return group
  }
}
