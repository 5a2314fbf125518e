import { invalidArgument } from '../../../core/errors.js'
import type { AdmissionStrategy } from '../../../plane/worker/worker-profile.js'

/**
 * Returns the admission of a worker that grants slots while the device memory of all of them is within `maxBytes`. Each
 * slot must then be asked for with `vramBytes`; without it the request is refused.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT
 */
export function vramBudget(maxBytes: number): AdmissionStrategy {
  if (!(maxBytes > 0 && Number.isFinite(maxBytes))) {
    throw invalidArgument(`vramBudget: maxBytes must be a number of bytes above 0, not ${maxBytes}`)
  }
  return Object.freeze({ kind: 'vram-budget', vramBudgetBytes: maxBytes })
}
