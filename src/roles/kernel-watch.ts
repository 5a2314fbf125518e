import type { Guid } from '../core/ids.js'
import type { Participant } from '../pubsub/participant.js'
import { type NamespacedProcess, ProcessLocator } from '../topology/process-locator.js'
import { readProcessState } from '../topology/process-state.js'
import { type ProcessExit, type ProcessTarget, watchProcess } from '../topology/process-watch.js'
import type { ProcessFate } from './inherited-workers.js'

/** The addon's `watchProcess`, or a test's. */
export type WatchProcess = (target: ProcessTarget, onExit: (exit: ProcessExit) => void) => { close(): void }

export interface KernelWatchComponents {
  /** @default the addon's pidfd watch */
  readonly watchProcess?: WatchProcess
  /** @default a ProcessLocator */
  readonly locator?: Pick<ProcessLocator, 'locate'>
  /** What a process of this namespace is doing; null when there is none. @default the addon's `readProcessState` */
  readonly readState?: (pid: number) => { readonly state: string; readonly startTime: number } | null
}

/**
 * Asks the kernel about peers on this host: when a watched process ends, that is a fact, and the participant is told
 * at once, whatever its lease says. A process in a PID namespace below this one is found by its `NSpid`; one that
 * cannot be seen from here is left to its lease, and a counter says so.
 */
export class KernelWatch {
  readonly #participant: Participant
  readonly #watchProcess: WatchProcess
  readonly #locator: Pick<ProcessLocator, 'locate'>
  readonly #readState: NonNullable<KernelWatchComponents['readState']>
  readonly #watches = new Map<Guid, { close(): void }>()

  constructor(participant: Participant, components: KernelWatchComponents = {}) {
    this.#participant = participant
    this.#watchProcess = components.watchProcess ?? watchProcess
    this.#locator = components.locator ?? new ProcessLocator({ ownNamespace: participant.identity.pidNamespace })
    this.#readState = components.readState ?? readProcessState
  }

  get size(): number {
    return this.#watches.size
  }

  /** Watches the peer's process, once it can be found. Peers elsewhere are left to their lease. */
  watch(guid: Guid): void {
    if (this.#watches.has(guid)) return
    const peer = this.#participant.peer(guid)
    if (peer === undefined) return
    const { identity: own } = this.#participant
    const { bootId, startTimeTicks } = peer.identity
    if (bootId !== own.bootId) return
    const location = this.#locator.locate(peer.identity)
    if (location.pid === null) {
      this.#participant.counters.add(`kernel-watch.skipped.${location.reason}`)
      return
    }
    const { pid } = location
    if (pid === own.pid) return
    // Set before watching: a process that is gone already may be reported at once.
    this.#watches.set(guid, { close() {} })
    const watch = this.#watchProcess({ pid, startTime: startTimeTicks }, (exit) => this.#report(guid, exit))
    if (this.#watches.has(guid)) this.#watches.set(guid, watch)
    else watch.close()
  }

  unwatch(guid: Guid): void {
    this.#watches.get(guid)?.close()
    this.#watches.delete(guid)
  }

  /** What a process of this host is doing. A process that never said when it started is nobody: its pid may be reused. */
  fateOf(target: NamespacedProcess): ProcessFate {
    const { pid: own, pidNamespace } = this.#participant.identity
    if (target.startTimeTicks === null || this.#readState(own) === null) return 'unknown'
    const location = this.#locator.locate(target)
    // Not to be found below this namespace: whether it is gone or was never to be seen cannot be told.
    if (location.pid === null) return 'unknown'
    const state = this.#readState(location.pid)
    if (state === null || state.startTime !== target.startTimeTicks) {
      return target.pidNamespace === pidNamespace ? 'gone' : 'unknown'
    }
    switch (state.state) {
      case 'Z':
      case 'X':
        return 'gone'
      case 'T':
      case 't':
        return 'stopped'
      case 'D':
        return 'io-wait'
      default:
        return 'running'
    }
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close()
    this.#watches.clear()
  }

  #report(guid: Guid, exit: ProcessExit): void {
    this.unwatch(guid)
    const cause = exit.cause === 'killed' ? 'killed' : 'exited'
    this.#participant.reportProcess(guid, { liveliness: 'dead', cause, detail: describeExit(exit) })
  }
}

export function describeExit(exit: ProcessExit): string {
  if (exit.cause === 'killed') return `${exit.signal ?? 'a signal'}${exit.coreDumped ? ', core dumped' : ''}`
  if (exit.exitCode !== null) return `exit code ${exit.exitCode}`
  return 'gone; the kernel does not say how'
}
