import { closeEach } from '../../core/close-all.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { planePartition } from '../../plane/vocabulary/partitions.js'
import { type WorkerEnd, workerEnd } from '../../plane/worker/worker-end.js'
import type { Relay } from '../../pubsub/endpoints/relay.js'
import type { Sample } from '../../pubsub/model/sample.js'
import type { Participant } from '../../pubsub/participant.js'
import type { Reader } from '../../pubsub/reader/reader.js'

/**
 * Keeps the ends of worker processes on the plane after the server that found them has gone. The topic's lifespan
 * removes them.
 */
export class EndKeeper {
  readonly #reader: Reader<WorkerEnd>
  readonly #relay: Relay<WorkerEnd>

  /** @param bootId keeps the ends of this host only; all ends if undefined */
  constructor(participant: Participant, bootId?: string) {
    this.#reader = participant.reader(workerEnd, {
      partition: planePartition,
      ...(bootId !== undefined && { filter: (end: WorkerEnd) => end.bootId === bootId }),
    })
    this.#relay = participant.relay(this.#reader, { partition: planePartition })
  }

  /** Calls the listener with each end that is known, and with each that comes. */
  onEnd(listener: (sample: Sample<WorkerEnd>) => void): Subscription {
    const subscription = this.#reader.onSample(listener)
    for (const [, sample] of this.#reader.entries()) listener(sample)
    return subscription
  }

  /** Removes an end that turned out to be wrong. */
  withdraw(key: string): void {
    this.#relay.endInstance(key)
  }

  close(): void {
    closeEach([() => this.#relay.close(), () => this.#reader.close()])
  }
}
