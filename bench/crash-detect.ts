// Measures how long after a worker's SIGKILL the scheduler knows, and how many live members are declared dead. Compares
// that with a membership protocol (Serf) and with keys that expire (Redis).
import type { Group } from './crash/group.js'
import { type Kill, measureKills } from './crash/kills.js'
import { openNumacastGroup } from './crash/numacast-group.js'
import { openSerfGroup } from './crash/serf-group.js'
import { measureStalls } from './crash/stall-load.js'
import { openTtlGroup } from './crash/ttl-group.js'
import { type BenchOptions, type BenchResult, type BenchRow, median, percentile, type SkippedPeer } from './harness.js'
import { MissingPeer } from './peers/server-process.js'

interface Contestant {
  readonly name: string
  readonly open: () => Promise<Group>
  /** Fewer kills for contenders that need seconds to notice. */
  readonly kills: number
  readonly atOnce: number
  /** Only killed: its reaction to stalls is measured by another contender. */
  readonly killsOnly?: boolean
}

const goalMs = 10
const contestants: readonly Contestant[] = [
  { name: 'numacast', open: () => openNumacastGroup(), kills: 100, atOnce: 20 },
  { name: 'numacast, 256 MB each', open: () => openNumacastGroup(256e6), kills: 30, atOnce: 3, killsOnly: true },
  { name: 'serf local', open: () => openSerfGroup('local'), kills: 10, atOnce: 5 },
  { name: 'serf lan', open: () => openSerfGroup('lan'), kills: 10, atOnce: 5 },
  { name: 'redis key, TTL 3 s', open: openTtlGroup, kills: 10, atOnce: 5 },
]
const stalledMembers = 5
const stallSeconds = 90

export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const rows: BenchRow[] = []
  const skipped: SkippedPeer[] = []
  const present: Contestant[] = []
  for (const contestant of contestants) {
    try {
      const kills = await withGroup(contestant, (group) =>
        measureKills(group, quick ? 3 : contestant.kills, contestant.atOnce),
      )
      rows.push(...killRows(contestant.name, kills))
      if (contestant.killsOnly !== true) present.push(contestant)
    } catch (error) {
      if (!(error instanceof MissingPeer)) throw error
      skipped.push({ peer: contestant.name, reason: error.message })
    }
  }
  // At the same time: they hardly use the CPU, and are measured in the same minute.
  const stalls = await Promise.all(
    present.map((contestant) =>
      withGroup(contestant, async (group) => {
        for (let count = 0; count < stalledMembers; count++) await group.add()
        return measureStalls(group, quick ? 12 : stallSeconds)
      }),
    ),
  )
  const falseRates = stalls.map(({ falseDeaths, nodeHours }) => falseDeaths / nodeHours)
  for (const [index, { name }] of present.entries()) {
    rows.push({
      name: `${name}: false deaths`,
      unit: 'per node-hour',
      median: falseRates[index] ?? Number.NaN,
      runs: 1,
    })
  }
  const [ours] = rows
  return {
    rows,
    ratios: [
      {
        name: 'numacast p99, ms',
        value: ours?.p99 ?? Number.NaN,
        goal: goalMs,
        met: (ours?.p99 ?? Infinity) <= goalMs,
      },
      { name: 'numacast false deaths', value: falseRates[0] ?? Number.NaN, goal: 0, met: falseRates[0] === 0 },
    ],
    skipped,
  }
}

async function withGroup<R>({ open }: Contestant, use: (group: Group) => Promise<R>): Promise<R> {
  const group = await open()
  try {
    return await use(group)
  } finally {
    await group.close()
  }
}

function killRows(name: string, kills: readonly Kill[]): BenchRow[] {
  const row = (title: string, figures: readonly number[]): BenchRow => ({
    name: title,
    unit: 'ms',
    median: median(figures),
    p99: percentile(figures, 0.99),
    runs: figures.length,
  })
  const known = row(
    `${name}: SIGKILL until it is known`,
    kills.map(({ detectedMs }) => detectedMs),
  )
  if (!name.startsWith('numacast')) return [known]
  const watched = kills.flatMap(({ watchedMs }) => watchedMs ?? [])
  return [
    known,
    row(
      `${name}, the kernel alone: until the parent is told`,
      kills.map(({ kernelMs }) => kernelMs),
    ),
    row(
      `${name}, less the kernel (below 0: known before)`,
      kills.map(({ detectedMs, kernelMs }) => detectedMs - kernelMs),
    ),
    ...(watched.length > 0 ? [row(`${name}, a watch alone: until watchProcess tells the killer`, watched)] : []),
  ]
}
