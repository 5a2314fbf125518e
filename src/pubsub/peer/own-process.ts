import { ProcessProbe, type ProcessReading, unknownReading } from '../../liveliness/process-reading.js'
import { isPid } from '../../topology/addon/pid.js'
import { FreezerCache, readFreezer } from '../../topology/cgroup/freezer.js'
import { hostIdentity, networkNamespace, pidNamespace } from '../../topology/host/host-identity.js'
import { exitStatusText } from '../../topology/model/exit-status.js'
import type { ProcessState } from '../../topology/model/process-stat.js'
import { type NamespacedProcess, ProcessLocator } from '../../topology/process/process-locator.js'
import { isSameStartTime, processStartTime, readProcessState } from '../../topology/process/process-state.js'
import type { ProcessIdentity } from '../../wire/descriptor.js'

/**
 * Returns what this process's descriptor tells of it. `bootId` is the host's identity, a fallback where there is none.
 */
export function ownIdentity(): ProcessIdentity {
  const { id, hostname } = hostIdentity()
  return Object.freeze({
    host: hostname,
    bootId: id,
    pid: process.pid,
    startTimeTicks: processStartTime(process.pid),
    pidNamespace: pidNamespace(),
    networkNamespace: networkNamespace(),
  })
}

/** The letters of `/proc/<pid>/stat`, and what they tell of the main thread. */
const probeOfState: Readonly<Record<string, ProcessProbe>> = {
  R: ProcessProbe.running,
  D: ProcessProbe.ioWait,
  T: ProcessProbe.stopped,
  t: ProcessProbe.stopped,
}

/**
 * Asks the kernel about processes of this host. Pids mean the same only within one PID namespace. A process of a
 * namespace below this one, such as a container's, is therefore looked up by its pid here. Nothing is known of a
 * process elsewhere, without a known start time, or on a machine that cannot be asked.
 */
export function kernelProbe(
  locator: Pick<ProcessLocator, 'locate'> = new ProcessLocator(),
  probe = probeWith(new FreezerCache()),
): (target: NamespacedProcess) => ProcessReading {
  return (target) => {
    const { pid } = locator.locate(target)
    return pid === null ? unknownReading : probe(pid, target.startTimeTicks)
  }
}

/** The calls to the kernel that {@link probePid} concludes from. */
export interface ProcessCalls {
  /** As this process sees itself. */
  readonly ownPid: number
  /** Null if there is no such process, or the kernel does not show it. */
  readonly readState: (pid: number) => ProcessState | null
  /** The code of the error with which signal 0 is refused; null if it can be sent. */
  readonly signalRefusal: (pid: number) => string | null
  readonly isFrozen: (pid: number) => boolean
}

const systemCalls: ProcessCalls = {
  ownPid: process.pid,
  readState: readProcessState,
  signalRefusal,
  isFrozen: (pid) => readFreezer({ pid }).frozen === true,
}

function probeWith(freezers: FreezerCache): typeof probePid {
  const calls: ProcessCalls = { ...systemCalls, isFrozen: (pid) => freezers.isFrozen(pid) }
  return (pid, startTimeTicks) => probePid(pid, startTimeTicks, calls)
}

/**
 * Returns what the kernel tells of a pid as it is seen from here.
 *
 * Another start time proves nothing: the pid may have been reused, or the process was checkpointed and restored and is
 * alive. Silence decides then, and its verdict ends when the peer is received again.
 *
 * @param startTimeTicks when the process that is meant began; null: nothing can be known
 */
export function probePid(
  pid: number,
  startTimeTicks: number | null,
  calls: ProcessCalls = systemCalls,
): ProcessReading {
  // The pid comes from another process.
  if (startTimeTicks === null || !isPid(pid)) return unknownReading
  if (calls.readState(calls.ownPid) === null) return unknownReading
  const found = calls.readState(pid)
  if (found === null) return probeBySignal(pid, calls)
  if (found.startTime === null) return existing
  if (!isSameStartTime(found.startTime, startTimeTicks)) return unknownReading
  // Not by its state: a zombie may be a main thread that ended before the others, and one still computing, a dead
  // process whose memory is being freed.
  if (found.ended) {
    return endedReading(found.exit === null ? null : { cause: found.exit.cause, detail: exitStatusText(found.exit) })
  }
  // A frozen main thread is asleep on cgroup v2, and waits as for a device on v1.
  const state =
    found.state !== 'R' && calls.isFrozen(pid)
      ? ProcessProbe.frozen
      : (probeOfState[found.state] ?? ProcessProbe.sleeping)
  return { state, cpuTimeMs: found.cpuTimeMs, end: null }
}

function endedReading(end: ProcessReading['end']): ProcessReading {
  return { state: ProcessProbe.gone, cpuTimeMs: null, end }
}

const existing: ProcessReading = Object.freeze({ state: ProcessProbe.exists, cpuTimeMs: null, end: null })

/**
 * `/proc` may be mounted so that it hides the processes of other users (`hidepid`). Signal 0 finds them all the same:
 * EPERM proves that there is a process. A sandbox may refuse every signal, even to this process; the answer then proves
 * nothing.
 */
function probeBySignal(pid: number, calls: ProcessCalls): ProcessReading {
  const refusal = calls.signalRefusal(pid)
  if (refusal === null) return existing
  if (refusal === 'ESRCH') return endedReading(null)
  return refusal === 'EPERM' && calls.signalRefusal(calls.ownPid) === null ? existing : unknownReading
}

function signalRefusal(pid: number): string | null {
  try {
    process.kill(pid, 0)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}
