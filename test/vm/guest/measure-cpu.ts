import { setTimeout as sleep } from 'node:timers/promises'
import { readHeadroom } from '../../../src/topology/cgroup/headroom.js'
import type { CpuMeasurement } from '../protocol.js'
import type { ControlGroups } from './control-groups.js'
import { cpuTimeNs } from './process-facts.js'
import { Subject } from './subject.js'

interface CpuCase {
  readonly title: string
  readonly outerCpus: number | null
  readonly leafCpus: number | null
  readonly periodUs?: number
  readonly cpuset?: string
  /** Bit mask, in hex, for `taskset`. */
  readonly affinity?: string
  readonly burners: number
  /** v1 refuses a child whose quota is above its parent's. */
  readonly v2Only?: boolean
}

const cases: readonly CpuCase[] = [
  { title: 'quota at the parent', outerCpus: 1.5, leafCpus: null, burners: 3 },
  { title: 'tighter quota at the child', outerCpus: 1.5, leafCpus: 0.5, burners: 2 },
  { title: 'looser quota at the child', outerCpus: 0.75, leafCpus: 2, periodUs: 50_000, burners: 3, v2Only: true },
  { title: 'cpuset of one CPU', outerCpus: null, leafCpus: null, cpuset: '3', burners: 2 },
  { title: 'affinity to two CPUs under a quota of three', outerCpus: 3, leafCpus: null, affinity: '9', burners: 4 },
]

const settleMs = 400
const measureMs = 2_000

export async function measureCpu(groups: ControlGroups): Promise<readonly CpuMeasurement[]> {
  const measured: CpuMeasurement[] = []
  for (const each of cases) {
    if (each.v2Only !== true || groups.isV2('cpu')) measured.push(await measureCase(groups, each))
  }
  return measured
}

async function measureCase(groups: ControlGroups, each: CpuCase): Promise<CpuMeasurement> {
  const { title, outerCpus, leafCpus, periodUs, cpuset, affinity } = each
  const outer = groups.group('cpu-outer')
  const leaf = groups.group('cpu-outer/leaf')
  outer.limitCpu(outerCpus, periodUs)
  leaf.limitCpu(leafCpus, periodUs)
  if (cpuset !== undefined) leaf.restrict({ cpus: cpuset })
  const pinned = affinity === undefined ? [] : ['taskset', affinity]
  const burners = Array.from(
    { length: each.burners },
    () => new Subject(leaf, 'env', ...pinned, 'sh', '-c', 'while :; do :; done'),
  )
  try {
    await sleep(settleMs)
    const { layout, ancestorsVisible, cpu, warnings } = readHeadroom({ pid: burners[0]?.pid ?? 0 })
    const achievedCpus = await achieved(burners.map(({ pid }) => pid))
    const quotas = [outerCpus, leafCpus].filter((cpus) => cpus !== null)
    const expectedQuotaCpus = quotas.length === 0 ? null : Math.min(...quotas)
    return { title, reading: { layout, ancestorsVisible, cpu, warnings }, achievedCpus, expectedQuotaCpus }
  } finally {
    await Promise.all(burners.map((burner) => burner.kill()))
    await leaf.remove()
    await outer.remove()
  }
}

async function achieved(pids: readonly number[]): Promise<number> {
  const spentNs = (): number => pids.reduce((sum, pid) => sum + cpuTimeNs(pid), 0)
  const startedAt = process.hrtime.bigint()
  const spentBefore = spentNs()
  await sleep(measureMs)
  const spent = spentNs() - spentBefore
  return spent / Number(process.hrtime.bigint() - startedAt)
}
