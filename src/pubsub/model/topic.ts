import { invalidArgument } from '../../core/errors.js'
import { fnv1a64 } from '../../core/fnv.js'
import { once } from '../../core/once.js'
import type { QosOptions } from '../../qos/qos.js'
import { isSafeFieldName, maxFields, maxValueBytes } from '../../wire/limits.js'

/** The part of the Standard Schema v1 interface that is used here: zod, valibot, arktype and others offer it. */
export interface StandardSchema<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }

export type FieldOf<T> = keyof T & string

export const Lane = { datagram: 'datagram', stream: 'stream' } as const
export type Lane = (typeof Lane)[keyof typeof Lane]

export interface TopicOptions<T> {
  /** 1 to 128 characters; dotted nouns by custom (`worker.state`). */
  readonly name: string
  /** The field, or fields, whose values name the instance. */
  readonly key: FieldOf<T> | readonly FieldOf<T>[]
  /**
   * Checks each value that is written and each that arrives; what fails is refused. A function is called once, when the
   * schema is first needed: modules that define topics then load without their schema library.
   * @default no check
   */
  readonly schema?: StandardSchema<T> | (() => StandardSchema<T>)
  /** The fields that travel, in order. @default the keys of `schema.shape` (a zod object) */
  readonly fields?: readonly FieldOf<T>[]
  /** `stream` for topics whose samples rarely fit a datagram. @default 'datagram' */
  readonly lane?: Lane
  /** The longest value, encoded; at most 8 MiB. Longer ones are refused by writers and by readers. @default 1048576 */
  readonly maxSampleBytes?: number
  /** @default reliable, transient-local, keep-last 1 */
  readonly qos?: QosOptions
}

/** A named kind of value. Two participants mean the same topic when name and key fields agree. */
export interface Topic<T> {
  readonly name: string
  readonly fields: readonly string[]
  readonly keyFields: readonly string[]
  readonly lane: Lane
  readonly maxSampleBytes: number
  readonly qos: QosOptions
  /** FNV-1a (64 bit, hex) of name and key fields: what must agree. Other fields may differ. */
  readonly typeHash: string
  /**
   * The instance that `value` belongs to: its key fields as text, joined by '/' (inside a part `~` is `~0`, `/` is
   * `~1`).
   */
  keyOf(value: T): string
  /** The value as the schema gives it back, or why it is refused. */
  check(value: unknown): { readonly value: T } | { readonly refused: string }
  readonly hasSchema: boolean
}

export const defaultSampleBytes = 1024 * 1024

/**
 * Defines a topic. The fields are checked here, or with a schema that is a function when they are first needed.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function defineTopic<T extends object>(options: TopicOptions<T>): Topic<T> {
  const { name, lane = Lane.datagram, maxSampleBytes = defaultSampleBytes, qos = {} } = options
  if (name.length === 0 || name.length > 128) throw invalidArgument(`topic name '${name}': 1 to 128 characters`)
  const keyFields: readonly string[] = Object.freeze(typeof options.key === 'string' ? [options.key] : [...options.key])
  if (!(Number.isInteger(maxSampleBytes) && maxSampleBytes >= 1 && maxSampleBytes <= maxValueBytes)) {
    throw invalidArgument(`topic '${name}': maxSampleBytes must be 1 to ${maxValueBytes}, not ${maxSampleBytes}`)
  }
  if (keyFields.length === 0) throw invalidArgument(`topic '${name}': at least one key field`)
  const { schema } = options
  const schemaOf = isThunk(schema) ? once(schema) : () => schema
  const fieldsOf = once(() => checkedFields(name, options.fields ?? shapeKeys(schemaOf()), keyFields))
  if (options.fields !== undefined || !isThunk(schema)) fieldsOf()
  return Object.freeze({
    name,
    get fields() {
      return fieldsOf()
    },
    keyFields,
    lane,
    maxSampleBytes,
    qos,
    typeHash: fnv1a64(JSON.stringify([name, keyFields]))
      .toString(16)
      .padStart(16, '0'),
    hasSchema: schema !== undefined,
    keyOf: (value: T) => keyText(value as Record<string, unknown>, keyFields, name),
    check: (value: unknown) => checkValue(schemaOf, value),
  })
}

/** Returns whether `schema` is a function that returns a schema. Schemas of some libraries are functions themselves. */
function isThunk<T>(schema: TopicOptions<T>['schema']): schema is () => StandardSchema<T> {
  return typeof schema === 'function' && !('~standard' in schema)
}

function checkedFields(topic: string, fields: readonly string[], keyFields: readonly string[]): readonly string[] {
  if (fields.length === 0) throw invalidArgument(`topic '${topic}': give 'fields', or a schema with a 'shape'`)
  if (fields.length > maxFields || new Set(fields).size < fields.length) {
    throw invalidArgument(`topic '${topic}': at most ${maxFields} fields, each once`)
  }
  for (const field of fields) {
    if (!isSafeFieldName(field)) throw invalidArgument(`topic '${topic}': field name '${field}' cannot be used`)
  }
  for (const field of keyFields) {
    if (!fields.includes(field)) throw invalidArgument(`topic '${topic}': key field '${field}' is not among its fields`)
  }
  return Object.freeze([...fields])
}

function keyText(value: Record<string, unknown>, keyFields: readonly string[], topic: string): string {
  const parts: string[] = []
  for (const field of keyFields) {
    const part = value[field]
    if (typeof part !== 'string' && typeof part !== 'number') {
      throw invalidArgument(`topic '${topic}': key field '${field}' must be a string or a number, not ${typeof part}`)
    }
    parts.push(keyFields.length === 1 ? String(part) : escapePart(String(part)))
  }
  return parts.length === 1 ? (parts[0] as string) : parts.join('/')
}

function escapePart(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}

function checkValue<T>(
  schemaOf: () => StandardSchema<T> | undefined,
  value: unknown,
): { value: T } | { refused: string } {
  let result: SchemaResult<T> | Promise<SchemaResult<T>>
  try {
    const schema = schemaOf()
    if (schema === undefined) return { value: value as T }
    result = schema['~standard'].validate(value)
  } catch (error) {
    return { refused: `the schema threw: ${String(error)}` }
  }
  if (result instanceof Promise) {
    // Zod turns a check that threw into a promise, too. Its rejection, unhandled, would end the process.
    result.catch(() => undefined)
    return { refused: 'the schema threw, or is asynchronous; topics need a synchronous schema' }
  }
  if (result.issues === undefined) return { value: result.value }
  const [issue] = result.issues
  return { refused: `${issue?.path?.map(String).join('.') ?? ''} ${issue?.message ?? ''}`.trim() }
}

function shapeKeys(schema: unknown): readonly string[] {
  const shape: unknown = schema !== undefined && (schema as { shape?: unknown }).shape
  return typeof shape === 'object' && shape !== null ? Object.keys(shape) : []
}
