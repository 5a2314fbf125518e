import { InstanceState } from '../../cache/instance.js'
import type { Provenance } from '../../cache/last-value-cache.js'
import type { UnseenEnd } from '../../cache/tombstones.js'
import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import { type EntityId, participantOf, type Token } from '../../core/ids.js'
import type { Counters } from '../../core/reporting/counters.js'
import type { Subscription } from '../../core/reporting/listeners.js'
import { DestinationOrder } from '../../qos/policies.js'
import { RecordCodec } from '../../wire/encoding/record.js'
import type { Sample } from '../model/sample.js'
import type { Reader } from '../reader/reader.js'
import type { Writer } from '../writer/writer.js'

export interface RelayOptions<T> {
  /** The partition to pass the samples on to. */
  readonly partition: string
  /** Selects the samples to pass on. @default all */
  readonly filter?: (sample: Sample<T>) => boolean
}

/**
 * Passes the samples of a reader on to another partition, under their owner's name, number and age. A reader that gets
 * a change by two paths recognizes it as the same. A relay keeps an instance whose owner has gone, for late joiners.
 * The owner's disposal, the topic's lifespan or {@link Relay.endInstance} ends it. Samples that its writer's limits refuse
 * are counted (`relay.refused.…`).
 */
export class Relay<T extends object> {
  readonly reader: Reader<T>
  readonly writer: Writer<T>
  readonly #codec: RecordCodec<T>
  readonly #subscription: Subscription
  readonly #stopEnds: () => void

  constructor(reader: Reader<T>, writer: Writer<T>, options: RelayOptions<T>, counters: Counters) {
    this.reader = reader
    this.writer = writer
    this.#codec = new RecordCodec(reader.topic.fields)
    const { filter } = options
    const pass = (sample: Sample<T>): void => {
      try {
        if (filter === undefined || filter(sample)) this.#relaySample(sample)
      } catch (error) {
        // The writer's limit was reached, or the filter threw: other samples are still passed on.
        if (error instanceof NumacastError) counters.addError(`relay.refused.${error.code}`, error)
        else counters.addCallbackError('relay.refused.threw', error)
      }
    }
    this.#subscription = reader.onSample(pass)
    this.#stopEnds = reader.feed.copy.table.onUnseenEnd((unseen) => this.#relayEnd(unseen))
    for (const [, sample] of reader.entries()) pass(sample)
  }

  /** Ends the instance for the readers of this relay. */
  endInstance(key: string): void {
    this.writer.dispose(key)
  }

  /** Idempotent. */
  close(): void {
    closeEach([() => this.#subscription.close(), () => this.#stopEnds(), () => this.writer.close()])
  }

  /** Passes on the end of an instance that this relay may still keep, or that another relay has missed. */
  #relayEnd({ key, end, isUnknownToRelay }: UnseenEnd): void {
    const token = { writer: end.owner, seq: end.seq }
    const from = this.#provenanceOf(token, end.originTimeMs, end.sourceTimeMs)
    if (this.writer.disposeRelayed(key, from) === undefined && isUnknownToRelay) {
      this.writer.disposeRelayedAgain(key, from)
    }
  }

  #provenanceOf({ writer, seq }: Token, writtenMs: number, writtenWallMs: number): Provenance {
    const participant = participantOf(writer)
    const entity = Number.parseInt(writer.slice(participant.length + 1), 16) as EntityId
    const isBySource = this.writer.qos.destinationOrder === DestinationOrder.bySource
    return {
      origin: { participant, writer: entity, seq },
      writtenMs,
      ...(isBySource ? { sourceTimeMs: writtenWallMs } : {}),
    }
  }

  #relaySample(sample: Sample<T>): void {
    if (sample.instanceState === InstanceState.noWriters) return
    const from = this.#provenanceOf(sample.token, sample.writtenMs, sample.writtenWallMs)
    if (sample.instanceState === InstanceState.disposed || sample.value === undefined)
      this.writer.disposeRelayed(sample.key, from)
    else this.writer.putRelayed(sample.key, this.#codec.encode(sample.value), from)
  }
}
