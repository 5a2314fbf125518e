import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessUsage } from '../../src/testing/processes/process-usage.js'
import { BenchFleet, processWorkers } from './fleet.js'
import type { ReceivedLoad } from './observer.js'

export interface FleetUsage {
  /** Per worker. */
  readonly workerCpuPercent: number
  /** Live objects and buffers of a process of ten workers, less those of an empty one; per worker. */
  readonly workerBytes: number
  /** All memory of such a process, per worker. */
  readonly workerOwnBytes: number
  /** Of a collector, per worker of its zone. */
  readonly collectorCpuPercent: number
  readonly plane: ReceivedLoad
  readonly bystander: ReceivedLoad
}

/** Runs a whole plane of `workers` on this host and measures it at rest: joined, known, and idle. */
export async function measureAtRest(workers: number, seconds: number, settleSeconds: number): Promise<FleetUsage> {
  const fleet = await BenchFleet.claim()
  try {
    const empty = await fleet.emptyPart()
    const plane = await fleet.observer('plane')
    const bystander = await fleet.observer('bystander')
    await fleet.open(workers)
    await fleet.allAlive(plane)
    await delay(settleSeconds * 1_000)

    const { parts, collectors } = fleet
    const ms = seconds * 1_000
    await Promise.all([plane, bystander].map((actor) => actor.call('begin', undefined)))
    const [partUsages, collectorUsages, emptyUsage] = await Promise.all([
      Promise.all(parts.map((part) => part.measure(ms))),
      Promise.all(collectors.map((collector) => collector.measure(ms))),
      empty.measure(ms),
    ])
    const planeLoad = await plane.call('end', undefined)
    const bystanderLoad = await bystander.call('end', undefined)
    return {
      workerCpuPercent: cpuPercent(partUsages) / processWorkers,
      workerBytes: (mean(partUsages.map(({ liveBytes }) => liveBytes)) - emptyUsage.liveBytes) / processWorkers,
      workerOwnBytes: mean(partUsages.map(({ ownBytes }) => ownBytes)) / processWorkers,
      collectorCpuPercent: (cpuPercent(collectorUsages) * collectors.length) / fleet.workers,
      plane: planeLoad,
      bystander: bystanderLoad,
    }
  } finally {
    await fleet.close()
  }
}

/** Of one core, on average over the processes. */
function cpuPercent(usages: readonly ProcessUsage[]): number {
  return mean(usages.map(({ cpuSeconds, seconds }) => (100 * cpuSeconds) / seconds))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
