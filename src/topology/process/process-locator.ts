import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { errorCode, isTransient, mustBeSystemError } from '../../core/error-code.js'
import { pidNamespace } from '../host/host-identity.js'
import { isSameStartTime, processStartTime } from './process-state.js'

/** A process as it knows itself, perhaps from inside a container. */
export interface NamespacedProcess {
  /** In its own PID namespace. */
  readonly pid: number
  /** Inode of that namespace; null where it could not be read. */
  readonly pidNamespace: number | null
  /** As `processStartTime` returns it, the same in every namespace; null where it could not be read. */
  readonly startTimeTicks: number | null
}

/** Its pid in this process's namespace, or why that cannot be told. */
export type Location =
  | { readonly pid: number }
  | {
      readonly pid: null
      readonly reason: LocationFailure
      /** When to ask again, in milliseconds, because it may be found then. Null: not soon. */
      readonly retryMs: number | null
    }

export const LocationFailure = {
  /** Its namespace or its start time is not known: a number alone may name any process. */
  unidentified: 'unidentified',
  /** No process that can be seen here is it: it is gone, or in a namespace that is not below this one. */
  notVisible: 'not-visible',
  /** It may have begun since all processes were last looked at; to do that again it is too soon, or failed just now. */
  notYetSeen: 'not-yet-seen',
  /** `/proc` is not there, or is that of another PID namespace. */
  noProc: 'no-proc',
} as const
export type LocationFailure = (typeof LocationFailure)[keyof typeof LocationFailure]

export interface ProcessLocatorComponents {
  /** @default performance.now */
  readonly nowMs?: () => number
  /** @default this process's */
  readonly ownNamespace?: number | null
  /** Processes of other namespaces: `<namespace inode> <pid inside>` → pids here. @default read from `/proc` */
  readonly listNested?: (ownNamespace: number) => Map<string, number[]>
}

/** All processes are listed no more often than this, however many workers are unknown. */
const scanIntervalMs = 1_000
/** A process that was not found is not looked for again for this long. */
const missMs = 30_000
/** At most this many processes in other namespaces are remembered, and as many that are looked for. */
const maxRemembered = 16_384

/**
 * Finds processes of PID namespaces below this one, as a container's are below the host's. The kernel lists a process's
 * pid in each of its namespaces as `NSpid` in `/proc/<pid>/status` (proc_pid_status(5)), the innermost last. A match
 * must agree in that pid, in the namespace's inode and in the start time, so that a reused pid matches no process.
 *
 * A look at all processes costs one `stat` each, and a read for each of another namespace. It is taken only for a
 * process of another namespace that is not known yet, and answers for all that were requested before. Nothing is held
 * open between.
 */
export class ProcessLocator {
  readonly #nowMs: () => number
  readonly #ownNamespace: number | null
  readonly #isOwnProc: boolean
  readonly #listNested: (ownNamespace: number) => Map<string, number[]>
  /** `<namespace inode> <pid inside>` → pids here. */
  #nested = new Map<string, number[]>()
  #scans = 0
  #scannedMs = Number.NEGATIVE_INFINITY
  /** Since when each is looked for, and how many looks at all processes there had been then: a later one settles it. */
  readonly #wanted = new Map<string, { readonly sinceMs: number; readonly scans: number }>()

  constructor(components: ProcessLocatorComponents = {}) {
    this.#nowMs = components.nowMs ?? (() => performance.now())
    this.#ownNamespace = components.ownNamespace === undefined ? pidNamespace() : components.ownNamespace
    this.#isOwnProc = showsThisProcess()
    this.#listNested = components.listNested ?? nestedProcesses
  }

  locate(target: NamespacedProcess): Location {
    const { pid, pidNamespace: namespace, startTimeTicks } = target
    if (namespace === null || this.#ownNamespace === null) return noLocation(LocationFailure.unidentified)
    if (namespace === this.#ownNamespace) return { pid }
    if (startTimeTicks === null) return noLocation(LocationFailure.unidentified)
    if (!this.#isOwnProc) return noLocation(LocationFailure.noProc)
    const key = `${namespace} ${pid}`
    const identity = `${key} ${startTimeTicks}`
    const known = this.#find(key, startTimeTicks)
    if (known !== undefined) {
      this.#wanted.delete(identity)
      return { pid: known }
    }
    const nowMs = this.#nowMs()
    if (this.#scans > this.#wantedFrom(identity, nowMs)) return noLocation(LocationFailure.notVisible)
    const retryMs = this.#scannedMs + scanIntervalMs - nowMs
    if (retryMs > 0) return noLocation(LocationFailure.notYetSeen, retryMs)
    this.#scannedMs = nowMs
    try {
      this.#nested = this.#listNested(this.#ownNamespace)
    } catch (error) {
      mustBeSystemError(error)
      // No descriptor is left to read it by.
      return noLocation(LocationFailure.notYetSeen, scanIntervalMs)
    }
    this.#scans++
    const found = this.#find(key, startTimeTicks)
    return found === undefined ? noLocation(LocationFailure.notVisible) : { pid: found }
  }

  #find(key: string, startTimeTicks: number): number | undefined {
    return this.#nested.get(key)?.find((pid) => {
      const startTime = processStartTime(pid)
      return startTime !== null && isSameStartTime(startTime, startTimeTicks)
    })
  }

  /** How many looks there had been when it was first asked for. */
  #wantedFrom(identity: string, nowMs: number): number {
    const known = this.#wanted.get(identity)
    if (known !== undefined && nowMs - known.sinceMs < missMs) return known.scans
    this.#wanted.delete(identity)
    this.#wanted.set(identity, { sinceMs: nowMs, scans: this.#scans })
    const [oldest] = this.#wanted.keys()
    if (this.#wanted.size > maxRemembered && oldest !== undefined) this.#wanted.delete(oldest)
    return this.#scans
  }
}

function noLocation(reason: LocationFailure, retryMs: number | null = null): Location {
  return { pid: null, reason, retryMs }
}

/** A container may see the host's `/proc`, whose numbers are not its own. */
function showsThisProcess(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid)
  } catch (error) {
    mustBeSystemError(error)
    return false
  }
}

function nestedProcesses(ownNamespace: number): Map<string, number[]> {
  const nested = new Map<string, number[]>()
  let count = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const namespace = statSync(`/proc/${name}/ns/pid`, { throwIfNoEntry: false })?.ino
      if (namespace === undefined || namespace === ownNamespace) continue
      const inside = innermostPid(readFileSync(`/proc/${name}/status`, 'latin1'))
      if (inside === null) continue
      const key = `${namespace} ${inside}`
      nested.set(key, [...(nested.get(key) ?? []), Number(name)])
      if (++count >= maxRemembered) break
    } catch (error) {
      mustBeSystemError(error)
      if (isTransient(errorCode(error))) throw error
      // Gone meanwhile, or another user's.
    }
  }
  return nested
}

/** The last number of the `NSpid` line; null for a process of one namespace only, or a kernel before 4.1. */
export function innermostPid(status: string): number | null {
  const [, line] = /^NSpid:\s+(.+)$/m.exec(status) ?? []
  const pids = line?.trim().split(/\s+/) ?? []
  const last = Number(pids.at(-1))
  return pids.length > 1 && Number.isSafeInteger(last) && last > 0 ? last : null
}
