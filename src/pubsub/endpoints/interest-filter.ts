import { builtinPartition } from '../../discovery/partition-groups.js'
import type { Descriptor } from '../../wire/descriptor.js'
import type { LocalEndpoints } from './local-endpoints.js'

type Endpoints = Pick<Descriptor, 'writers' | 'readers'>

/** Whether another participant concerns this one. */
export class InterestFilter {
  readonly #endpoints: LocalEndpoints

  constructor(endpoints: LocalEndpoints) {
    this.#endpoints = endpoints
  }

  /** It writes to a partition that is read here. */
  isSource({ writers }: Endpoints): boolean {
    return sharesPartition(writers, this.#endpoints.partitions().reads)
  }

  /** It reads a partition that is written to here. */
  isSink({ readers }: Endpoints): boolean {
    return sharesPartition(readers, this.#endpoints.partitions().writes)
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
    return this.isWanted(peer) || this.isSink(peer)
  }
}

export function sharesPartition(
  endpoints: readonly { readonly partitions: readonly string[] }[],
  wanted: ReadonlySet<string>,
): boolean {
  return endpoints.some(({ partitions }) => partitions.some((partition) => wanted.has(partition)))
}
