import { readFileSync } from 'node:fs'

/** What a process has used since `start()`, and what it holds. */
export interface Usage {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Memory of its own, after a garbage collection: neither shared libraries nor what is about to be freed. */
  readonly ownBytes: number
}

export class UsageMeter {
  #startMs = performance.now()
  #cpu = process.cpuUsage()

  start(): void {
    this.#startMs = performance.now()
    this.#cpu = process.cpuUsage()
  }

  read(): Usage {
    const { user, system } = process.cpuUsage(this.#cpu)
    const seconds = (performance.now() - this.#startMs) / 1_000
    globalThis.gc?.()
    return { seconds, cpuSeconds: (user + system) / 1e6, ownBytes: anonymousBytes() }
  }
}

/** proc_pid_smaps_rollup(5), Linux 4.14. */
function anonymousBytes(): number {
  const [, kilobytes] = /^Anonymous:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error('/proc/self/smaps_rollup has no line "Anonymous"')
  return Number(kilobytes) * 1024
}
