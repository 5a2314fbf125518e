// Measures what the default policies of a scheduler are worth under real memory pressure: workers in one cgroup whose
// limit all of them together can exceed, and more jobs than the memory allows at once, with and without policies.
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchOptions, BenchResult, BenchRow } from './harness.js'
import { MissingPeer } from './peers/server-process.js'
import { JobQueue } from './pressure/job-queue.js'
import { MemoryGroup } from './pressure/memory-group.js'
import type { JobShape } from './pressure/messages.js'
import { PressedFleet } from './pressure/pressed-fleet.js'

const mib = 2 ** 20

interface Load {
  readonly workers: number
  /** Jobs that a worker takes at once by itself: far more than the memory allows. */
  readonly concurrency: number
  readonly shape: JobShape
  /** Jobs per second rise from the first number to the second. */
  readonly rates: readonly [number, number]
  readonly seconds: number
}

const full: Load = {
  workers: 20,
  concurrency: 8,
  shape: { memoryBytes: 16 * mib, growMs: 8_000, holdMs: 8_000 },
  rates: [0.5, 8],
  seconds: 120,
}
const short: Load = {
  workers: 6,
  concurrency: 6,
  shape: { memoryBytes: 32 * mib, growMs: 4_000, holdMs: 2_000 },
  rates: [0.5, 8],
  seconds: 45,
}
/** The idle workers, with one job of each, take this share of the limit. */
const usedByOneEach = 0.75

interface Run {
  readonly completed: number
  readonly lost: number
  readonly oomKills: number
}

const variants = [
  { name: 'with default policies', scheduler: [] },
  { name: 'without policies', scheduler: ['--no-default-policies'] },
] as const

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const load = quick ? short : full
  const runs = new Map<string, Run>()
  let limitBytes: number | undefined
  try {
    for (const { name, scheduler } of variants) {
      const group = MemoryGroup.create(String(runs.size))
      try {
        const measured = await measure(group, scheduler, load, limitBytes)
        limitBytes = measured.limitBytes
        runs.set(name, measured)
      } finally {
        await group.remove()
      }
    }
  } catch (error) {
    if (!(error instanceof MissingPeer)) throw error
    return { rows: [], ratios: [], skipped: [{ peer: 'pressure', reason: error.message }] }
  }
  return report(runs)
}

async function measure(
  group: MemoryGroup,
  scheduler: readonly string[],
  { seconds, rates, ...load }: Load,
  knownLimitBytes: number | undefined,
): Promise<Run & { readonly limitBytes: number }> {
  const queue = new JobQueue()
  const fleet = await PressedFleet.start(group, queue, { ...load, scheduler })
  try {
    const limitBytes =
      knownLimitBytes ?? (group.anonymousBytes() + load.workers * load.shape.memoryBytes) / usedByOneEach
    group.limit(limitBytes)
    await arrivals(queue, rates, seconds)
    return { completed: queue.completed, lost: queue.lost, oomKills: group.oomKills(), limitBytes }
  } finally {
    await fleet.close()
  }
}

/** Lets jobs arrive at a rate that rises. */
async function arrivals(queue: JobQueue, [firstRate, lastRate]: Load['rates'], seconds: number): Promise<void> {
  const startMs = performance.now()
  let arrived = 0
  for (;;) {
    const elapsed = (performance.now() - startMs) / 1_000
    if (elapsed >= seconds) return
    const due = firstRate * elapsed + ((lastRate - firstRate) * elapsed ** 2) / (2 * seconds)
    for (; arrived < due; arrived++) queue.arrive()
    await delay(50)
  }
}

function report(runs: ReadonlyMap<string, Run>): BenchResult {
  const rows: BenchRow[] = []
  for (const [name, { completed, lost, oomKills }] of runs) {
    rows.push({ name: `jobs completed, ${name}`, unit: 'jobs', median: completed, runs: 1 })
    rows.push({ name: `jobs lost, ${name}`, unit: 'jobs', median: lost, runs: 1 })
    rows.push({ name: `OOM kills, ${name}`, unit: 'kills', median: oomKills, runs: 1 })
  }
  const [withPolicies, without] = variants.map(({ name }) => runs.get(name))
  const kills = withPolicies?.oomKills ?? Number.NaN
  const ratio = (withPolicies?.completed ?? Number.NaN) / (without?.completed ?? Number.NaN)
  return {
    rows,
    ratios: [
      { name: 'OOM kills with default policies', value: kills, goal: 0, met: kills === 0 },
      { name: 'jobs completed, with / without', value: ratio, goal: 1, met: ratio > 1 },
    ],
    skipped: [],
  }
}
