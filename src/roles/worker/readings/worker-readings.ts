import { performance } from 'node:perf_hooks'
import type { WorkerCapacity } from '../../../plane/worker/worker-capacity.js'
import { openHeadroomSampler } from '../../../topology/cgroup/headroom-sampler.js'
import { finite } from '../../shared/finite.js'
import { PressureAverages } from '../../shared/pressure-averages.js'
import { Throttling } from './throttling.js'

export type WorkerReading = Omit<WorkerCapacity, 'workerId' | 'incarnation' | 'numaNode'>

/** What a worker can learn of its own process. Injected, so that a test decides what is read. */
export interface WorkerReadings {
  /** Returns the readings of the interval since the last call, or since the start. */
  read(): WorkerReading
  close(): void
}

/** This process's own: cgroup headroom by the addon, the rest by Node. */
export function openWorkerReadings(): WorkerReadings {
  const sampler = openHeadroomSampler()
  const pressure = new PressureAverages()
  const throttling = new Throttling()
  let loop = performance.eventLoopUtilization()
  let cpu = process.cpuUsage()
  let atMs = performance.now()
  return {
    read() {
      const nowMs = performance.now()
      const loopNow = performance.eventLoopUtilization()
      const cpuNow = process.cpuUsage()
      const usedMs = (cpuNow.user - cpu.user + cpuNow.system - cpu.system) / 1_000
      const headroom = sampler.sample()
      const reading: WorkerReading = {
        memoryResidentBytes: process.memoryUsage.rss(),
        memoryLimitBytes: finite(headroom.memoryLimitBytes),
        memoryHeadroomBytes: finite(headroom.safeHeadroomBytes),
        cpuUsedCores: nowMs > atMs ? usedMs / (nowMs - atMs) : 0,
        cpuQuotaCores: finite(headroom.quotaCpus),
        ...pressure.read(headroom),
        cpuThrottledPercent: throttling.read(headroom),
        eventLoopUtilization: clampShare(performance.eventLoopUtilization(loopNow, loop).utilization),
      }
      loop = loopNow
      cpu = cpuNow
      atMs = nowMs
      return reading
    },
    close: () => sampler.close(),
  }
}

function clampShare(share: number): number {
  return Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0
}
