import type { Guid } from '../core/ids.js'
import type { Participant } from '../pubsub/participant.js'
import { type ProcessExit, type ProcessTarget, watchProcess } from '../topology/process-watch.js'

/** The addon's `watchProcess`, or a test's. */
export type WatchProcess = (target: ProcessTarget, onExit: (exit: ProcessExit) => void) => { close(): void }

/**
 * Asks the kernel about peers on this host: when a watched process ends, that is a fact, and the participant is told
 * at once, whatever its lease says. Only processes whose pid means the same here are watched.
 */
export class KernelWatch {
  readonly #participant: Participant
  readonly #watchProcess: WatchProcess
  readonly #watches = new Map<Guid, { close(): void }>()

  constructor(participant: Participant, watch: WatchProcess = watchProcess) {
    this.#participant = participant
    this.#watchProcess = watch
  }

  get size(): number {
    return this.#watches.size
  }

  /** Watches the peer's process, once. Peers elsewhere, or in another PID namespace, are left to their lease. */
  watch(guid: Guid): void {
    if (this.#watches.has(guid)) return
    const peer = this.#participant.peer(guid)
    if (peer === undefined) return
    const { identity: own } = this.#participant
    const { bootId, pid, pidNamespace, startTimeTicks } = peer.identity
    if (bootId !== own.bootId || pid === own.pid) return
    if (pidNamespace === null || pidNamespace !== own.pidNamespace) {
      this.#participant.counters.add('kernel-watch.skipped.other-namespace')
      return
    }
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
