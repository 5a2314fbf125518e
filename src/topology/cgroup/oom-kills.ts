import { readFileSync } from 'node:fs'
import path from 'node:path'
import { mustBeSystemError } from '../../core/error-code.js'
import { checkPid } from '../addon/pid.js'
import { resolveRoot } from '../addon/root.js'
import type { CgroupPlace } from '../model/cgroup-headroom.js'
import { readHeadroom } from './headroom.js'

export interface OomKillsOptions {
  /**
   * Directory that stands for `/`.
   * @default '/'
   */
  readonly root?: string
}

/** Follows the cgroup of one process. */
export interface FollowedProcess {
  /**
   * Returns whether the kernel has killed in its cgroup for lack of memory since `follow`. Call it after the process
   * was killed. Each kill is attributed to one followed process. Returns false if the count can no longer be read.
   */
  claim(): boolean
  /** Idempotent. */
  close(): void
}

/**
 * Tells an end by the OOM killer from an end by `kill -9`: both are SIGKILL. Before the OOM killer sends the signal,
 * the kernel counts `oom_kill` in the memory cgroup of the process. It does so whether a limit was reached there or
 * further up, or the whole machine was out of memory. The count is `memory.events.local` on cgroup v2 (before Linux 5.2
 * `memory.events`, which counts the cgroups below too), and `memory.oom_control` on v1 (Linux 4.13).
 *
 * It proves an OOM kill in the same cgroup since the process was followed, which no other followed process has claimed.
 * It does not prove the victim: if a cgroup holds several processes, a child of the worker may have been killed, and
 * the worker by hand later. It finds nothing when
 * - the cgroup was removed before {@link FollowedProcess.claim} could read it,
 * - the process was moved to another cgroup after it was followed,
 * - its cgroup cannot be seen from here: outside this process's cgroup namespace or mounts, or the root of v2, which
 *   has no count.
 *
 * `/proc/<pid>/cgroup` shows the path as this process's own cgroup namespace sees it. It therefore belongs to this
 * process's mounts, not to those of the other process.
 */
export class OomKills {
  readonly #root: string
  /** By the line of `/proc/<pid>/cgroup` of the memory controller; only while a process of the cgroup is followed. */
  readonly #groups = new Map<string, KillCount>()

  /** @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `root` is not a directory. */
  constructor(options: OomKillsOptions = {}) {
    this.#root = resolveRoot(options.root)
  }

  /** Number of cgroups that are remembered. */
  get size(): number {
    return this.#groups.size
  }

  /** @throws NumacastError `NUMACAST_INVALID_ARGUMENT` when `pid` is not a process id. */
  follow(pid: number): FollowedProcess {
    const membership = readText(path.join(this.#root, `proc/${checkPid(pid)}/cgroup`))
    const line = membership === null ? null : memoryLine(membership)
    if (line === null) return unknownCount
    const group = this.#groups.get(line) ?? this.#find(pid, line)
    const count = group?.read() ?? null
    if (group === undefined || count === null) return unknownCount
    this.#groups.set(line, group)
    const follower = { count }
    group.followers.add(follower)
    return {
      claim: () => group.claim(follower),
      close: () => {
        group.followers.delete(follower)
        if (group.followers.size === 0 && this.#groups.get(line) === group) this.#groups.delete(line)
      },
    }
  }

  /** Costs about a millisecond, which is why the processes of one cgroup share what was found. */
  #find(pid: number, line: string): KillCount | undefined {
    const { places, warnings } = readHeadroom({ root: this.#root, pid })
    const place = places.find(({ controller }) => controller === 'memory')
    // It may have been moved between the two readings; or only an ancestor of its cgroup can be seen.
    if (place === undefined || !line.endsWith(`:${place.cgroupPath}`)) return undefined
    const below = `${place.directory}/`.replace('//', '/')
    if (warnings.some(({ code, path }) => code === 'cgroup-missing' && path.startsWith(below))) return undefined
    for (const file of filesThatCount(place)) {
      const group = new KillCount(path.join(this.#root, file))
      if (group.read() !== null) return group
    }
    return undefined
  }
}

/** Where it is counted, the best file first. */
function* filesThatCount({ version, directory, mountPoint }: CgroupPlace): Generator<string> {
  if (version === 1) {
    yield path.join(directory, 'memory.oom_control')
    return
  }
  // Where the controller is not handed down as far, the nearest ancestor that has it is charged.
  for (let level = directory; ; level = path.dirname(level)) {
    yield path.join(level, 'memory.events.local')
    yield path.join(level, 'memory.events')
    if (level === mountPoint || level === path.dirname(level)) return
  }
}

/** A cgroup's kills are numbered, as the kernel counts them, and each is claimed once. */
class KillCount {
  readonly followers = new Set<{ readonly count: number }>()
  readonly #file: string
  readonly #claimed = new Set<number>()

  constructor(file: string) {
    this.#file = file
  }

  /** Returns null when the file cannot be read or has no count. */
  read(): number | null {
    const [, count] = /^oom_kill (\d+)$/m.exec(readText(this.#file) ?? '') ?? []
    return count === undefined ? null : Number(count)
  }

  claim(follower: { readonly count: number }): boolean {
    if (!this.followers.has(follower)) return false
    const last = this.read() ?? 0
    let kill = follower.count + 1
    while (this.#claimed.has(kill)) kill++
    if (kill > last) return false
    this.#claimed.add(kill)
    this.#removeOldKills()
    return true
  }

  /** Removes kills from before all processes that are still followed. */
  #removeOldKills(): void {
    let oldest = Number.POSITIVE_INFINITY
    for (const { count } of this.followers) oldest = Math.min(oldest, count)
    for (const kill of this.#claimed) if (kill <= oldest) this.#claimed.delete(kill)
  }
}

const unknownCount: FollowedProcess = Object.freeze({ claim: () => false, close() {} })

/** `hierarchy:controllers:path` of the v1 hierarchy with the memory controller, or of v2 where no v1 one has it. */
function memoryLine(membership: string): string | null {
  const lines = membership.split('\n')
  const v1 = lines.find((line) => line.split(':', 2)[1]?.split(',').includes('memory'))
  return v1 ?? lines.find((line) => line.startsWith('0::')) ?? null
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    mustBeSystemError(error)
    return null
  }
}
