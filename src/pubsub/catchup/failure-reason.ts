import { failureCode, systemErrorCode } from '../../core/error-code.js'
import { NumacastError } from '../../core/errors.js'
import { rejectionOf } from '../../wire/encoding/bytes.js'

/**
 * Returns the last word of the counter of a failed request. A reply that could not be decoded counts by the reason of
 * its rejection. A failure of the system counts by its error code (`emfile`), any other by its own code (`timeout`,
 * `closed`).
 */
export function failureReason(error: unknown): string {
  const isRejection = !(error instanceof NumacastError) || error.code === 'NUMACAST_MALFORMED'
  return isRejection ? (systemErrorCode(error) ?? rejectionOf(error)) : failureCode(error)
}
