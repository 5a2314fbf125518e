import { readFileSync } from 'node:fs'
import { mustBeSystemError } from '../../core/error-code.js'
import { nativeAddon } from '../addon/addon.js'
import { pidOrSelf } from '../addon/pid.js'
import { resolveRoot } from '../addon/root.js'
import type { FreezerState } from '../model/freezer-state.js'
import type { HeadroomOptions } from './headroom.js'

/**
 * Reads whether the cgroup freezer holds a process, at its own cgroup or at a visible ancestor: `cgroup.events` and
 * `cgroup.freeze` on cgroup v2, `freezer.state` on v1. Takes about a quarter of a millisecond.
 *
 * @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `root` is not a directory or `pid` not a process id.
 */
export function readFreezer(options: HeadroomOptions = {}): FreezerState {
  const root = resolveRoot(options.root)
  const pid = pidOrSelf(options.pid)
  return nativeAddon()?.readFreezer(root, pid) ?? { frozen: null, directory: null }
}

/** A reading is used again for this long: many processes of one cgroup are asked about at once. */
const freshMs = 1_000
/** Cgroups whose reading is kept. */
const maxCgroups = 1_024

/**
 * Reads the freezer for many processes. Processes of the same cgroups share a reading that is at most a second old, so
 * that the mount table is not read for each.
 */
export class FreezerCache {
  readonly #read: (pid: number) => FreezerState
  readonly #nowMs: () => number
  /** By the text of `/proc/<pid>/cgroup`, oldest first. */
  readonly #readings = new Map<string, { readonly frozen: boolean; readonly atMs: number }>()

  constructor(
    read: (pid: number) => FreezerState = (pid) => readFreezer({ pid }),
    nowMs: () => number = () => performance.now(),
  ) {
    this.#read = read
    this.#nowMs = nowMs
  }

  /** Returns false, too, where no visible cgroup tells. */
  isFrozen(pid: number): boolean {
    const cgroups = membershipOf(pid)
    if (cgroups === null) return false
    const nowMs = this.#nowMs()
    const known = this.#readings.get(cgroups)
    if (known !== undefined && nowMs - known.atMs < freshMs) return known.frozen
    const frozen = this.#read(pid).frozen === true
    this.#readings.delete(cgroups)
    this.#readings.set(cgroups, { frozen, atMs: nowMs })
    const [oldest] = this.#readings.keys()
    if (this.#readings.size > maxCgroups && oldest !== undefined) this.#readings.delete(oldest)
    return frozen
  }
}

function membershipOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  } catch (error) {
    mustBeSystemError(error)
    return null
  }
}
