import { builtinPartition } from '../../discovery/partition-groups.js'
import type { Descriptor } from '../../wire/descriptor.js'
import type { LocalEndpoints } from './local-endpoints.js'

type Endpoints = Pick<Descriptor, 'writers' | 'readers'>

/** Decides whether another participant concerns this one. */
export class InterestFilter {
  readonly #endpoints: LocalEndpoints

  constructor(endpoints: LocalEndpoints) {
    this.#endpoints = endpoints
  }

  /** The peer writes to a partition that is read here. */
  isSource({ writers }: Endpoints): boolean {
    return sharesPartition(writers, this.#endpoints.partitions().reads)
  }

  /** The peer reads a partition that is written to here. */
  isSink({ readers }: Endpoints): boolean {
    return sharesPartition(readers, this.#endpoints.partitions().writes)
  }

  /** A local reader reads a built-in topic, so the beacons of all participants are wanted. */
  get observes(): boolean {
    return this.#endpoints.partitions().reads.has(builtinPartition)
  }

  /** The peer's beacons are wanted. */
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
