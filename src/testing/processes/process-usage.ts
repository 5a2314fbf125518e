import { readFileSync } from 'node:fs'

/** Resources that a process has used since the measurement began, and that it holds. */
export interface ProcessUsage {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Objects and buffers in use: the rest after garbage collections. */
  readonly liveBytes: number
  /** All private memory, including the reserves of V8 and malloc, which depend on their last cleanup. */
  readonly ownBytes: number
}

/** Measures the use of resources by this process. With `--expose-gc`, `liveBytes` does not depend on chance. */
export class UsageMeter {
  #startMs = performance.now()
  #cpu = process.cpuUsage()

  start(): void {
    this.#startMs = performance.now()
    this.#cpu = process.cpuUsage()
  }

  read(): ProcessUsage {
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
