import { malformed, Rejection } from './bytes.js'
import { checkMsgpack } from './msgpack.js'
import { RecordEncoder } from './record-encoder.js'
import { ValueReader } from './value-reader.js'

/**
 * A value on the wire is a MessagePack array of its fields in the writer's declared order. The field names
 * travel once, in the descriptor; a reader decodes by the *writer's* names, so either side may have fields
 * that the other does not know.
 */
export class RecordCodec<T extends object> {
  readonly fields: readonly string[]
  readonly #encoder: RecordEncoder

  constructor(fields: readonly string[]) {
    this.fields = fields
    this.#encoder = new RecordEncoder(fields)
  }

  /**
   * Bytes that every reader accepts, valid until the next call.
   * @throws NumacastError NUMACAST_MALFORMED for a value that no reader would
   */
  encode(value: T): Buffer {
    return this.#encoder.encode(value as Record<string, unknown>)
  }

  /** As {@link decodeRecord}, by these fields. */
  decode(bytes: Uint8Array): T | undefined {
    return decodeRecord<T>(this.fields, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }
}

/**
 * Decodes a record that {@link checkRecord} has passed and that begins at `start`. Fields that are absent are left out.
 * @returns undefined when the bytes are not an array, or hold more values than there are fields
 */
export function decodeRecord<T extends object>(fields: readonly string[], bytes: Buffer, start = 0): T | undefined {
  const reader = new ValueReader(bytes, start)
  const count = reader.arrayLength()
  if (count === undefined || count > fields.length) return undefined
  const record: Record<string, unknown> = {}
  for (let index = 0; index < count; index++) {
    const value = reader.value()
    if (value !== undefined) record[fields[index] as string] = value
  }
  return record as T
}

/**
 * @throws NumacastError NUMACAST_MALFORMED when `bytes[start … end)` is not an array of at most `maxFields` acceptable
 * values
 */
export function checkRecord(bytes: Buffer, start: number, end: number, maxFields: number): void {
  const token = start < end ? bytes[start] : undefined
  const isArray = token !== undefined && ((token >= 0x90 && token <= 0x9f) || token === 0xdc)
  if (!isArray) throw malformed(Rejection.badShape, 'record')
  const count = token === 0xdc ? (end - start < 3 ? 0 : bytes.readUInt16BE(start + 1)) : token & 0x0f
  if (count > maxFields) throw malformed(Rejection.tooMany, 'record')
  checkMsgpack(bytes, start, end)
}
