import { z } from 'zod'
import { descriptorSchema, guidSchema } from './descriptor.js'
import { parseMessage } from './message.js'
import { pack } from './msgpack.js'

/**
 * "This is who I am; who are you, and do you hear me?" Asked of a peer that does not hear the requester, of one that
 * the requester no longer hears, and of an address that somebody listed. It changes no token and brings no samples.
 */
export const helloSchema = z.object({
  ask: z.literal('introduce'),
  from: guidSchema,
  /** Of the requester's descriptor. */
  version: z.int().min(1).max(0xffffffff),
  /** The requester's own; absent when the answerer has said that it knows this version. */
  descriptor: descriptorSchema.optional(),
  /** Version of the answerer's descriptor that the requester holds; 0: none, or it does not know whom it asks. */
  knownVersion: z.int().min(0),
  /** The requester hears the answerer's frames. */
  hears: z.boolean(),
  /** Until the requester's next sign of life, give or take 10 %. Absent: this is all, it only asks. */
  intervalMs: z.int().min(1).max(0xffff).optional(),
})

const introductionReplySchema = z.object({
  from: guidSchema,
  /** The answerer's; absent when the requester's `knownVersion` is current. */
  descriptor: descriptorSchema.optional(),
  /** Version of the requester's descriptor that the answerer holds; 0: none, it does not keep the requester. */
  knows: z.int().min(0),
  /** The answerer hears the requester's frames. Absent: it cannot say yet, or has no use for them. */
  hears: z.boolean().optional(),
})

export type Hello = Omit<z.infer<typeof helloSchema>, 'ask'>
export type HelloReply = z.infer<typeof introductionReplySchema>

export function encodeHello(introduction: Hello): Buffer {
  return pack({ ask: 'introduce', ...introduction })
}

export function encodeHelloReply(reply: HelloReply): Buffer {
  return pack(reply)
}

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodeHelloReply(bytes: Buffer): HelloReply {
  return parseMessage(introductionReplySchema, bytes, 'introduction reply')
}
