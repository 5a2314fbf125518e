import { NumacastError } from '../../core/errors.js'
import { hostIdentity } from '../../topology/host/host-identity.js'
import { isSameStartTime, processStartTime } from '../../topology/process/process-state.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'

/** How often a participant checks whether its process is still the process that it describes. */
export const ownProcessCheckMs = 1_000

/**
 * Returns how this process differs from what it has announced; null while it does not, as far as is known. A process
 * that was restored from a checkpoint (CRIU) has another start time, and on another host another boot id. Its memory
 * still holds the earlier ones. Peers then ask their kernel about a process that is gone, and so does this process about
 * its peers.
 */
export type CheckOwnProcess = () => string | null

/** Compares with what the kernel reports now. What cannot be read, now or then, is no difference. */
export function ownProcessCheck({ pid, startTimeTicks }: ProcessIdentity): CheckOwnProcess {
  const { bootId } = hostIdentity()
  return () => {
    const startedNow = startTimeTicks === null ? null : processStartTime(pid)
    if (startTimeTicks !== null && startedNow !== null) {
      // A restored process is a new one to the kernel, on whichever host.
      if (isSameStartTime(startedNow, startTimeTicks)) return null
      return `its start time is ${startedNow}, and was ${startTimeTicks}`
    }
    const bootIdNow = bootId === null ? null : hostIdentity().bootId
    return bootIdNow === null || bootIdNow === bootId ? null : `its host's boot id is ${bootIdNow}, and was ${bootId}`
  }
}

export function restoredError(difference: string): NumacastError {
  return new NumacastError(
    'NUMACAST_UNAVAILABLE',
    `this process was restored from a checkpoint (${difference}): its peers may have declared it dead, so its participant closes; start it again`,
  )
}
