import type { z } from 'zod'
import { lazySchema } from '../../core/lazy-schema.js'
import { defineTopic } from '../../pubsub/model/topic.js'
import { count, incarnation, name } from '../vocabulary/text.js'

/** A claim to a workerId: the fields that decide which participant is the worker. */
export interface ClaimRank {
  readonly ownershipStrength: number
  readonly incarnation: number
  /** GUID of the claimant's participant. */
  readonly claimant: string
}

/** The highest strength of a claim; see {@link compareObservedClaims}. */
export const maxOwnershipStrength = 2 ** 31 - 1
export const ownershipStrength = lazySchema(() => count().max(maxOwnershipStrength))

/** Positive if `a` is the stronger claim: by strength, then the later joined, then the greater GUID. A total order. */
export function compareClaimRank(a: ClaimRank, b: ClaimRank): number {
  if (a.ownershipStrength !== b.ownershipStrength) return a.ownershipStrength - b.ownershipStrength
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation
  return a.claimant === b.claimant ? 0 : a.claimant < b.claimant ? -1 : 1
}

/** A claim, and whether its claimant is alive: not stalled, suspect or unreachable. */
export interface ObservedClaim extends ClaimRank {
  readonly isAlive: boolean
}

/**
 * Compares two claims of which neither is known to be dead. No claim exceeds the highest strength, so there a claimant
 * that is alive comes first. This lets an operator take a name from a claimant that nothing else ends.
 */
export function compareObservedClaims(a: ObservedClaim, b: ObservedClaim): number {
  const areHighest = a.ownershipStrength === maxOwnershipStrength && b.ownershipStrength === maxOwnershipStrength
  if (areHighest && a.isAlive !== b.isAlive) return a.isAlive ? 1 : -1
  return compareClaimRank(a, b)
}

/**
 * Names the holder of a workerId that several live participants claim. The collector of each claimant's node writes it,
 * so that the loser receives it. Disposed once there is nothing left to decide.
 */
export const workerClaimSchema = lazySchema((z) =>
  z.object({
    workerId: name(),
    /** GUID of the participant that is the worker. */
    claimant: name(),
    incarnation: incarnation(),
    ownershipStrength: ownershipStrength(),
    bootId: name(),
    host: name(),
    numaNode: count(),
    pid: count(),
  }),
)
export type WorkerClaim = z.infer<ReturnType<typeof workerClaimSchema>>

export const workerClaim = defineTopic({ name: 'worker.claim', key: 'workerId', schema: workerClaimSchema })
