import { z } from 'zod'
import { descriptorSchema, guidSchema } from './descriptor.js'
import { pack } from './encoding/msgpack.js'
import { parseMessage } from './message.js'

/**
 * Introduces the requester, and asks whether the answerer receives its frames. Sent to a peer that does not receive
 * from the requester, or from which the requester no longer receives. Also sent to addresses from a peer list. It
 * changes no token and carries no samples.
 */
export const helloSchema = z.object({
  ask: z.literal('introduce'),
  from: guidSchema,
  /** Of the requester's descriptor. */
  version: z.int().min(1).max(0xffffffff),
  /** The requester's own; absent if the answerer has confirmed that it knows this version. */
  descriptor: descriptorSchema.optional(),
  /**
   * Version of the answerer's descriptor that the requester holds; 0 if it holds none, or does not know which peer it
   * asks.
   */
  knownVersion: z.int().min(0),
  /** Whether the requester receives the answerer's frames. */
  hears: z.boolean(),
  /** The time until the requester's next frame, ±10 %. Absent if none follows, because the requester only asks. */
  intervalMs: z.int().min(1).max(0xffff).optional(),
})

const introductionReplySchema = z.object({
  from: guidSchema,
  /** The answerer's own; absent if the requester's `knownVersion` is current. */
  descriptor: descriptorSchema.optional(),
  /** Version of the requester's descriptor that the answerer holds; 0 if it does not keep the requester. */
  knows: z.int().min(0),
  /** Whether the answerer receives the requester's frames. Absent if it does not know yet, or does not need them. */
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
