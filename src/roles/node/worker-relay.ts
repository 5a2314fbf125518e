import { type Guid, participantOf } from '../../core/ids.js'
import { RepeatingTimer } from '../../core/time/repeating-timer.js'
import { placementAnswer, placementOffer } from '../../plane/placement/offer.js'
import { keyParts } from '../../plane/vocabulary/keys.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { type WorkerCapacity, workerCapacity } from '../../plane/worker/worker-capacity.js'
import { workerProfile } from '../../plane/worker/worker-profile.js'
import type { Peer } from '../../pubsub/model/peer.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Topic } from '../../pubsub/model/topic.js'
import type { Participant } from '../../pubsub/participant.js'
import { differs } from './capacity-change.js'
import { joinRelays, type Relays } from './relays.js'

/** Knows which processes claim which names on a node. */
export interface NodeClaims {
  knows(workerId: string, participant: Guid): boolean
}

/** What every row has that is relayed here. */
interface RelayedProcess {
  readonly workerId: string
  readonly incarnation: number
}

const forgetEveryMs = 5_000
/** A worker's capacity is passed on at most once in this time, and only if it differs … */
const capacityIntervalMs = 1_000
/** … or if what was passed on last is this old. */
const capacityRefreshMs = 15_000

/** Relays the profiles of a node's workers to the plane. */
export function relayProfiles(participant: Participant, up: string, claims: NodeClaims): Relays {
  return relayWorkers(participant, workerProfile, up, claims, () => true)
}

/** Relays the answers of a node's reactive workers to the plane. */
export function relayAnswers(participant: Participant, up: string, claims: NodeClaims): Relays {
  return relayWorkers(participant, placementAnswer, up, claims, () => true)
}

/** Relays the offers to a node's workers down to them. */
export function relayOffers(participant: Participant, down: string, isWorker: (workerId: string) => boolean): Relays {
  const reader = participant.reader(placementOffer, { partition: planePartition })
  const filter = ({ key }: { readonly key: string }): boolean => isWorker(keyParts(key)[0] ?? '')
  return joinRelays([participant.relay(reader, { partition: down, filter }), reader])
}

/** Relays the capacity of a node's workers to the plane: what a decision could depend on, not each reading. */
export function relayCapacities(participant: Participant, up: string, claims: NodeClaims): Relays {
  const passed = new Map<string, { readonly capacity: WorkerCapacity; readonly writtenMs: number }>()
  const isNews = ({ key, value: capacity, writtenMs }: Sample<WorkerCapacity>): boolean => {
    if (capacity === undefined) return true
    const last = passed.get(key)
    const ageMs = last === undefined ? Infinity : writtenMs - last.writtenMs
    const isDue = last === undefined || ageMs >= capacityRefreshMs
    if (!isDue && (ageMs < capacityIntervalMs || !differs(last.capacity, capacity))) return false
    passed.set(key, { capacity, writtenMs })
    return true
  }
  return relayWorkers(participant, workerCapacity, up, claims, isNews, (key) => passed.delete(key))
}

/**
 * What a worker wrote is kept on the plane as long as the worker has a row, dead or alive, or is received from. What
 * another process wrote under the worker's key is not passed on.
 */
function relayWorkers<T extends RelayedProcess>(
  participant: Participant,
  topic: Topic<T>,
  up: string,
  claims: NodeClaims,
  filter: (sample: Sample<T>) => boolean,
  onForget: (key: string) => void = () => {},
): Relays {
  const reader = participant.reader(topic, { partition: up })
  const isPassed = (sample: Sample<T>): boolean => {
    const peer = participant.peer(participantOf(sample.token.writer))
    if (sample.value !== undefined && peer !== undefined && !isOf(peer, sample.value, participant.identity.bootId)) {
      participant.counters.add('relay.rejected.foreign-worker')
      return false
    }
    return filter(sample)
  }
  const relay = participant.relay(reader, { partition: planePartition, filter: isPassed })
  const forgetting = new RepeatingTimer(participant.clock, forgetEveryMs, () => {
    for (const key of [...relay.writer.keys()]) {
      const owner = relay.writer.cache.latest(key)?.origin?.participant
      const [workerId = ''] = keyParts(key)
      if (owner === undefined || claims.knows(workerId, owner) || participant.hasPeer(owner)) continue
      relay.endInstance(key)
      onForget(key)
    }
  })
  return joinRelays([forgetting, relay, reader])
}

/** Whether the peer is the process that the row is of, on this host. */
function isOf({ identity, incarnation, properties }: Peer, row: RelayedProcess, bootId: string): boolean {
  return identity.bootId === bootId && incarnation === row.incarnation && properties.workerId === row.workerId
}
