import { ValueWriter } from './value-writer.js'

/** Writes records as MessagePack arrays of their fields, one after another into one buffer. */
export class RecordEncoder {
  readonly #fields: readonly string[]
  readonly #out = new ValueWriter()

  constructor(fields: readonly string[]) {
    this.#fields = fields
  }

  /**
   * @returns a view of this encoder's buffer, valid until the next call
   * @throws NumacastError NUMACAST_MALFORMED when a field holds a value that would not arrive unchanged; `details.path`
   *   names it
   */
  encode(record: Readonly<Record<string, unknown>>): Buffer {
    const fields = this.#fields
    this.#out.reset()
    this.#out.arrayHead(fields.length)
    for (let index = 0; index < fields.length; index++) {
      const name = fields[index] as string
      this.#out.field(name, record[name])
    }
    return this.#out.finish()
  }
}
