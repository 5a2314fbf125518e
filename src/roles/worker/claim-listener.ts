import { compareClaimRank, type WorkerClaim, workerClaim } from '../../plane/worker-claim.js'
import type { Participant } from '../../pubsub/participant.js'

export interface ClaimListenerComponents {
  readonly participant: Participant
  /** The partition in which whoever serves its node speaks to it. */
  readonly partition: string
  readonly workerId: string
  readonly ownershipStrength: number
  readonly changed: (holder: WorkerClaim | null) => void
}

/** How a worker learns that its name is another's, and that it is its own again. */
export class ClaimListener {
  readonly #close: () => void
  #holder: WorkerClaim | null = null
  #stopped = false

  constructor({ participant, partition, workerId, ownershipStrength, changed }: ClaimListenerComponents) {
    const own = { claimant: participant.guid, incarnation: participant.incarnation, ownershipStrength }
    const reader = participant.reader(workerClaim, { partition, keyFilter: (key) => key === workerId })
    this.#close = () => reader.close()
    reader.onSample(({ key, value, instanceState }) => {
      // Silence is no consent: while nobody serves the node, the last word stands.
      if (key !== workerId || instanceState === 'no-writers' || this.#stopped) return
      // A weaker claim is an old word, from before this worker was heard.
      const holder = value !== undefined && compareClaimRank(value, own) > 0 ? value : null
      const before = this.#holder
      this.#holder = holder
      if (before?.claimant !== holder?.claimant) changed(holder)
    })
  }

  /** Who holds the name instead; null while this worker does. */
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

  /** Twice is fine. */
  close(): void {
    this.stop()
    this.#close()
  }
}
