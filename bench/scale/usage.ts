import { readFileSync } from 'node:fs'

/** Resources that a process has used since `start()`, and that it holds. */
export interface Usage {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Objects and buffers in use: the rest after garbage collections. */
  readonly liveBytes: number
  /** All private memory, including the reserves of V8 and malloc, which depend on their last cleanup. */
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
    // Twice: the second frees buffers that the first found unused.
    globalThis.gc?.()
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    return { seconds, cpuSeconds: (user + system) / 1e6, liveBytes: heapUsed + external, ownBytes: anonymousBytes() }
  }
}

/** proc_pid_smaps_rollup(5), Linux 4.14. */
function anonymousBytes(): number {
  const [, kilobytes] = /^Anonymous:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8')) ?? []
  if (kilobytes === undefined) throw new Error('/proc/self/smaps_rollup has no line "Anonymous"')
  return Number(kilobytes) * 1024
}
