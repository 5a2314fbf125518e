import { z } from 'zod'
import { descriptorSchema, seqSchema } from './descriptor.js'
import { pack } from './encoding/msgpack.js'
import { parseMessage } from './message.js'

/**
 * The pull: reports the requester's identity and progress, and asks for the answerer's identity and missed changes.
 * Sent over the stream lane as one MessagePack map, and answered by one. The answerer keeps no state between requests.
 * A reply without room for everything sets `more`, and the next request continues from the token that the reader has
 * reached by then. Catch-up is therefore chunked, resumable and paced by the reader.
 */
const tokenSchema = z.object({
  /** The reader's entity id in the requester. */
  reader: z.int().min(1),
  /** The writer's entity id in the answerer. */
  writer: z.int().min(1),
  /** Everything up to here is applied. */
  seq: seqSchema,
  /** During a bootstrap: the writer's last seq when it began; else equal to `seq`. */
  base: seqSchema,
})

export const pullRequestSchema = z.object({
  ask: z.literal('pull'),
  descriptor: descriptorSchema,
  /** Version of the answerer's descriptor that the requester holds; 0: none. */
  knownVersion: z.int().min(0),
  /** Whether the requester receives the answerer's frames. Absent if not reported. */
  hears: z.boolean().optional(),
  tokens: z.array(tokenSchema).max(65_536),
})

/** What the writer gives a reader: the changes after its token, the whole cache, or nothing, with the reason. */
export const CatchUpAction = {
  advance: 'advance',
  reload: 'reload',
  bootstrap: 'bootstrap',
  reject: 'reject',
} as const
export type CatchUpAction = (typeof CatchUpAction)[keyof typeof CatchUpAction]

const progressSchema = z.object({
  reader: z.int().min(1),
  writer: z.int().min(1),
  action: z.enum(Object.values(CatchUpAction)),
  /** The writer's last seq when a bootstrap began; the reader sends it back as `base`. */
  base: seqSchema,
  /** The writer's last seq now. */
  headSeq: seqSchema,
  /** The reader's token once `frame` is applied. */
  toSeq: seqSchema,
  /** Set if not everything fitted: ask again. */
  more: z.boolean(),
  /** A samples frame, absent when nothing changed. */
  frame: z.instanceof(Buffer).optional(),
})

const replySchema = z.object({
  /** Absent when the requester's `knownVersion` is current. */
  descriptor: descriptorSchema.optional(),
  /** Whether the answerer receives the requester's frames. Absent if not reported. */
  hears: z.boolean().optional(),
  progress: z.array(progressSchema).max(65_536),
})

export type PullRequest = Omit<z.infer<typeof pullRequestSchema>, 'ask'>
export type PullToken = z.infer<typeof tokenSchema>
export type PullReply = z.infer<typeof replySchema>
export type PullProgress = z.infer<typeof progressSchema>

/** Samples that one reply may carry, over all its readers. A single large sample may exceed it. */
export const replyBudgetBytes = 1024 * 1024

export function encodePullRequest(request: PullRequest): Buffer {
  return pack({ ask: 'pull', ...request })
}

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodePullRequest(bytes: Buffer): PullRequest {
  const { ask: _, ...request } = parseMessage(pullRequestSchema, bytes, 'pull request')
  return request
}

export function encodePullReply(reply: PullReply): Buffer {
  return pack(reply)
}

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodePullReply(bytes: Buffer): PullReply {
  return parseMessage(replySchema, bytes, 'pull reply')
}
