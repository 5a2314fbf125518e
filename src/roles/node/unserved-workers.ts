import { NumacastError } from '../../core/errors.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { nodeName } from '../../plane/vocabulary/targets.js'
import { type UnservedWorker, unservedWorker } from '../../plane/worker/unserved-worker.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'

/** Serves nodes of this host on request. */
export interface NodeAdopter {
  /** A worker of the node reports that no collector serves it. */
  want(numaNode: number): void
}

/**
 * Receives the reports of workers that no collector serves. A node of this host is offered to the adopter. A worker
 * that claims to run on a host of this name, but under another boot id, is logged and counted.
 */
export class UnservedWorkers {
  readonly #participant: Participant
  readonly #adopter: NodeAdopter
  readonly #reader: Reader<UnservedWorker>

  constructor(participant: Participant, adopter: NodeAdopter) {
    this.#participant = participant
    this.#adopter = adopter
    this.#reader = participant.reader(unservedWorker, { partition: planePartition })
    this.#reader.onSample((sample) => this.#onSample(sample))
    for (const [, sample] of this.#reader.entries()) this.#onSample(sample)
  }

  /** Idempotent. */
  close(): void {
    this.#reader.close()
  }

  #onSample({ value: worker, instanceState }: Sample<UnservedWorker>): void {
    if (worker === undefined || instanceState !== 'alive') return
    const { identity, counters, domain } = this.#participant
    if (worker.bootId === identity.bootId) {
      this.#adopter.want(worker.numaNode)
      return
    }
    if (worker.host !== identity.host) return
    const message =
      `worker ${worker.workerId} (pid ${worker.pid} on ${nodeName(worker)}) in domain ${domain} is not served: it reports ` +
      `boot id ${worker.bootId}, and this process reads ${identity.bootId}; one of the two may not see /proc/sys/kernel`
    const details = { workerId: worker.workerId, bootId: worker.bootId }
    counters.addError('collector.other-host-identity', new NumacastError('NUMACAST_UNAVAILABLE', message, { details }))
  }
}
