import type { ProcessReading } from '../liveliness/process-reading.js'
import { kernelProbe, type ProcessCalls, probePid } from '../pubsub/peer/own-process.js'
import type { ProcessState } from '../topology/model/process-stat.js'
import { LocationFailure } from '../topology/process/process-locator.js'
import { isSameStartTime } from '../topology/process/process-state.js'
import { ExitEvidence, type ProcessExit, type ProcessTarget } from '../topology/process/process-watch.js'
import type { ProcessIdentity } from '../wire/descriptor.js'

export interface MemoryKernelOptions {
  /** `/proc` hides the processes of other users, as with `hidepid=2`. @default false */
  readonly hidesProcesses?: boolean
}

/** What a simulated process is besides its identity. */
export interface MemoryProcessOptions {
  /** `root` sees all processes and may signal them. @default 'root' */
  readonly user?: string
  /** Whether it can read the offset of its time namespace, and so compare start times. @default true */
  readonly knowsTimeOffset?: boolean
}

/** A simulated process. */
interface MemoryProcess extends Required<MemoryProcessOptions> {
  readonly bootId: string
  readonly pid: number
  readonly startTime: number
  /** As in `/proc/<pid>/stat`. */
  state: string
}

/**
 * The processes of several simulated hosts, and what their kernels tell each process of the others: it may belong to
 * another user, or be restored from a checkpoint, here or on another host. The answers pass through the rules by which
 * a participant reads the real kernel.
 */
export class MemoryKernel {
  readonly #hidesProcesses: boolean
  /** By boot id and pid. */
  readonly #processes = new Map<string, MemoryProcess>()
  /** Where the process of an identity is now, if it was restored; by the identity's boot id and pid. */
  readonly #restored = new Map<string, MemoryProcess>()
  readonly #watches = new Map<MemoryProcess, Set<(exit: ProcessExit) => void>>()

  constructor({ hidesProcesses = false }: MemoryKernelOptions = {}) {
    this.#hidesProcesses = hidesProcesses
  }

  /** A process begins. */
  start({ bootId, pid, startTimeTicks }: ProcessIdentity, options: MemoryProcessOptions = {}): void {
    const { user = 'root', knowsTimeOffset = true } = options
    const process = { bootId, pid, startTime: startTimeTicks ?? 0, state: 'S', user, knowsTimeOffset }
    this.#processes.set(keyOf(bootId, pid), process)
  }

  /** Sets the letter of its state: `T` stopped, `R` computing, `S` waiting. */
  setState({ bootId, pid }: ProcessIdentity, state: string): void {
    const process = this.#processes.get(keyOf(bootId, pid))
    if (process !== undefined) process.state = state
  }

  /** A process ends, and its watchers are told. */
  end({ bootId, pid }: ProcessIdentity, exit: Partial<ProcessExit> = {}): void {
    const key = keyOf(bootId, pid)
    const process = this.#processes.get(key)
    if (process === undefined) return
    this.#processes.delete(key)
    const watchers = this.#watches.get(process) ?? []
    this.#watches.delete(process)
    for (const onExit of [...watchers]) onExit({ ...killed, ...exit })
  }

  /**
   * The process ends, and is restored from a checkpoint under the same pid, here or on another host. Its memory holds
   * the identity that it had.
   */
  restore(identity: ProcessIdentity, bootId = identity.bootId): void {
    const { pid } = identity
    const before = this.#processes.get(keyOf(identity.bootId, pid))
    if (before === undefined) return
    this.end(identity)
    const process = { ...before, bootId, startTime: before.startTime + 1_000, state: 'S' }
    this.#processes.set(keyOf(bootId, pid), process)
    this.#restored.set(keyOf(identity.bootId, pid), process)
  }

  /** Returns what a process that was started with this identity reads of another. */
  probe(own: ProcessIdentity, asked: ProcessIdentity): ProcessReading {
    const isVisible = asked.pidNamespace === own.pidNamespace
    const locator = { locate: () => (isVisible ? { pid: asked.pid } : notVisible) }
    return kernelProbe(locator, (pid, startTimeTicks) => probePid(pid, startTimeTicks, this.#callsOf(own)))(asked)
  }

  /** Returns how the process of an identity differs from it; null if it does not. */
  differenceOf({ bootId, pid }: ProcessIdentity): string | null {
    return this.#restored.has(keyOf(bootId, pid)) ? 'its start time is another' : null
  }

  /** Calls `onExit` when the process ends, as `watchProcess` does. Returns how to stop watching. */
  watch(
    own: ProcessIdentity,
    { pid, startTime = null }: ProcessTarget,
    onExit: (exit: ProcessExit) => void,
  ): () => void {
    const process = this.#processes.get(keyOf(this.#placeOf(own).bootId, pid))
    if (process === undefined || (startTime !== null && !isSameStartTime(process.startTime, startTime))) {
      const evidence = process === undefined ? ExitEvidence.noProcess : ExitEvidence.otherStartTime
      const later = setImmediate(() => onExit({ ...killed, cause: 'unknown', signal: null, evidence }))
      return () => clearImmediate(later)
    }
    const watchers = this.#watches.get(process) ?? new Set()
    this.#watches.set(process, watchers.add(onExit))
    return () => watchers.delete(onExit)
  }

  /** The process that an identity was given to, where it runs now. */
  #placeOf({ bootId, pid }: ProcessIdentity): { readonly bootId: string; readonly process: MemoryProcess | undefined } {
    const key = keyOf(bootId, pid)
    const process = this.#restored.get(key) ?? this.#processes.get(key)
    return { bootId: process?.bootId ?? bootId, process }
  }

  #callsOf(own: ProcessIdentity): ProcessCalls {
    const { bootId, process: reader } = this.#placeOf(own)
    const isPrivileged = reader?.user === 'root'
    const mayReach = (process: MemoryProcess): boolean => isPrivileged || process.user === reader?.user
    const find = (pid: number): MemoryProcess | undefined => this.#processes.get(keyOf(bootId, pid))
    return {
      ownPid: own.pid,
      readState: (pid) => {
        const process = find(pid)
        if (process === undefined || (this.#hidesProcesses && !mayReach(process))) return null
        return stateOf(process, reader?.knowsTimeOffset ?? true)
      },
      signalRefusal: (pid) => {
        const process = find(pid)
        if (process === undefined) return 'ESRCH'
        return mayReach(process) ? null : 'EPERM'
      },
      isFrozen: () => false,
    }
  }
}

const killed: ProcessExit = {
  cause: 'killed',
  exitCode: null,
  signal: 'SIGKILL',
  coreDumped: false,
  evidence: ExitEvidence.pidfd,
  atMs: 0,
}
const notVisible = { pid: null, reason: LocationFailure.notVisible, retryMs: null } as const

function keyOf(bootId: string, pid: number): string {
  return `${pid} ${bootId}`
}

function stateOf({ state, startTime }: MemoryProcess, knowsTimeOffset: boolean): ProcessState {
  const figures = { cpuTimeMs: 0, threads: 1, residentBytes: 0, lastCpu: 0 }
  return { ...figures, state, ended: false, exit: null, startTime: knowsTimeOffset ? startTime : null }
}
