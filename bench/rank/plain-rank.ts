// The same decision as a program makes it that keeps its workers in an array: every filter asked of every worker, every
// term computed for every candidate, then one sort. Intents, configuration, reservations and queues are left out, which
// is to its advantage: the bench's fleet has none.
import { meets } from '../../src/placement/request/label-requirement.js'
import type { ResolvedRequest } from '../../src/placement/request/placement-request.js'
import { isTolerated } from '../../src/placement/request/tolerations.js'
import { defaultScoreWeights } from '../../src/placement/score/terms.js'
import type { WorkerRow } from '../../src/views/snapshot/worker-row.js'
import { type ZoneRow, zoneCpus, zoneMemoryBytes, zoneMemoryFreeBytes } from '../../src/views/snapshot/zone-row.js'
import type { BenchFleet } from './fleet.js'

export interface PlainCandidate {
  readonly worker: WorkerRow
  readonly score: number
  readonly scores: Readonly<Record<string, number>>
}

export interface PlainRanking {
  readonly candidates: PlainCandidate[]
  readonly refused: { readonly worker: WorkerRow; readonly reasons: readonly string[] }[]
}

export function plainRank({ workers, zones }: BenchFleet, request: ResolvedRequest, nowMs: number): PlainRanking {
  const candidates: PlainCandidate[] = []
  const refused: { worker: WorkerRow; reasons: string[] }[] = []
  for (const worker of workers) {
    const zone = zones.get(`${worker.load.bootId}/${worker.load.numaNode}`)
    if (zone === undefined) continue
    const reasons = refusals(worker, zone, request)
    if (reasons.length > 0) refused.push({ worker, reasons })
    else candidates.push(scored(worker, zone, request, nowMs))
  }
  candidates.sort((a, b) => b.score - a.score)
  return { candidates, refused }
}

function refusals({ load, profile, headroom }: WorkerRow, zone: ZoneRow, request: ResolvedRequest): string[] {
  const reasons: string[] = []
  if (profile === null) return ['no-profile']
  if (request.capability !== null && !profile.capabilities.includes(request.capability)) reasons.push('no-capability')
  for (const tag of request.tags) {
    const isMatched = tag.endsWith('=*')
      ? profile.tags.some((one) => one.startsWith(tag.slice(0, -1)))
      : profile.tags.includes(tag)
    if (isMatched) continue
    reasons.push('tag-mismatch')
    break
  }
  if (
    request.required.some((requirement) => !meets(profile.labels, requirement)) ||
    request.forbidden.some((requirement) => meets(profile.labels, requirement))
  ) {
    reasons.push('selector-mismatch')
  }
  for (const taint of profile.taints) {
    if (taint.effect === 'prefer-no-schedule' || isTolerated(taint, request.tolerations)) continue
    reasons.push('taint')
    break
  }
  if (load.liveliness !== 'alive') reasons.push('not-alive')
  if (load.condition === 'unhealthy') reasons.push('unhealthy')
  if (load.condition === 'draining') reasons.push('draining')
  if (load.inFlight >= load.concurrency) reasons.push('saturated')
  const { cpus, memoryBytes } = request
  const quota = headroom?.cpuQuotaCores ?? Number.POSITIVE_INFINITY
  const limit = headroom?.memoryLimitBytes ?? Number.POSITIVE_INFINITY
  const isOver = cpus > quota || memoryBytes > limit || cpus > zoneCpus(zone) || memoryBytes > zoneMemoryBytes(zone)
  if (isOver) reasons.push('too-large')
  else {
    const freeCpus = Math.min(quota - (headroom?.cpuUsedCores ?? 0), zone.cpuHeadroomCores ?? 0)
    const freeBytes = Math.min(headroom?.memoryHeadroomBytes ?? Number.POSITIVE_INFINITY, zoneMemoryFreeBytes(zone))
    if (cpus > freeCpus || memoryBytes > freeBytes) reasons.push('no-headroom')
  }
  return reasons
}

function scored(worker: WorkerRow, zone: ZoneRow, request: ResolvedRequest, nowMs: number): PlainCandidate {
  const { load, profile, headroom } = worker
  const allCpus = zoneCpus(zone)
  const allBytes = zoneMemoryBytes(zone)
  const cpuLeft = ((zone.cpuHeadroomCores ?? 0) - request.cpus) / allCpus
  const memoryLeft = (zoneMemoryFreeBytes(zone) - request.memoryBytes) / allBytes
  const pressure = Math.max(
    zone.cpuPressurePercent ?? 0,
    zone.memoryPressurePercent ?? 0,
    headroom?.cpuPressurePercent ?? 0,
    headroom?.memoryPressurePercent ?? 0,
  )
  const ageMs = nowMs - load.observedMs
  const held = request.residents.filter((resident) => profile?.residents.includes(resident)).length
  const met = request.preferred.filter((requirement) => meets(profile?.labels ?? {}, requirement))
  const disliked = (profile?.taints ?? []).filter((taint) => !isTolerated(taint, request.tolerations)).length
  const weightOf = (some: typeof request.preferred): number => some.reduce((sum, { weight }) => sum + weight, 0)
  const scores = {
    load: 1 - load.inFlight / load.concurrency,
    numaFit: (1 + Math.min(1, Math.max(0, Math.min(cpuLeft, memoryLeft)))) / 2,
    pressure: 1 - pressure / 100,
    residency: held / request.residents.length,
    preferredLabels: weightOf(met) / weightOf(request.preferred),
    allocation: (cpuLeft + memoryLeft) / 2,
    staleness: ageMs <= 3_000 ? 1 : ageMs >= 30_000 ? 0 : 1 - (ageMs - 3_000) / 27_000,
    probation: (load.reliableFromMs ?? 0) > nowMs ? 0 : 1,
    taints: 1 / (1 + disliked),
  }
  let sum = 0
  let weights = 0
  for (const [term, score] of Object.entries(scores)) {
    const weight = defaultScoreWeights[term as keyof typeof scores]
    sum += weight * score
    weights += weight
  }
  return { worker, score: Math.round((sum / weights) * 10_000) / 10_000, scores }
}
