import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { pidNamespace } from './host-identity.js'
import { processStartTime } from './process-state.js'

/** A process as it knows itself, perhaps from inside a container. */
export interface NamespacedProcess {
  /** In its own PID namespace. */
  readonly pid: number
  /** Inode of that namespace; null where it could not be read. */
  readonly pidNamespace: number | null
  /** Clock ticks since boot, the same in every namespace; null where it could not be read. */
  readonly startTimeTicks: number | null
}

/** Its pid in this process's namespace, or why that cannot be told. */
export type Location = { readonly pid: number } | { readonly pid: null; readonly reason: LocationFailure }

export const LocationFailure = {
  /** It could not say its namespace or its start time: a number alone may name anybody. */
  unidentified: 'unidentified',
  /** No process that can be seen here is it: it is gone, or in a namespace that is not below this one. */
  notVisible: 'not-visible',
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

/** All processes are looked at no more often than this, however many workers are unknown. */
const scanIntervalMs = 1_000
/** One that was not found is not looked for again for so long. */
const missMs = 30_000
/** Of processes in other namespaces, and of those not found, so many are remembered. */
const maxRemembered = 16_384

/**
 * Finds processes of PID namespaces below this one, as a container's are below the host's. The kernel lists a process's
 * pid in each of its namespaces as `NSpid` in `/proc/<pid>/status` (proc_pid_status(5)), the innermost last. A match
 * must agree in that pid, in the namespace's inode and in the start time, so that a reused pid matches nobody.
 *
 * A look at all processes costs one `stat` each, and a read for each of another namespace.
 */
export class ProcessLocator {
  readonly #nowMs: () => number
  readonly #ownNamespace: number | null
  readonly #isOwnProc: boolean
  readonly #listNested: (ownNamespace: number) => Map<string, number[]>
  /** `<namespace inode> <pid inside>` → pids here. */
  #nested = new Map<string, number[]>()
  #scannedMs = Number.NEGATIVE_INFINITY
  readonly #missedMs = new Map<string, number>()

  constructor(components: ProcessLocatorComponents = {}) {
    this.#nowMs = components.nowMs ?? (() => performance.now())
    this.#ownNamespace = components.ownNamespace === undefined ? pidNamespace() : components.ownNamespace
    this.#isOwnProc = showsThisProcess()
    this.#listNested = components.listNested ?? nestedProcesses
  }

  locate(target: NamespacedProcess): Location {
    const { pid, pidNamespace: namespace, startTimeTicks } = target
    if (namespace === null || this.#ownNamespace === null) return nowhere(LocationFailure.unidentified)
    if (namespace === this.#ownNamespace) return { pid }
    if (startTimeTicks === null) return nowhere(LocationFailure.unidentified)
    if (!this.#isOwnProc) return nowhere(LocationFailure.noProc)
    const key = `${namespace} ${pid}`
    const known = this.#find(key, startTimeTicks)
    if (known !== undefined) return { pid: known }
    const nowMs = this.#nowMs()
    const identity = `${key} ${startTimeTicks}`
    const missedMs = this.#missedMs.get(identity)
    if (missedMs !== undefined && nowMs - missedMs < missMs) return nowhere(LocationFailure.notVisible)
    if (nowMs - this.#scannedMs < scanIntervalMs) return nowhere(LocationFailure.notVisible)
    this.#scannedMs = nowMs
    this.#nested = this.#listNested(this.#ownNamespace)
    const found = this.#find(key, startTimeTicks)
    if (found !== undefined) return { pid: found }
    this.#rememberMiss(identity, nowMs)
    return nowhere(LocationFailure.notVisible)
  }

  #find(key: string, startTimeTicks: number): number | undefined {
    return this.#nested.get(key)?.find((pid) => processStartTime(pid) === startTimeTicks)
  }

  #rememberMiss(identity: string, nowMs: number): void {
    this.#missedMs.delete(identity)
    this.#missedMs.set(identity, nowMs)
    const [oldest] = this.#missedMs.keys()
    if (this.#missedMs.size > maxRemembered && oldest !== undefined) this.#missedMs.delete(oldest)
  }
}

function nowhere(reason: LocationFailure): Location {
  return { pid: null, reason }
}

/** A container may see the host's `/proc`, whose numbers are not its own. */
function showsThisProcess(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid)
  } catch {
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
    } catch {
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
