import { Durability, Reliability } from './qos.js'

/** What one side says of its QoS to the other, in the descriptor. */
export interface AnnouncedQos {
  readonly reliability: Reliability
  readonly durability: Durability
}

/** One policy on which a writer offers less than a reader requests. */
export interface IncompatiblePolicy {
  readonly policy: keyof AnnouncedQos
  readonly offered: string
  readonly requested: string
}

const strength: { readonly [P in keyof AnnouncedQos]: readonly string[] } = {
  reliability: [Reliability.bestEffort, Reliability.reliable],
  durability: [Durability.volatile, Durability.transientLocal],
}

/** DDS's request/offer rule: on every policy the writer offers at least what the reader requests. */
export function incompatiblePolicies(offered: AnnouncedQos, requested: AnnouncedQos): IncompatiblePolicy[] {
  const found: IncompatiblePolicy[] = []
  for (const policy of Object.keys(strength) as (keyof AnnouncedQos)[]) {
    const order = strength[policy]
    if (order.indexOf(offered[policy]) < order.indexOf(requested[policy])) {
      found.push({ policy, offered: offered[policy], requested: requested[policy] })
    }
  }
  return found
}
