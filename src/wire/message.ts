import type { z } from 'zod'
import { malformed, Rejection } from './encoding/bytes.js'
import { unpack } from './encoding/msgpack.js'

/** Decodes and checks one MessagePack map from another process. @throws NumacastError NUMACAST_MALFORMED */
export function parseMessage<T>(schema: z.ZodType<T>, bytes: Buffer, what: string): T {
  const parsed = schema.safeParse(unpack(bytes))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw malformed(Rejection.badShape, `${what}, ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)
}
