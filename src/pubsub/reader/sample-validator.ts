import { deepFreeze } from '../../core/deep-freeze.js'
import type { Counters } from '../../core/reporting/counters.js'
import { rejectionOf } from '../../wire/encoding/bytes.js'
import { checkRecord, decodeRecord } from '../../wire/encoding/record.js'
import type { WireSample } from '../../wire/samples.js'
import { RejectedReason } from '../model/events.js'
import type { Topic } from '../model/topic.js'

/** A value that has been checked, or why it is refused. */
export type ValidatedValue =
  | { readonly value: unknown; readonly outOfView: boolean }
  | { readonly refused: RejectedReason; readonly detail: string }

/** The result where nothing is checked: the value stays encoded until it is read. */
export const unvalidated: ValidatedValue = Object.freeze({ value: undefined, outOfView: false })

export interface SampleValidatorComponents<T> {
  readonly topic: Topic<T>
  readonly filter: ((value: T) => boolean) | undefined
  readonly keyFilter: ((key: string) => boolean) | undefined
  readonly counters: Counters
}

/** Checks each value that arrives, and whether the reader's filters accept it. */
export class SampleValidator<T extends object> {
  readonly #topic: Topic<T>
  readonly #filter: ((value: T) => boolean) | undefined
  readonly #keyFilter: ((key: string) => boolean) | undefined
  readonly #counters: Counters

  constructor({ topic, filter, keyFilter, counters }: SampleValidatorComponents<T>) {
    this.#topic = topic
    this.#filter = filter
    this.#keyFilter = keyFilter
    this.#counters = counters
  }

  /** Whether the key filter accepts the instance; a text when the filter threw. */
  acceptsKey(key: string): boolean | string {
    if (this.#keyFilter === undefined) return true
    try {
      if (this.#keyFilter(key)) return true
    } catch (error) {
      return String(error)
    }
    this.#counters.add('reader.filtered-by-key')
    return false
  }

  /** @param fields the writer's */
  validate({ frame, valueStart, valueEnd }: WireSample, fields: readonly string[]): ValidatedValue {
    const topic = this.#topic
    const filter = this.#filter
    const bytes = valueEnd - valueStart
    if (bytes > topic.maxSampleBytes) {
      return { refused: RejectedReason.tooLarge, detail: `${bytes} bytes of ${topic.maxSampleBytes}` }
    }
    let value: T | undefined
    try {
      checkRecord(frame, valueStart, valueEnd, fields.length)
      if (!topic.hasSchema && filter === undefined) return unvalidated
      value = decodeRecord<T>(fields, frame.subarray(valueStart, valueEnd))
    } catch (error) {
      return { refused: RejectedReason.malformed, detail: rejectionOf(error) }
    }
    const checked = topic.check(value)
    if ('refused' in checked) return { refused: RejectedReason.schema, detail: checked.refused }
    const accepted = deepFreeze(checked.value)
    if (filter === undefined) return { value: accepted, outOfView: false }
    try {
      const outOfView = !filter(accepted)
      if (outOfView) this.#counters.add('reader.filtered')
      return { value: accepted, outOfView }
    } catch (error) {
      return { refused: RejectedReason.filter, detail: String(error) }
    }
  }
}
