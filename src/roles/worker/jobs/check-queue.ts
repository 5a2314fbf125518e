import { invalidArgument } from '../../../core/errors.js'

/** @throws NumacastError NUMACAST_INVALID_ARGUMENT */
export function checkQueue(queue: string): void {
  if (typeof queue !== 'string' || queue.length > 256) {
    throw invalidArgument('queue must be a name of 1 to 256 characters')
  }
}
