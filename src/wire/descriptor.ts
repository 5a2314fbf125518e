import { z } from 'zod'
import { type EntityId, type Guid, isGuid } from '../core/ids.js'
import { maxU48 } from './encoding/bytes.js'
import { isSafeFieldName, maxFields, maxValueBytes } from './limits.js'

/**
 * Describes a participant: its identity, and what it reads and writes. Pulled once per version over the stream lane.
 * Checked here field by field, because it comes from another process.
 */
const text = z.string().max(256)
const entity = z
  .int()
  .min(1)
  .max(0xffffffff)
  .transform((id) => id as EntityId)
const fieldNames = z.array(z.string().refine(isSafeFieldName)).max(maxFields)
export const seqSchema = z.int().min(0).max(maxU48)
/** One partition's name. */
export const partitionSchema = text.min(1)
export const guidSchema = z.custom<Guid>(isGuid)

/** Milliseconds; null means forever. */
const durationMs = z
  .number()
  .positive()
  .max(2 ** 31 - 1)
  .nullable()
const announcedQos = z.object({
  reliability: z.enum(['best-effort', 'reliable']),
  durability: z.enum(['volatile', 'transient-local']),
  deadlineMs: durationMs,
  liveliness: z.enum(['automatic', 'manual-by-participant', 'manual-by-topic']),
  leaseMs: durationMs,
  ownership: z.enum(['shared', 'exclusive']),
  destinationOrder: z.enum(['by-reception', 'by-source']),
})
const announcedWriterQos = announcedQos.extend({
  ownershipStrength: z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1),
  autodispose: z.boolean(),
})

const endpointShape = {
  entity,
  topic: text,
  typeHash: z.string().regex(/^[0-9a-f]{16}$/),
  partitions: z.array(text).min(1).max(64),
  /** The longest value that is written, or accepted; absent: 1 MiB, or not announced. */
  maxSampleBytes: z.int().min(1).max(maxValueBytes).optional(),
}
const writerSchema = z.object({
  ...endpointShape,
  qos: announcedWriterQos,
  fields: fieldNames,
  lane: z.enum(['datagram', 'stream']),
  large: z.boolean(),
})
const readerSchema = z.object({ ...endpointShape, qos: announcedQos })

const identitySchema = z.object({
  host: text,
  bootId: text,
  pid: z.int().min(0),
  startTimeTicks: z.number().min(0).nullable(),
  pidNamespace: z.number().min(0).nullable(),
  networkNamespace: z.number().min(0).nullable(),
})

/** Facts that are sent to every peer. */
export const propertiesSchema = z.record(text, z.union([text, z.number(), z.boolean(), z.null()]))

export const descriptorSchema = z.object({
  guid: guidSchema,
  incarnation: seqSchema,
  version: z.int().min(1).max(0xffffffff),
  name: text,
  identity: identitySchema,
  properties: propertiesSchema,
  requestEndpoints: z.array(text).max(16),
  liveEndpoints: z.array(text).max(16),
  writers: z.array(writerSchema).max(4096),
  readers: z.array(readerSchema).max(4096),
})

export type Descriptor = z.infer<typeof descriptorSchema>
export type WriterInfo = Descriptor['writers'][number]
export type ReaderInfo = Descriptor['readers'][number]
export type ProcessIdentity = Readonly<Descriptor['identity']>
export type Properties = Readonly<Descriptor['properties']>
