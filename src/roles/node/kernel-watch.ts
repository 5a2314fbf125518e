import { closeEach } from '../../core/close-all.js'
import { NumacastError } from '../../core/errors.js'
import type { Guid } from '../../core/ids.js'
import type { ProcessReading } from '../../liveliness/process-reading.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { Participant } from '../../pubsub/participant.js'
import { kernelProbe } from '../../pubsub/peer/own-process.js'
import { type FollowedProcess, OomKills } from '../../topology/cgroup/oom-kills.js'
import type { WatchStatus } from '../../topology/model/watch.js'
import { type NamespacedProcess, ProcessLocator } from '../../topology/process/process-locator.js'
import {
  ExitEvidence,
  type ProcessExit,
  type ProcessTarget,
  watchProcess,
} from '../../topology/process/process-watch.js'

/** The addon's `watchProcess`, or a test's. */
export type WatchProcess = (
  target: ProcessTarget,
  onExit: (exit: ProcessExit) => void,
) => { readonly status?: WatchStatus; close(): void }

/** A watch that could not be opened, for want of a descriptor for example, is tried again after this. */
const retryMs = 5_000

export interface KernelWatchComponents {
  /** @default the addon's pidfd watch */
  readonly watchProcess?: WatchProcess
  /** @default a ProcessLocator */
  readonly locator?: Pick<ProcessLocator, 'locate'>
  /** What a process of this namespace is doing. @default probePid */
  readonly probe?: (pid: number, startTimeTicks: number | null) => ProcessReading
  /** @default the counts of the processes' memory cgroups */
  readonly oomKills?: Pick<OomKills, 'follow'>
}

/**
 * Watches the processes of peers on this host. The end of a watched process is a fact, whatever its lease. The
 * participant learns of it once what the peer sent before has been read.
 *
 * A process in a PID namespace below this one is found by its `NSpid`. A process that cannot be found from here is
 * counted and left to its lease. A process that began too recently is looked up again as soon as that is allowed.
 *
 * The count of its cgroup shows whether the kernel may have killed a process for lack of memory; see {@link OomKills}.
 */
export class KernelWatch {
  readonly #participant: Participant
  readonly #watchProcess: WatchProcess
  readonly #locator: Pick<ProcessLocator, 'locate'>
  readonly #oomKills: Pick<OomKills, 'follow'>
  readonly #watches = new Map<Guid, { close(): void }>()
  /** Peers whose process the kernel watches now. */
  readonly #watched = new Set<Guid>()
  /** What a process of this host is doing; `unknown` where it cannot be found from here. */
  readonly read: (target: NamespacedProcess) => ProcessReading

  constructor(participant: Participant, components: KernelWatchComponents = {}) {
    this.#participant = participant
    this.#watchProcess = components.watchProcess ?? watchProcess
    this.#locator = components.locator ?? new ProcessLocator({ ownNamespace: participant.identity.pidNamespace })
    this.#oomKills = components.oomKills ?? new OomKills()
    this.read = kernelProbe(this.#locator, components.probe)
  }

  get size(): number {
    return this.#watches.size
  }

  /** Whether the kernel reports the end of the peer's process. */
  isWatching(guid: Guid): boolean {
    return this.#watched.has(guid)
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
      if (location.retryMs !== null) this.#watchIn(location.retryMs, guid)
      else this.#participant.counters.add(`kernel-watch.skipped.${location.reason}`)
      return
    }
    const { pid } = location
    if (pid === own.pid) return
    const isAlive = peer.verdict.liveliness === Liveliness.alive
    const memory = this.#oomKills.follow(pid)
    // Set before watching: a process that is gone already may be reported at once.
    this.#watches.set(guid, memory)
    const target = { pid, startTime: startTimeTicks, isAlive }
    const watch = this.#watchProcess(target, (exit) => this.#report(guid, exit, memory))
    const both = {
      close() {
        closeEach([() => watch.close(), () => memory.close()])
      },
    }
    if (this.#watches.get(guid) !== memory) both.close()
    else if (watch.status?.state !== 'unavailable') {
      this.#watches.set(guid, both)
      this.#watched.add(guid)
    } else {
      both.close()
      this.#reportUnavailable(pid, watch.status.reason)
      this.#watchIn(retryMs, guid)
    }
  }

  unwatch(guid: Guid): void {
    const watch = this.#watches.get(guid)
    this.#watches.delete(guid)
    this.#watched.delete(guid)
    watch?.close()
  }

  close(): void {
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    this.#watched.clear()
    closeEach(watches.map((watch) => () => watch.close()))
  }

  /** The peer is left to its lease until a later try succeeds. */
  #reportUnavailable(pid: number, reason: string): void {
    const message = `the kernel does not watch process ${pid}: ${reason}; its end shows by silence only, until a later try succeeds`
    const error = new NumacastError('NUMACAST_UNAVAILABLE', message, { details: { pid } })
    this.#participant.counters.addError('kernel-watch.unavailable', error)
  }

  #watchIn(delayMs: number, guid: Guid): void {
    const timer = this.#participant.clock.after(delayMs, () => {
      this.#watches.delete(guid)
      this.watch(guid)
    })
    this.#watches.set(guid, { close: () => timer.cancel() })
  }

  /**
   * Reports the end once what the peer sent before has been read. Only the end of a process that was watched is a fact.
   * A peer without a process of its pid and start time may just have ended. It may also have been checkpointed and
   * restored, here or on another host. It is left to its lease: if it has ended, it is soon overdue.
   */
  #report(guid: Guid, exit: ProcessExit, memory: FollowedProcess): void {
    if (exit.evidence !== ExitEvidence.pidfd) {
      this.#participant.counters.add(`kernel-watch.skipped.${exit.evidence}`)
      this.unwatch(guid)
      return
    }
    // At once: its cgroup may be removed any moment.
    const outOfMemory = mayBeOutOfMemory(exit) && memory.claim()
    this.unwatch(guid)
    const timer = this.#participant.onceRead(() => {
      this.#watches.delete(guid)
      const cause = exit.cause === 'killed' ? 'killed' : 'exited'
      this.#participant.reportProcess(guid, { liveliness: 'dead', cause, detail: describeExit(exit, outOfMemory) })
    })
    this.#watches.set(guid, { close: () => timer.cancel() })
  }
}

/** The OOM killer sends SIGKILL. It also comes into question where the kernel does not report how a process ended. */
function mayBeOutOfMemory({ cause, signal }: ProcessExit): boolean {
  return cause === 'unknown' || signal === 'SIGKILL'
}

/** @param outOfMemory an OOM kill in its cgroup may have been its own */
export function describeExit(exit: ProcessExit, outOfMemory = false): string {
  if (exit.cause === 'killed') {
    return `${exit.signal ?? 'a signal'}${outOfMemory ? ', out of memory' : ''}${exit.coreDumped ? ', core dumped' : ''}`
  }
  if (exit.exitCode !== null) return `exit code ${exit.exitCode}`
  return outOfMemory ? 'gone; an OOM kill in its cgroup' : 'gone; the kernel does not report how'
}
