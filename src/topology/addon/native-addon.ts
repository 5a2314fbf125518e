import type { Headroom } from '../model/cgroup-headroom.js'
import type { FreezerState } from '../model/freezer-state.js'
import type { Topology } from '../model/numa-topology.js'
import type { ProcessState } from '../model/process-stat.js'
import type { UdpSocket } from '../model/udp-socket.js'

/**
 * What `native/` exports. Its functions throw only for a wrong argument type, which this folder rules out; what the
 * machine refuses comes back as a sentence (`string`) or `null`.
 */
export interface NativeAddon {
  readonly interfaceVersion: number
  readTopology(root: string): Topology
  /** `pid` 0 is this process, here and below. */
  readHeadroom(root: string, pid: number): Headroom
  /** Order of the numbers that a sampler writes. */
  readonly sampleFields: readonly string[]
  openSampler(root: string, pid: number, slowIntervalMs: number, values: Float64Array): NativeSampler
  readProcessState(pid: number): NativeProcessState | null
  readFreezer(root: string, pid: number): FreezerState
  /**
   * `startTime` −1 stands for "any". `isAlive` makes the pid do where the start time cannot be compared. `onExit` gets
   * the wait status, or `null` where the kernel does not tell. Returns a sentence when the process cannot be watched, `null`
   * when there is none of that pid, `false` when another process has the pid.
   */
  watchProcess(
    pid: number,
    startTime: number,
    isAlive: boolean,
    onExit: (waitStatus: number | null) => void,
  ): NativeWatch | string | null | false
  /** `onEvent` gets the pressure file's `total` and its growth; `null` means that the trigger is gone. */
  watchPressure(
    path: string,
    kind: string,
    stallUs: number,
    windowUs: number,
    onEvent: (totalUs: number | null, stalledUs: number) => void,
  ): NativeWatch | string
  /** `onEvent` gets the changed file's text; `null` means that the cgroup is gone. */
  watchFile(path: string, onEvent: (text: string | null) => void): NativeWatch | string
  currentCpu(): number | null
  currentNode(): number | null
  getAffinity(): number[] | null
  setAffinity(cpus: number[]): string | null
  setMempolicy(mode: number, nodes: number[]): string | null
  readUdpSockets(): UdpSocket[] | null
}

export interface NativeProcessState extends Omit<ProcessState, 'exit'> {
  readonly waitStatus: number | null
}

export interface NativeSampler {
  /** Fills the array; false when that is no longer possible (closed, or the array was detached). */
  sample(): boolean
  /** The files that every sample reads. */
  files(): string[]
  close(): void
}

export interface NativeWatch {
  close(): void
  ref(): void
  unref(): void
}
