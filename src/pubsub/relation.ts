import { builtinPartition } from '../discovery/partition-groups.js'
import type { Descriptor } from '../wire/descriptor.js'
import type { LocalEndpoints } from './local-endpoints.js'

type Endpoints = Pick<Descriptor, 'writers' | 'readers'>

/** Whether another participant concerns this one. */
export class Relation {
  readonly #endpoints: LocalEndpoints

  constructor(endpoints: LocalEndpoints) {
    this.#endpoints = endpoints
  }

  /** It writes to a partition that is read here. */
  isSource({ writers }: Endpoints): boolean {
    return touches(writers, this.#endpoints.partitions().reads)
  }

  /** It reads a partition that is written to here. */
  isAudience({ readers }: Endpoints): boolean {
    return touches(readers, this.#endpoints.partitions().writes)
  }

  /** Somebody here reads a built-in topic, so everybody's beacons are wanted. */
  get observes(): boolean {
    return this.#endpoints.partitions().reads.has(builtinPartition)
  }

  /** Its beacons are wanted. */
  isWanted(peer: Endpoints): boolean {
    return this.isSource(peer) || this.observes
  }

  isRelated(peer: Endpoints): boolean {
    return this.isWanted(peer) || this.isAudience(peer)
  }
}

export function touches(
  endpoints: readonly { readonly partitions: readonly string[] }[],
  wanted: ReadonlySet<string>,
): boolean {
  return endpoints.some(({ partitions }) => partitions.some((partition) => wanted.has(partition)))
}
