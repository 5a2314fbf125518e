import type { AnnouncedQos } from './announced.js'
import { DestinationOrder, Durability, LivelinessKind, type Ownership, Reliability } from './policies.js'

/** One policy on which a writer offers less than a reader requests. */
export interface IncompatiblePolicy {
  /** By its name in the options. */
  readonly policy: keyof AnnouncedQos
  readonly offered: string | number | null
  readonly requested: string | number | null
}

type Meets<V> = (offered: V, requested: V) => boolean

/** In `order` from the weakest: more is offered than requested, or as much. */
function atLeast<V>(...order: readonly V[]): Meets<V> {
  return (offered, requested) => order.indexOf(offered) >= order.indexOf(requested)
}

/** A promise of time: the shorter the stronger, null is forever. */
const asShort: Meets<number | null> = (offered, requested) => (offered ?? Infinity) <= (requested ?? Infinity)

/** DDS 1.4, 2.2.3, the policies marked RxO, in the order in which they are told. */
const table: { readonly [P in keyof AnnouncedQos]: Meets<AnnouncedQos[P]> } = {
  reliability: atLeast(Reliability.bestEffort, Reliability.reliable),
  durability: atLeast(Durability.volatile, Durability.transientLocal),
  deadlineMs: asShort,
  liveliness: atLeast(LivelinessKind.automatic, LivelinessKind.manualByParticipant, LivelinessKind.manualByTopic),
  leaseMs: asShort,
  ownership: (offered: Ownership, requested: Ownership) => offered === requested,
  destinationOrder: atLeast(DestinationOrder.byReception, DestinationOrder.bySource),
}

/** DDS's request/offer rule: on every policy the writer offers at least what the reader requests. Empty: they fit. */
export function incompatiblePolicies(offered: AnnouncedQos, requested: AnnouncedQos): IncompatiblePolicy[] {
  const found: IncompatiblePolicy[] = []
  for (const policy of Object.keys(table) as (keyof AnnouncedQos)[]) {
    const meets = table[policy] as Meets<unknown>
    if (meets(offered[policy], requested[policy])) continue
    found.push({ policy, offered: offered[policy], requested: requested[policy] })
  }
  return found
}
