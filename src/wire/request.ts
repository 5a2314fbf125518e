import { z } from 'zod'
import { fenceRequestSchema } from './fence.js'
import { gossipRequestSchema } from './gossip.js'
import { helloSchema } from './hello.js'
import { parseMessage } from './message.js'
import { pullRequestSchema } from './pull.js'

const requestSchema = z.discriminatedUnion('ask', [
  pullRequestSchema,
  helloSchema,
  gossipRequestSchema,
  fenceRequestSchema,
])

/** Any of the requests that participants send each other, discriminated by `ask`. */
export type Request = z.infer<typeof requestSchema>

/** @throws NumacastError NUMACAST_MALFORMED */
export function decodeRequest(bytes: Buffer): Request {
  return parseMessage(requestSchema, bytes, 'request')
}
