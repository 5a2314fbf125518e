import type { EntityGuid } from '../../core/ids.js'
import type { NodeCapacity } from '../../plane/node/node-capacity.js'
import type { Sample } from '../../pubsub/model/sample.js'
import { type Held, nextHeld } from './held.js'
import { sourceStatusOf, type VerdictOf } from './source-status.js'

/** All reports on one NUMA node, one per server: its collector, an earlier one, or a process that stands in for it. */
export class NodeRows {
  readonly #rows = new Map<EntityGuid, Held<NodeCapacity>>()

  get size(): number {
    return this.#rows.size
  }

  values(): IterableIterator<Held<NodeCapacity>> {
    return this.#rows.values()
  }

  /** False when the sample changes nothing. */
  apply(sample: Sample<NodeCapacity>): boolean {
    const { writer } = sample.token
    const before = this.#rows.get(writer)
    const after = nextHeld(before, sample)
    if (after === before) return false
    if (after === undefined) this.#rows.delete(writer)
    else this.#rows.set(writer, after)
    return true
  }

  remove(writer: EntityGuid): boolean {
    return this.#rows.delete(writer)
  }

  /** The report of the server that knows best. */
  choose(verdictOf: VerdictOf): Held<NodeCapacity> | undefined {
    let best: Held<NodeCapacity> | undefined
    for (const held of this.#rows.values()) if (best === undefined || isBetter(held, best, verdictOf)) best = held
    return best
  }
}

function isBetter(a: Held<NodeCapacity>, b: Held<NodeCapacity>, verdictOf: VerdictOf): boolean {
  const standing = sourceStatusOf(a, verdictOf) - sourceStatusOf(b, verdictOf)
  if (standing !== 0) return standing > 0
  if (a.value.adopted !== b.value.adopted) return b.value.adopted
  const incarnation = a.value.collectorIncarnation - b.value.collectorIncarnation
  return incarnation === 0 ? a.originTimeMs > b.originTimeMs : incarnation > 0
}
