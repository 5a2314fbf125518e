import { z } from 'zod'
import { guidSchema, seqSchema } from './descriptor.js'
import { pack } from './encoding/msgpack.js'
import { parseMessage } from './message.js'

/**
 * Asks for the present number of each writer of the answerer. A copy that has reached every number of the reply has
 * everything that the answerer had written when it answered. Changes no token and brings no samples.
 */
export const fenceRequestSchema = z.object({ ask: z.literal('fence') })

const fenceReplySchema = z.object({
  from: guidSchema,
  /** Version of the answerer's descriptor since which only readers have changed. */
  version: z.int().min(1).max(0xffffffff),
  /** Every announced writer with the number of its newest change; 0: it has written nothing. */
  writers: z.array(z.object({ writer: z.int().min(1), seq: seqSchema })).max(4_096),
})

export type FenceReply = z.infer<typeof fenceReplySchema>

export function encodeFenceRequest(): Buffer {
  return pack({ ask: 'fence' })
}

export function encodeFenceReply(reply: FenceReply): Buffer {
  return pack(reply)
}

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodeFenceReply(bytes: Buffer): FenceReply {
  return parseMessage(fenceReplySchema, bytes, 'fence reply')
}
