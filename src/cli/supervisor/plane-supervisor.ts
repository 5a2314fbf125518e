import type { PlaneLayout } from './plane-layout.js'
import { PlaneProcess, type ProcessPlan } from './plane-process.js'

/** Starts the processes of a plane, keeps its daemons running, and stops all in order. */
export class PlaneSupervisor {
  /** In the order of stopping. */
  readonly #stages: readonly (readonly PlaneProcess[])[]
  readonly #displaced = new AbortController()
  #stopping = false

  constructor(layout: PlaneLayout, note: (text: string) => void) {
    const shown = new Set<string>()
    const noticeOnce = (text: string): void => {
      if (shown.has(text)) return
      shown.add(text)
      note(text)
    }
    const processes = (plans: readonly ProcessPlan[]): PlaneProcess[] =>
      plans.map((plan) => new PlaneProcess(plan, note, noticeOnce, (error) => this.#displaced.abort(error)))
    this.#stages = [processes(layout.workers), processes(layout.schedulers), processes(layout.collectors)]
  }

  /**
   * Aborts, by the error, when another plane turns out to serve this machine after all: each was too busy to
   * receive from the other when this plane started.
   */
  get displaced(): AbortSignal {
    return this.#displaced.signal
  }

  /**
   * Collectors and the scheduler first: that another plane serves this machine in the domain already is then found out
   * before a worker has claimed a name in it. Resolves when every process is ready, or when the plane is to stop.
   *
   * @throws NumacastError NUMACAST_UNAVAILABLE when one ends before it is ready
   */
  async start(): Promise<void> {
    const [workers = [], ...daemons] = this.#stages
    for (const processes of [daemons.flat(), workers]) {
      if (this.#stopping) return
      for (const process of processes) process.start()
      await Promise.all(processes.map((process) => process.ready))
    }
  }

  /** Workers first, then the scheduler, then the collectors. True when none had to be killed. */
  async drain(): Promise<boolean> {
    this.#stopping = true
    let inOrder = true
    for (const stage of this.#stages) {
      const stopped = await Promise.all(stage.map((process) => process.stop()))
      inOrder &&= stopped.every(Boolean)
    }
    return inOrder
  }

  /** Synchronous, so that it also works while this process exits. */
  kill(): void {
    this.#stopping = true
    for (const process of this.#stages.flat()) process.kill()
  }
}
