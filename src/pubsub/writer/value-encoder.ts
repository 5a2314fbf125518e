import { invalidArgument, NumacastError } from '../../core/errors.js'
import { RecordCodec } from '../../wire/encoding/record.js'
import { maxKeyBytes } from '../../wire/samples.js'
import type { Topic } from '../model/topic.js'

/** A value that every reader accepts, as far as the writer can know. */
export interface EncodedValue {
  readonly key: string
  readonly bytes: Buffer
}

/** Checks a topic's values and encodes them. Refuses what every reader would refuse, where the caller can react. */
export class ValueEncoder<T extends object> {
  readonly #topic: Topic<T>
  readonly #codec: RecordCodec<T>

  constructor(topic: Topic<T>) {
    this.#topic = topic
    this.#codec = new RecordCodec(topic.fields)
  }

  /** @throws NumacastError NUMACAST_INVALID_ARGUMENT when the schema, the key or the encoding refuses the value */
  encode(value: T): EncodedValue {
    const { name } = this.#topic
    const checked = this.#topic.check(value)
    if ('refused' in checked) throw invalidArgument(`topic '${name}' refuses the value: ${checked.refused}`)
    const key = this.#topic.keyOf(checked.value)
    return { key, bytes: this.#bytesOf(key, checked.value) }
  }

  decode(bytes: Uint8Array): T | undefined {
    return this.#codec.decode(bytes)
  }

  /** @throws NumacastError NUMACAST_LIMIT when the key or the value is too long */
  checkSize(key: string, bytes: Uint8Array): void {
    const { name, maxSampleBytes } = this.#topic
    // A character takes at most three bytes.
    if (3 * key.length > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes) {
      throw new NumacastError('NUMACAST_LIMIT', `topic '${name}': a key may have ${maxKeyBytes} bytes`)
    }
    if (bytes.length > maxSampleBytes) {
      throw new NumacastError(
        'NUMACAST_LIMIT',
        `topic '${name}', instance '${key}': ${bytes.length} bytes; a value may have ${maxSampleBytes}`,
      )
    }
  }

  #bytesOf(key: string, value: T): Buffer {
    try {
      return this.#codec.encode(value)
    } catch (error) {
      if (!(error instanceof NumacastError)) throw error // of a getter
      throw invalidArgument(
        `topic '${this.#topic.name}', instance '${key}': no reader accepts this: ${error.message}`,
        error.details,
      )
    }
  }
}
