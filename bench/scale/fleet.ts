import { setTimeout as delay } from 'node:timers/promises'
import { lockDomain } from '../../test/support/domain-lock.js'
import { Actor } from '../actors/actor.js'
import type { CollectorsCalls } from './collectors.js'
import type { Hearing, ObserverCalls } from './observer.js'
import type { Usage } from './usage.js'
import type { WorkersCalls } from './workers.js'

/** Workers of a zone, as of a NUMA node; also those that share a process, to fit a thousand into one machine. */
export const zoneWorkers = 10
/** Collectors that share a process. */
const zonesTogether = 10
const startingAtOnce = 8
const patienceMs = 180_000

export interface FleetUsage {
  /** Per worker. */
  readonly workerCpuPercent: number
  /** Live objects and buffers of a process of ten workers, less those of an empty one; per worker. */
  readonly workerBytes: number
  /** All memory of such a process, per worker. */
  readonly workerOwnBytes: number
  /** Of a collector, per worker of its zone. */
  readonly collectorCpuPercent: number
  readonly plane: Hearing
  readonly bystander: Hearing
}

/** Runs a whole plane of `workers` on this host and measures it at rest: joined, known, and with nothing to do. */
export async function measureFleet(workers: number, seconds: number, settleSeconds: number): Promise<FleetUsage> {
  const { domain, release } = await lockDomain()
  const open: Actor<never>[] = []
  const start = async <C extends Record<keyof C, (argument: never) => unknown>>(
    file: string,
    ...args: (number | string)[]
  ): Promise<Actor<C>> => {
    const actor = await Actor.start<C>(`../scale/${file}`, [String(domain), ...args.map(String)], {
      execArgv: ['--expose-gc'],
    })
    open.push(actor as unknown as Actor<never>)
    return actor
  }
  try {
    const zones = Math.ceil(workers / zoneWorkers)
    const empty = await start<WorkersCalls>('workers.js', 0, 0, 0)
    const plane = await start<ObserverCalls>('observer.js', 'plane')
    const bystander = await start<ObserverCalls>('observer.js', 'bystander')
    const collectors: Actor<CollectorsCalls>[] = []
    for (let zone = 0; zone < zones; zone += zonesTogether) {
      collectors.push(await start<CollectorsCalls>('collectors.js', zone, Math.min(zonesTogether, zones - zone)))
    }
    await Promise.all(collectors.map((actor) => actor.call('open', undefined)))
    const parts: Actor<WorkersCalls>[] = []
    for (let zone = 0; zone < zones; zone += startingAtOnce) {
      const batch = Array.from({ length: Math.min(startingAtOnce, zones - zone) }, (_, index) => zone + index)
      const started = await Promise.all(
        batch.map(async (one) => {
          const actor = await start<WorkersCalls>('workers.js', one, one * zoneWorkers, zoneWorkers)
          await actor.call('open', undefined)
          return actor
        }),
      )
      parts.push(...started)
    }
    await until(`${zones * zoneWorkers} workers are known`, async () => {
      return (await plane.call('alive', undefined)) === zones * zoneWorkers
    })
    await delay(settleSeconds * 1_000)

    await Promise.all([
      ...parts.map((actor) => actor.call('begin', undefined)),
      ...collectors.map((actor) => actor.call('begin', undefined)),
      ...[plane, bystander].map((actor) => actor.call('begin', undefined)),
    ])
    await delay(seconds * 1_000)
    const [partUsages, collectorUsages, planeHearing, bystanderHearing, emptyUsage] = await Promise.all([
      Promise.all(parts.map((actor) => actor.call('end', undefined))),
      Promise.all(collectors.map((actor) => actor.call('end', undefined))),
      plane.call('end', undefined),
      bystander.call('end', undefined),
      empty.call('end', undefined),
    ])
    return {
      workerCpuPercent: cpuPercent(partUsages) / zoneWorkers,
      workerBytes: (mean(partUsages.map(({ liveBytes }) => liveBytes)) - emptyUsage.liveBytes) / zoneWorkers,
      workerOwnBytes: mean(partUsages.map(({ ownBytes }) => ownBytes)) / zoneWorkers,
      collectorCpuPercent: (cpuPercent(collectorUsages) * collectorUsages.length) / zones / zoneWorkers,
      plane: planeHearing,
      bystander: bystanderHearing,
    }
  } finally {
    await Promise.all(open.map((actor) => actor.close()))
    await release()
  }
}

/** Of one core, on average over the processes. */
function cpuPercent(usages: readonly Usage[]): number {
  return mean(usages.map(({ cpuSeconds, seconds }) => (100 * cpuSeconds) / seconds))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const givenUpMs = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > givenUpMs) throw new Error(`waited ${patienceMs} ms in vain: ${what}`)
    await delay(200)
  }
}
