import { compareClaimRank, type WorkerClaim, workerClaim } from '../../plane/worker/worker-claim.js'
import type { Participant } from '../../pubsub/participant.js'

export interface ClaimListenerComponents {
  readonly participant: Participant
  /** The partition in which the server of its node writes to it. */
  readonly partition: string
  readonly workerId: string
  readonly ownershipStrength: number
  readonly changed: (holder: WorkerClaim | null) => void
}

/** Receives the claims that decide whether this worker holds its name. */
export class ClaimListener {
  readonly #close: () => void
  #holder: WorkerClaim | null = null
  #stopped = false

  constructor({ participant, partition, workerId, ownershipStrength, changed }: ClaimListenerComponents) {
    const own = { claimant: participant.guid, incarnation: participant.incarnation, ownershipStrength }
    const reader = participant.reader(workerClaim, { partition, keyFilter: (key) => key === workerId })
    this.#close = () => reader.close()
    reader.onSample(({ key, value, instanceState }) => {
      // While no process serves the node, the last claim remains in force.
      if (key !== workerId || instanceState === 'no-writers' || this.#stopped) return
      // A weaker claim was written before its writer knew of this worker.
      const holder = value !== undefined && compareClaimRank(value, own) > 0 ? value : null
      const before = this.#holder
      this.#holder = holder
      if (before?.claimant !== holder?.claimant) changed(holder)
    })
  }

  /** The claim that holds the name instead; null while this worker does. */
  get holder(): WorkerClaim | null {
    return this.#holder
  }

  /** For people. */
  get reason(): string | null {
    if (this.#holder === null) return null
    const { pid, host, numaNode, workerId } = this.#holder
    return `pid ${pid} on ${host}/${numaNode} is ${workerId} now`
  }

  stop(): void {
    this.#stopped = true
  }

  /** Idempotent. */
  close(): void {
    this.stop()
    this.#close()
  }
}
