import { downPartition, planePartition, upPartition } from '../../plane/vocabulary/partitions.js'
import { allTargets, type NodeIdentity, nodeTarget } from '../../plane/vocabulary/targets.js'
import type { Participant } from '../../pubsub/participant.js'
import { joinRelays, keepRequests, type Relays, type RelayTarget, relayReports, relayRequests } from './relays.js'
import { type NodeClaims, relayAnswers, relayCapacities, relayOffers, relayProfiles } from './worker-relay.js'

/** Knows which workers a node has, and which processes claim their names. */
export interface NodeWorkers extends NodeClaims {
  has(workerId: string): boolean
}

/** Relays requests down to the workers of a node and their reports up, and keeps requests that concern the node. */
export function openNodeRelays(participant: Participant, node: NodeIdentity, workers: NodeWorkers): Relays {
  const up = upPartition(node.bootId, node.numaNode)
  const down = downPartition(node.bootId, node.numaNode)
  const relays = [
    relayRequests(participant, planePartition, down),
    keepRequests(participant, planePartition, relayTargetOf(node, workers)),
    relayReports(participant, up, planePartition),
    relayProfiles(participant, up, workers),
    relayCapacities(participant, up, workers),
    relayAnswers(participant, up, workers),
    relayOffers(participant, down, (workerId) => workers.has(workerId)),
  ]
  return joinRelays(relays)
}

function relayTargetOf(node: NodeIdentity, workers: NodeWorkers): RelayTarget {
  const own = nodeTarget(node)
  const isNode = (target: string): boolean => target === own || target === allTargets
  return {
    intent: (kind, target) => {
      switch (kind) {
        case 'drain':
        case 'prefer-shard':
          return workers.has(target)
        case 'pause-node':
        case 'rebalance':
          return isNode(target)
        case 'throttle-queue':
          return true
      }
    },
    scope: (scope) => isNode(scope) || workers.has(scope),
  }
}
