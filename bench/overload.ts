// Measures whether a plane survives a host without spare CPU. It joins while twice as many processes as there are CPUs use
// all the time they can get, and these end later.
import os from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { type BenchOptions, type BenchResult, median } from './harness.js'
import { BusyHost } from './scale/busy-host.js'
import { BenchFleet } from './scale/fleet.js'

const lookMs = 1_000

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const size = quick ? 50 : 1_000
  const overloadSeconds = quick ? 5 : 60
  const fleet = await BenchFleet.claim()
  const busy = new BusyHost(2 * os.availableParallelism())
  try {
    const plane = await fleet.observer('plane')
    await fleet.open(size)
    const { workers } = fleet
    const alive: number[] = []
    for (let second = 0; second < overloadSeconds; second++) {
      await delay(lookMs)
      alive.push(await plane.call('alive', undefined))
    }
    await busy.end()
    const endedMs = performance.now()
    await fleet.allAlive(plane)
    const recoverySeconds = (performance.now() - endedMs) / 1_000
    await delay(quick ? 2_000 : 20_000)
    const after = await plane.call('alive', undefined)
    const deaths = await plane.call('deaths', undefined)
    const row = (name: string, unit: string, value: number) => ({
      name: `${workers} workers: ${name}`,
      unit,
      median: value,
      runs: 1,
    })
    return {
      rows: [
        row('seen alive during the overload, median', '%', (100 * median(alive)) / workers),
        row('seen alive during the overload, least', '%', (100 * Math.min(...alive)) / workers),
        row('from its end until all are seen alive', 's', recoverySeconds),
      ],
      ratios: [
        { name: 'workers called dead', value: deaths, goal: 0, met: deaths === 0 },
        { name: 'seen alive 20 s after that, of all', value: after / workers, goal: 1, met: after === workers },
      ],
      skipped: [],
    }
  } finally {
    await busy.end()
    await fleet.close()
  }
}
