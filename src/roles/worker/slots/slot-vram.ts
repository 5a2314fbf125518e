import { invalidArgument } from '../../../core/errors.js'
import type { AdmissionStrategy } from '../../../plane/worker/worker-profile.js'

/**
 * Returns the device memory that a slot counts for, in whole bytes: sums of them are exact.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT when it is no size, missing where the worker admits by it, or larger
 *   than all that the worker admits
 */
export function checkVram(vramBytes: number | undefined, admission: AdmissionStrategy): number {
  const bytes = vramBytes ?? 0
  if (!(bytes >= 0 && bytes < Infinity)) throw invalidArgument(`vramBytes must be a size from 0, not ${vramBytes}`)
  if (admission.kind !== 'vram-budget') return Math.floor(bytes)
  const { vramBudgetBytes } = admission
  if (vramBytes === undefined) {
    throw invalidArgument(`this worker admits by device memory: state vramBytes, 0 for a job that uses none`)
  }
  if (bytes > vramBudgetBytes) {
    throw invalidArgument(`vramBytes ${bytes} is more than the ${vramBudgetBytes} that this worker admits at once`)
  }
  return Math.floor(bytes)
}
