import { readHeadroom } from '../../topology/cgroup/headroom.js'
import type { HeadroomSample } from '../../topology/cgroup/headroom-sample.js'
import { finite } from './finite.js'
import { StallAverage } from './stall-average.js'

/** Pressure stall information of a cgroup, `some`: over ten seconds, and over a minute. */
export interface PressureReading {
  readonly memoryPressurePercent: number | null
  readonly cpuPressurePercent: number | null
  readonly memoryPressureAvg60Percent: number | null
  readonly cpuPressureAvg60Percent: number | null
}

/** Turns the samples of this process's cgroup into pressure readings. */
export class PressureAverages {
  readonly #memory: StallAverage
  readonly #cpu: StallAverage

  constructor() {
    const { memory, cpu } = readHeadroom().pressure
    this.#memory = new StallAverage(memory?.some.avg60 ?? null)
    this.#cpu = new StallAverage(cpu?.some.avg60 ?? null)
  }

  read(sample: HeadroomSample): PressureReading {
    return {
      memoryPressurePercent: finite(sample.memorySomeAvg10),
      cpuPressurePercent: finite(sample.cpuSomeAvg10),
      memoryPressureAvg60Percent: this.#memory.add(sample.memorySomeTotalUs, sample.atUs),
      cpuPressureAvg60Percent: this.#cpu.add(sample.cpuSomeTotalUs, sample.atUs),
    }
  }
}
