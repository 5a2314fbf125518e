import { type EntityGuid, participantOf } from '../../../core/ids.js'
import { Liveliness } from '../../../liveliness/verdict.js'
import type { RosterRow } from '../../../plane/node/node-roster.js'
import { nodeTarget } from '../../../plane/vocabulary/targets.js'
import { compareClaimRank, maxOwnershipStrength, type WorkerClaim } from '../../../plane/worker/worker-claim.js'

interface ForeignClaim {
  readonly claim: WorkerClaim
  readonly receivedMs: number
}

/** Three refreshes of a row: a claim that is not refreshed for this long no longer contests a name. */
export const foreignClaimMs = 15_000

/** Claims to workerIds on other nodes, according to the roster rows of those nodes. */
export class ForeignClaims {
  readonly #byName = new Map<string, Map<string, ForeignClaim>>()

  /** Takes a row of another node. True when the claims to its name have changed. */
  apply(row: RosterRow, nowMs: number): boolean {
    const { workerId, bootId, host, numaNode, incarnation, ownershipStrength, pid } = row
    const node = nodeTarget(row)
    if (!mayHoldName(row)) return this.remove(workerId, node)
    const claimant = participantOf(row.sourceWriter as EntityGuid)
    const claims = this.#byName.get(workerId) ?? new Map<string, ForeignClaim>()
    const before = claims.get(node)?.claim
    const claim = { workerId, claimant, incarnation, ownershipStrength, bootId, host, numaNode, pid }
    this.#byName.set(workerId, claims.set(node, { claim, receivedMs: nowMs }))
    return before === undefined || compareClaimRank(before, claim) !== 0
  }

  /** Removes the claim of a node. True when there was one. */
  remove(workerId: string, node: string): boolean {
    const claims = this.#byName.get(workerId)
    if (claims === undefined || !claims.delete(node)) return false
    if (claims.size === 0) this.#byName.delete(workerId)
    return true
  }

  /** Removes claims that have not been refreshed. Returns the names whose claims have changed. */
  expire(nowMs: number): string[] {
    const changed: string[] = []
    for (const [workerId, claims] of this.#byName) {
      for (const [node, { receivedMs }] of claims) {
        if (nowMs - receivedMs >= foreignClaimMs && this.remove(workerId, node)) changed.push(workerId)
      }
    }
    return changed
  }

  strongest(workerId: string): WorkerClaim | undefined {
    let best: WorkerClaim | undefined
    for (const { claim } of this.#byName.get(workerId)?.values() ?? []) {
      if (best === undefined || compareClaimRank(claim, best) > 0) best = claim
    }
    return best
  }
}

/** At the highest strength only a claimant that is alive may, so that a name cannot be held by a claim that never ends. */
function mayHoldName({ liveliness, ownershipStrength }: RosterRow): boolean {
  if (ownershipStrength === maxOwnershipStrength) return liveliness === Liveliness.alive
  return liveliness !== Liveliness.dead && liveliness !== Liveliness.unreachable
}
