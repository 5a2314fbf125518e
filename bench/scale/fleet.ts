import { setTimeout as delay } from 'node:timers/promises'
import { lockDomain } from '../../test/support/domain-lock.js'
import { Actor } from '../actors/actor.js'
import type { CollectorCalls } from './collector.js'
import type { Hearing, ObserverCalls } from './observer.js'
import type { Usage } from './usage.js'
import type { WorkersCalls } from './workers.js'

/** Workers that share a process: a thousand processes would not fit. */
const processWorkers = 10
/** As many NUMA nodes as a large machine has. */
const maxZones = 8
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
    const processes = Math.ceil(workers / processWorkers)
    const zones = Math.min(maxZones, processes)
    const empty = await start<WorkersCalls>('workers.js', 0, 0, 0)
    const plane = await start<ObserverCalls>('observer.js', 'plane')
    const bystander = await start<ObserverCalls>('observer.js', 'bystander')
    const collectors: Actor<CollectorCalls>[] = []
    for (let zone = 0; zone < zones; zone++) collectors.push(await start<CollectorCalls>('collector.js', zone))
    await Promise.all(collectors.map((actor) => actor.call('open', undefined)))
    const parts: Actor<WorkersCalls>[] = []
    while (parts.length < processes) {
      const batch = Math.min(startingAtOnce, processes - parts.length)
      const started = Array.from({ length: batch }, async (_, index) => {
        const number = parts.length + index
        const actor = await start<WorkersCalls>('workers.js', number % zones, number * processWorkers, processWorkers)
        await actor.call('open', undefined)
        return actor
      })
      parts.push(...(await Promise.all(started)))
    }
    const joined = processes * processWorkers
    await until(`${joined} workers are known`, async () => (await plane.call('alive', undefined)) === joined)
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
      workerCpuPercent: cpuPercent(partUsages) / processWorkers,
      workerBytes: (mean(partUsages.map(({ liveBytes }) => liveBytes)) - emptyUsage.liveBytes) / processWorkers,
      workerOwnBytes: mean(partUsages.map(({ ownBytes }) => ownBytes)) / processWorkers,
      collectorCpuPercent: (cpuPercent(collectorUsages) * zones) / joined,
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
