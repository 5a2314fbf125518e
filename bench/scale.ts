// Measures whether the cost of a worker depends on the number of others: a plane of 10, 100 and 1,000 workers on this host.
import type { BenchOptions, BenchRatio, BenchResult, BenchRow } from './harness.js'
import { type FleetUsage, measureAtRest } from './scale/rest.js'

/** Limit of the ratio to the cost per worker at 10 workers. */
const flatGoal = 1.25
/** Datagrams per second that may reach a participant without part in the fleet, because groups share ports. */
const bystanderGoal = 1

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const sizes = quick ? [10, 50] : [10, 100, 1_000]
  const fleets: { readonly workers: number; readonly usage: FleetUsage }[] = []
  for (const workers of sizes) {
    const usage = await measureAtRest(workers, quick ? 5 : 30, quick ? 2 : 15)
    fleets.push({ workers, usage })
  }
  return { rows: fleets.flatMap(({ workers, usage }) => rowsOf(workers, usage)), ratios: ratiosOf(fleets), skipped: [] }
}

function rowsOf(workers: number, { plane, bystander, ...usage }: FleetUsage): BenchRow[] {
  const row = (name: string, unit: string, median: number): BenchRow => ({
    name: `${workers} workers: ${name}`,
    unit,
    median,
    runs: 1,
  })
  return [
    row('CPU per worker', '% of a core', usage.workerCpuPercent),
    row('live memory per worker', 'KiB', usage.workerBytes / 1024),
    row('its share of a process of ten', 'KiB', usage.workerOwnBytes / 1024),
    row("a collector's CPU per worker of its zone", '% of a core', usage.collectorCpuPercent),
    row('a reader of the plane: CPU', '% of a core', (100 * plane.cpuSeconds) / plane.seconds),
    row('a reader of the plane: datagrams', 'per second and worker', plane.wanted / plane.seconds / workers),
    row('a bystander: datagrams of its partition', 'per second', bystander.wanted / bystander.seconds),
    row('a bystander: datagrams of others', 'per second', bystander.unwanted / bystander.seconds),
  ]
}

function ratiosOf(fleets: readonly { readonly workers: number; readonly usage: FleetUsage }[]): BenchRatio[] {
  const [least] = fleets
  const most = fleets.at(-1)
  if (least === undefined || most === undefined) return []
  const flat = (what: string, figure: (usage: FleetUsage, workers: number) => number): BenchRatio => {
    const value = figure(most.usage, most.workers) / figure(least.usage, least.workers)
    const name = `${what}, ${most.workers} / ${least.workers} workers`
    return { name, value, goal: flatGoal, met: value <= flatGoal }
  }
  const strange = most.usage.bystander.unwanted / most.usage.bystander.seconds
  return [
    flat('CPU per worker', ({ workerCpuPercent }) => workerCpuPercent),
    flat('live memory per worker', ({ workerBytes }) => workerBytes),
    flat("a collector's CPU per worker", ({ collectorCpuPercent }) => collectorCpuPercent),
    flat("a plane reader's CPU per worker", ({ plane }, workers) => plane.cpuSeconds / plane.seconds / workers),
    flat("a plane reader's datagrams per worker", ({ plane }, workers) => plane.wanted / plane.seconds / workers),
    {
      name: `a bystander's datagrams of others per second, ${most.workers} workers`,
      value: strange,
      goal: bystanderGoal,
      met: strange <= bystanderGoal,
    },
  ]
}
