import { type EntityGuid, participantOf } from '../../core/ids.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { RosterRow } from '../../plane/node-roster.js'
import { nodeTarget } from '../../plane/targets.js'
import { compareClaimRank, type WorkerClaim } from '../../plane/worker-claim.js'

interface ForeignClaim {
  readonly claim: WorkerClaim
  readonly heardMs: number
}

/** Three refreshes of a row: whoever has not been told of for so long contests no name any more. */
export const foreignClaimMs = 15_000

/** Claims to workerIds on other nodes, as the rows of who serves those nodes tell them. */
export class ForeignClaims {
  readonly #byName = new Map<string, Map<string, ForeignClaim>>()

  /** True when somebody else's right to the name has changed. */
  apply(row: RosterRow, nowMs: number): boolean {
    const { workerId, bootId, host, numaNode, incarnation, ownershipStrength, pid } = row
    const place = nodeTarget(row)
    if (row.liveliness === Liveliness.dead || row.liveliness === Liveliness.unreachable) {
      return this.forget(workerId, place)
    }
    const claimant = participantOf(row.sourceWriter as EntityGuid)
    const claims = this.#byName.get(workerId) ?? new Map<string, ForeignClaim>()
    const before = claims.get(place)?.claim
    const claim = { workerId, claimant, incarnation, ownershipStrength, bootId, host, numaNode, pid }
    this.#byName.set(workerId, claims.set(place, { claim, heardMs: nowMs }))
    return before === undefined || compareClaimRank(before, claim) !== 0
  }

  /** The row is gone. True when that was a claim. */
  forget(workerId: string, place: string): boolean {
    const claims = this.#byName.get(workerId)
    if (claims === undefined || !claims.delete(place)) return false
    if (claims.size === 0) this.#byName.delete(workerId)
    return true
  }

  /** The names in which something has changed by the passing of time. */
  expire(nowMs: number): string[] {
    const changed: string[] = []
    for (const [workerId, claims] of this.#byName) {
      for (const [place, { heardMs }] of claims) {
        if (nowMs - heardMs >= foreignClaimMs && this.forget(workerId, place)) changed.push(workerId)
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
