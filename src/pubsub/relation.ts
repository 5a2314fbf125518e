import type { Descriptor } from '../wire/descriptor.js'
import type { LocalEndpoints } from './local-endpoints.js'

/** Whether another participant concerns this one: one writes to a partition that the other reads. */
export class Relation {
  readonly #endpoints: LocalEndpoints

  constructor(endpoints: LocalEndpoints) {
    this.#endpoints = endpoints
  }

  isRelated({ writers, readers }: Pick<Descriptor, 'writers' | 'readers'>): boolean {
    const { reads, writes } = this.#endpoints.partitions()
    return touches(writers, reads) || touches(readers, writes)
  }
}

function touches(theirs: readonly { readonly partitions: readonly string[] }[], ours: ReadonlySet<string>): boolean {
  return theirs.some(({ partitions }) => partitions.some((partition) => ours.has(partition)))
}
