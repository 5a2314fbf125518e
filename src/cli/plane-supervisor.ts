import type { PlaneLayout } from './plane-layout.js'
import { PlaneProcess, type ProcessPlan } from './plane-process.js'

/** Starts the processes of a plane, keeps its daemons running, and stops all in order. */
export class PlaneSupervisor {
  /** In the order of stopping. */
  readonly #stages: readonly (readonly PlaneProcess[])[]

  constructor(layout: PlaneLayout, note: (text: string) => void) {
    const processes = (plans: readonly ProcessPlan[]): PlaneProcess[] =>
      plans.map((plan) => new PlaneProcess(plan, note))
    this.#stages = [processes(layout.workers), processes(layout.schedulers), processes(layout.collectors)]
  }

  /** All at the same time, in no order: a plane converges whoever comes first. */
  start(): void {
    for (const stage of this.#stages) for (const process of stage) process.start()
  }

  /**
   * Resolves when every process is ready.
   * @throws NumacastError NUMACAST_UNAVAILABLE when one ends before
   */
  async ready(): Promise<void> {
    await Promise.all(this.#stages.flat().map((process) => process.ready))
  }

  /** Workers first, then the scheduler, then the collectors. True when none had to be killed. */
  async drain(): Promise<boolean> {
    let inOrder = true
    for (const stage of this.#stages) {
      const stopped = await Promise.all(stage.map((process) => process.stop()))
      inOrder &&= stopped.every(Boolean)
    }
    return inOrder
  }

  /** For the way out: synchronous, so that it also works while the process exits. */
  kill(): void {
    for (const process of this.#stages.flat()) process.kill()
  }
}
