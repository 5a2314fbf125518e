import { ProcessProbe } from '../liveliness/verdict.js'
import { hostIdentity, networkNamespace, pidNamespace } from '../topology/host-identity.js'
import { processStartTime, readProcessState } from '../topology/process-state.js'
import type { ProcessIdentity } from '../wire/descriptor.js'

/** Who this process is, for its descriptor. Where there is no boot id the hostname stands for the host. */
export function ownIdentity(): ProcessIdentity {
  const { bootId, hostname } = hostIdentity()
  return Object.freeze({
    host: hostname,
    bootId: bootId ?? hostname,
    pid: process.pid,
    startTimeTicks: processStartTime(process.pid),
    pidNamespace: pidNamespace(),
    networkNamespace: networkNamespace(),
  })
}

/**
 * What the kernel says of a process that this one can see. A process without a known start time, or a machine that
 * cannot be asked, is `unknown`: a pid alone proves nothing, it may have been reused.
 */
export function probeProcess(identity: ProcessIdentity): ProcessProbe {
  const own = readProcessState(process.pid)
  if (own === null || identity.startTimeTicks === null || identity.pid < 1) return ProcessProbe.unknown
  const state = readProcessState(identity.pid)
  if (state === null || state.startTime !== identity.startTimeTicks) return ProcessProbe.gone
  switch (state.state) {
    case 'Z':
    case 'X':
      return ProcessProbe.gone
    case 'T':
    case 't':
      return ProcessProbe.stopped
    case 'D':
      return ProcessProbe.ioWait
    default:
      return ProcessProbe.running
  }
}
