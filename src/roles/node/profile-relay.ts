import type { Guid } from '../../core/ids.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { keyParts } from '../../plane/keys.js'
import { planePartition } from '../../plane/partitions.js'
import { workerProfile } from '../../plane/worker-profile.js'
import type { Participant } from '../../pubsub/participant.js'
import { joinRelays, type Relays } from './relays.js'

/** Knows which processes claim which names on a node. */
export interface NodeClaims {
  knows(workerId: string, participant: Guid): boolean
}

const forgetEveryMs = 5_000

/**
 * Relays the profiles of a node's workers to the plane. A profile is kept there as long as the worker has a row, dead
 * or alive, or is received from.
 */
export function relayProfiles(participant: Participant, up: string, claims: NodeClaims): Relays {
  const reader = participant.reader(workerProfile, { partition: up })
  const relay = participant.relay(reader, { partition: planePartition })
  const forgetting = new RepeatingTimer(participant.clock, forgetEveryMs, () => {
    for (const key of [...relay.writer.keys()]) {
      const owner = relay.writer.cache.latest(key)?.origin?.participant
      const [workerId = ''] = keyParts(key)
      if (owner === undefined || claims.knows(workerId, owner) || participant.hasPeer(owner)) continue
      relay.forget(key)
    }
  })
  return joinRelays([forgetting, relay, reader])
}
