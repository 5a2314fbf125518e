import { z } from 'zod'
import { gossipRequestSchema } from './gossip.js'
import { helloSchema } from './hello.js'
import { parseMessage } from './message.js'
import { pullRequestSchema } from './pull.js'

const requestSchema = z.discriminatedUnion('ask', [pullRequestSchema, helloSchema, gossipRequestSchema])

/** Any of the three requests that participants send each other, discriminated by `ask`. */
export type Request = z.infer<typeof requestSchema>

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodeRequest(bytes: Buffer): Request {
  return parseMessage(requestSchema, bytes, 'request')
}
