import { rejectionOf } from '../../wire/encoding/bytes.js'

/** Returns the last word of the counter of a failed request: `timeout`, `closed`, or why the reply was rejected. */
export function failureReason(error: unknown): string {
  const { code } = error as { code?: unknown }
  if (code === 'NUMACAST_TIMEOUT') return 'timeout'
  return code === 'NUMACAST_CLOSED' ? 'closed' : rejectionOf(error)
}
