import type { z } from 'zod'
import { lazySchema } from '../core/lazy-schema.js'
import { defineTopic } from '../pubsub/model/topic.js'
import { count, name } from './text.js'

/** A claim to a workerId: the fields that decide which participant is the worker. */
export interface ClaimRank {
  readonly ownershipStrength: number
  readonly incarnation: number
  /** GUID of the claimant's participant. */
  readonly claimant: string
}

/** Positive if `a` is the stronger claim: by strength, then the later joined, then the greater GUID. A total order. */
export function compareClaimRank(a: ClaimRank, b: ClaimRank): number {
  if (a.ownershipStrength !== b.ownershipStrength) return a.ownershipStrength - b.ownershipStrength
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation
  return a.claimant === b.claimant ? 0 : a.claimant < b.claimant ? -1 : 1
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
    incarnation: count(),
    ownershipStrength: count(),
    bootId: name(),
    host: name(),
    numaNode: count(),
    pid: count(),
  }),
)
export type WorkerClaim = z.infer<ReturnType<typeof workerClaimSchema>>

export const workerClaim = defineTopic({ name: 'worker.claim', key: 'workerId', schema: workerClaimSchema })
