import { ProcessProbe, type ProcessReading, unknownReading } from '../../liveliness/process-reading.js'
import { isPid } from '../../topology/addon/pid.js'
import { hostIdentity, networkNamespace, pidNamespace } from '../../topology/host/host-identity.js'
import { exitStatusText } from '../../topology/model/exit-status.js'
import { type NamespacedProcess, ProcessLocator } from '../../topology/process/process-locator.js'
import { processStartTime, readProcessState } from '../../topology/process/process-state.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'

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

/** `/proc/<pid>/stat`'s letters, and what they say of the main thread. */
const probeOfState: Readonly<Record<string, ProcessProbe>> = {
  R: ProcessProbe.running,
  D: ProcessProbe.ioWait,
  T: ProcessProbe.stopped,
  t: ProcessProbe.stopped,
}

/**
 * Asks the kernel of processes of this host. Pids mean the same only within one PID namespace, so one of a namespace
 * below this one, as a container's is, is asked for by the pid that it has here. Of a process anywhere else, or without
 * a known start time, or on a machine that cannot be asked, nothing is known: a pid alone proves nothing, it may have
 * been reused.
 */
export function kernelProbe(
  locator: Pick<ProcessLocator, 'locate'> = new ProcessLocator(),
  probe = probePid,
): (target: NamespacedProcess) => ProcessReading {
  return (target) => {
    const { pid } = locator.locate(target)
    return pid === null ? unknownReading : probe(pid, target.startTimeTicks)
  }
}

/**
 * What the kernel says of a pid as it is seen from here.
 * @param startTimeTicks when the process that is meant began; null: nothing can be known
 */
export function probePid(pid: number, startTimeTicks: number | null): ProcessReading {
  // It comes from outside.
  if (startTimeTicks === null || !isPid(pid)) return unknownReading
  if (readProcessState(process.pid) === null) return unknownReading
  const found = readProcessState(pid)
  if (found === null) return exists(pid) ? unknownReading : gone(null)
  if (found.startTime !== startTimeTicks) return gone(null)
  // Not by its state: a zombie may be a main thread that ended before the others, and one that computes, a dead process
  // whose memory is being freed.
  if (found.ended) {
    return gone(found.exit === null ? null : { cause: found.exit.cause, detail: exitStatusText(found.exit) })
  }
  const state = probeOfState[found.state] ?? ProcessProbe.sleeping
  return { state, cpuTimeMs: found.cpuTimeMs, end: null }
}

function gone(end: ProcessReading['end']): ProcessReading {
  return { state: ProcessProbe.gone, cpuTimeMs: null, end }
}

/** `/proc` may be mounted so that it hides the processes of others (`hidepid`); a signal finds them all the same. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
