import { z } from 'zod'
import { guidSchema, partitionSchema } from './descriptor.js'
import { pack } from './encoding/msgpack.js'
import { parseMessage } from './message.js'

/** Peers that one reply may name, and partitions that one request may. */
export const maxReferrals = 64
const maxInterests = 512
export const maxReferralEndpoints = 16

/**
 * Asks for peers that the requester should know. The reply lists peers that write what the requester reads, or read
 * what it writes, in order of their GUIDs after `after`, one page at a time.
 */
export const gossipRequestSchema = z.object({
  ask: z.literal('peers'),
  from: guidSchema,
  reads: z.array(partitionSchema).max(maxInterests),
  writes: z.array(partitionSchema).max(maxInterests),
  /** The last GUID of the previous page; absent for the first page. */
  after: guidSchema.optional(),
})

const referralSchema = z.object({
  guid: guidSchema,
  /** Identifies its process, and so whether loopback reaches it. */
  bootId: z.string().max(256),
  networkNamespace: z.number().min(0).nullable(),
  /** Addresses at which it answers requests, best first, as far as the answerer knows. */
  endpoints: z.array(z.string().max(256)).max(maxReferralEndpoints),
})

const gossipReplySchema = z.object({
  peers: z.array(referralSchema).max(maxReferrals),
  /** Not all peers fitted: ask again with the last GUID. */
  more: z.boolean(),
})

export type GossipRequest = Omit<z.infer<typeof gossipRequestSchema>, 'ask'>
export type GossipReply = z.infer<typeof gossipReplySchema>
/** A participant that another participant knows. */
export type Referral = z.infer<typeof referralSchema>

export function encodeGossipRequest(request: GossipRequest): Buffer {
  const { reads, writes } = request
  return pack({ ask: 'peers', ...request, reads: reads.slice(0, maxInterests), writes: writes.slice(0, maxInterests) })
}

export function encodeGossipReply(reply: GossipReply): Buffer {
  return pack(reply)
}

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodeGossipReply(bytes: Buffer): GossipReply {
  return parseMessage(gossipReplySchema, bytes, 'gossip reply')
}
