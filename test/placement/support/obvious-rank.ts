// Reference implementation of ranking: each worker is a plain object, each filter and term evaluates it alone, and the
// candidates are sorted. Slow, and easy to check against docs/placement.md.

import type { ReservedTotals } from '../../../src/placement/fit/reserved-totals.js'
import { meets, type ResolvedRequirement } from '../../../src/placement/request/label-requirement.js'
import type { ResolvedRequest } from '../../../src/placement/request/placement-request.js'
import { allocationPresets } from '../../../src/placement/score/allocation.js'
import { defaultScoreWeights, type ScoreTerm } from '../../../src/placement/score/terms.js'
import type { WorkerProfile, WorkerRow } from '../../../src/views/snapshot/worker-row.js'
import type { ZoneRow } from '../../../src/views/snapshot/zone-row.js'
import type { ObviousFleet } from './obvious-fleet.js'

export interface ObviousOptions {
  readonly nowMs: number
  readonly turn?: number
  readonly reserved?: ReservedTotals
  readonly refuseProbation?: boolean
}

export interface ObviousCandidate {
  readonly workerId: string
  readonly score: number
  readonly scores: Readonly<Partial<Record<ScoreTerm, number>>>
}

export interface ObviousRanking {
  readonly candidates: readonly ObviousCandidate[]
  readonly refused: readonly { readonly workerId: string; readonly reasons: readonly string[] }[]
}

/** Zones and their free resources. */
interface Room {
  readonly row: ZoneRow
  readonly cpus: number
  readonly freeCpus: number
  readonly bytes: number
  readonly freeBytes: number
}

interface Fit {
  readonly reason?: string
  readonly numaFit: number
  readonly allocation: number
}

export function obviousRank(
  fleet: ObviousFleet,
  rows: readonly WorkerRow[],
  request: ResolvedRequest,
  options: ObviousOptions,
): ObviousRanking {
  const candidates: ObviousCandidate[] = []
  const refused: { workerId: string; reasons: string[] }[] = []
  for (const row of rows) {
    const fit = fitOf(fleet, row, request, options)
    const reasons = refusals(fleet, row, request, options, fit)
    if (reasons.length > 0) refused.push({ workerId: row.workerId, reasons })
    else candidates.push(score(fleet, row, request, options, fit))
  }
  candidates.sort((a, b) => b.score - a.score)
  return { candidates: takeTurns(candidates, options.turn ?? 0), refused }
}

/** Candidates of equal score take turns in the first place. */
function takeTurns(candidates: readonly ObviousCandidate[], turn: number): ObviousCandidate[] {
  const groups: ObviousCandidate[][] = []
  for (const candidate of candidates) {
    const last = groups.at(-1)
    if (last?.[0]?.score === candidate.score) last.push(candidate)
    else groups.push([candidate])
  }
  return groups.flatMap((group) => [...group.slice(turn % group.length), ...group.slice(0, turn % group.length)])
}

function refusals(
  fleet: ObviousFleet,
  { workerId, load, profile, headroom }: WorkerRow,
  request: ResolvedRequest,
  { nowMs, reserved, refuseProbation }: ObviousOptions,
  fit: Fit,
): string[] {
  const reasons: string[] = []
  const refuse = (reason: string, holds: boolean): void => {
    if (holds && !reasons.includes(reason)) reasons.push(reason)
  }
  const { capabilities, tags, labels, taints, queues } = profile ?? bare
  const zone = `${load.bootId}/${load.numaNode}`
  const intent = (kind: string, target: string) => {
    const found = fleet.intents.get(`${kind} ${target}`)
    return found !== undefined && found.expiresMs > nowMs ? found : undefined
  }
  const taken = takenAt(reserved, workerId, load.incarnation)

  refuse('no-capability', request.capability !== null && !capabilities.includes(request.capability))
  refuse('tag-mismatch', !request.tags.every((tag) => hasTag(tags, tag)))
  const meetsAll = request.required.every((requirement) => meets(labels, requirement))
  refuse('selector-mismatch', !meetsAll || request.forbidden.some((requirement) => meets(labels, requirement)))
  refuse(
    'taint',
    taints.some((taint) => taint.effect !== 'prefer-no-schedule' && !toleratedBy(request, taint)),
  )
  const takesFrom =
    request.queue === null || (profile !== null && queues.length === 0) || queues.includes(request.queue)
  refuse('queue-mismatch', !takesFrom)
  refuse('no-profile', profile === null)
  refuse('not-alive', load.liveliness !== 'alive')
  refuse('unhealthy', load.condition === 'unhealthy')
  refuse('on-probation', refuseProbation === true && (load.reliableFromMs ?? 0) > nowMs)
  refuse('draining', load.condition === 'draining' || intent('drain', workerId) !== undefined)
  refuse('paused', intent('pause-node', zone) !== undefined || intent('pause-node', 'all') !== undefined)
  refuse(
    'cordoned',
    ['all', zone, workerId].some((scope) => isCordoned(fleet, scope)),
  )

  const ownLimit = Math.min(load.concurrency, limitOf(fleet, workerId))
  const zoneLimit = Math.min(
    limitOf(fleet, 'all'),
    limitOf(fleet, zone),
    intent('rebalance', 'all')?.maxInFlight ?? Infinity,
    intent('rebalance', zone)?.maxInFlight ?? Infinity,
  )
  const inFlight = load.inFlight + taken.jobs
  const isCounted = profile?.admission.kind !== 'reactive'
  const throttle = request.queue === null ? undefined : intent('throttle-queue', request.queue)?.maxInFlight
  const ofQueue = load.inFlightByQueue === null ? load.inFlight : (load.inFlightByQueue[request.queue ?? ''] ?? 0)
  const isThrottled = isCounted && inFlight < ownLimit && inFlight >= zoneLimit
  refuse('throttled', isThrottled || (typeof throttle === 'number' && ofQueue + taken.jobs >= throttle))
  const isPlain = load.condition === 'available' || load.condition === 'busy'
  refuse('admission-closed', isPlain && !load.admissionOpen && load.inFlight < load.concurrency)

  const vram = profile?.admission.kind === 'vram-budget' ? profile.admission.vramBudgetBytes : undefined
  const vramNeed = request.vramBytes
  const isOverVram = vram !== undefined && vramNeed !== null && vramNeed > vram
  const isVramUsed = vram !== undefined && vramNeed !== null && load.vramUsedBytes + taken.vramBytes + vramNeed > vram
  refuse('saturated', (isCounted && inFlight >= ownLimit) || (isVramUsed && !isOverVram))
  refuse('missing-vram-hint', vram !== undefined && vramNeed === null)

  const quota = headroom?.cpuQuotaCores ?? Infinity
  const isOverOwn = request.cpus > quota || request.memoryBytes > (headroom?.memoryLimitBytes ?? Infinity)
  const ownCpus = Math.max(0, Math.max(0, quota - (headroom?.cpuUsedCores ?? 0)) - taken.cpus)
  const ownBytes = Math.max(0, (headroom?.memoryHeadroomBytes ?? Infinity) - taken.memoryBytes)
  refuse('too-large', isOverVram || isOverOwn || fit.reason === 'too-large')
  const lacksOwn = !isOverOwn && (request.cpus > ownCpus || request.memoryBytes > ownBytes)
  refuse('no-headroom', lacksOwn || fit.reason === 'no-headroom')
  refuse('headroom-unknown', fit.reason === 'headroom-unknown')
  return reasons
}

function score(
  fleet: ObviousFleet,
  { workerId, load, profile, headroom }: WorkerRow,
  request: ResolvedRequest,
  { nowMs, reserved }: ObviousOptions,
  fit: Fit,
): ObviousCandidate {
  const { labels, taints, residents, shards, admission } = profile ?? bare
  const taken = takenAt(reserved, workerId, load.incarnation)
  const zone = fleet.zones.get(`${load.bootId}/${load.numaNode}`)
  const scores: Partial<Record<ScoreTerm, number>> = {}

  const limit = Math.min(load.concurrency, limitOf(fleet, workerId))
  if (admission.kind === 'reactive') {
    scores.load = 1 - (load.capacityScore !== null ? 1 - load.capacityScore : (headroom?.eventLoopUtilization ?? 0.5))
  } else if (admission.kind === 'vram-budget') {
    scores.load = 1 - Math.min(1, (load.vramUsedBytes + taken.vramBytes) / admission.vramBudgetBytes)
  } else scores.load = 1 - Math.min(1, (load.inFlight + taken.jobs) / limit)

  scores.numaFit = fit.numaFit
  const pressures = [
    headroom?.cpuPressurePercent,
    headroom?.memoryPressurePercent,
    zone?.cpuPressurePercent,
    zone?.memoryPressurePercent,
  ].filter((pressure) => pressure !== null && pressure !== undefined)
  scores.pressure = pressures.length === 0 ? 0.5 : 1 - Math.max(...pressures) / 100
  if (request.residents.length > 0) {
    scores.residency = request.residents.filter((one) => residents.includes(one)).length / request.residents.length
  }
  if (request.preferred.length > 0) {
    const weigh = (some: typeof request.preferred): number => some.reduce((sum, { weight }) => sum + weight, 0)
    scores.preferredLabels = weigh(request.preferred.filter((one) => meets(labels, one))) / weigh(request.preferred)
  }
  if (request.shard !== null) {
    const wanted = fleet.intents.get(`prefer-shard ${workerId}`)
    const isWanted = wanted !== undefined && wanted.expiresMs > nowMs && wanted.shards.includes(request.shard)
    scores.shard = shards.includes(request.shard) || isWanted ? 1 : 0
  }
  if (request.strategy !== 'random') scores.allocation = fit.allocation
  const ageMs = nowMs - load.observedMs
  scores.staleness = ageMs <= 3_000 ? 1 : ageMs >= 30_000 ? 0 : 1 - (ageMs - 3_000) / 27_000
  scores.probation = (load.reliableFromMs ?? 0) > nowMs ? 0 : 1
  const disliked = taints.filter((taint) => taint.effect === 'prefer-no-schedule' && !toleratedBy(request, taint))
  scores.taints = 1 / (1 + disliked.length)

  let sum = 0
  let weights = 0
  for (const [term, value] of Object.entries(scores)) {
    const weight = defaultScoreWeights[term as ScoreTerm]
    sum += weight * value
    weights += weight
  }
  return { workerId, score: Math.round((sum / weights) * 10_000) / 10_000, scores }
}

function fitOf(
  fleet: ObviousFleet,
  { load, profile }: WorkerRow,
  request: ResolvedRequest,
  { reserved, turn = 0 }: ObviousOptions,
): Fit {
  const rooms = [...fleet.zones.values()]
    .filter(({ bootId }) => bootId === load.bootId)
    .map((row) => roomOf(row, reserved))
  const home = rooms.find(({ row }) => row.numaNode === load.numaNode)
  const { cpus, memoryBytes: bytes } = request
  if (home === undefined || (cpus > 0 && home.row.cpuHeadroomCores === null)) {
    if (cpus > 0 || bytes > 0) return { reason: 'headroom-unknown', numaFit: 0, allocation: 0 }
    return { numaFit: 0.5, allocation: 0.5 }
  }
  if (cpus <= home.cpus && bytes <= home.bytes && cpus <= home.freeCpus && bytes <= home.freeBytes) {
    return fitted(home, [{ room: home, cpus, bytes }], request)
  }
  if (request.numa === 'single' || profile?.numaBound === true) {
    const isTooLarge = cpus > home.cpus || bytes > home.bytes
    return { reason: isTooLarge ? 'too-large' : 'no-headroom', numaFit: 0, allocation: 0 }
  }
  const sum = (of: (room: Room) => number): number => rooms.reduce((total, room) => total + of(room), 0)
  if (cpus > sum((room) => room.cpus) || bytes > sum((room) => room.bytes)) {
    return { reason: 'too-large', numaFit: 0, allocation: 0 }
  }
  const distance = (to: Room): number => home.row.distances?.[String(to.row.numaNode)] ?? 20
  const place = ({ row }: Room): number => (row.numaNode + rooms.length * 1_000 - (turn % rooms.length)) % rooms.length
  const others = rooms.filter((room) => room !== home)
  others.sort(
    (a, b) => distance(a) - distance(b) || b.freeCpus - a.freeCpus || b.freeBytes - a.freeBytes || place(a) - place(b),
  )
  const shares: { room: Room; cpus: number; bytes: number }[] = []
  let needCpus = cpus
  let needBytes = bytes
  for (const room of [home, ...others]) {
    if (needCpus <= 0 && needBytes <= 0) break
    const share = { room, cpus: Math.min(needCpus, room.freeCpus), bytes: Math.min(needBytes, room.freeBytes) }
    needCpus -= share.cpus
    needBytes -= share.bytes
    if (share.cpus > 0 || share.bytes > 0) shares.push(share)
  }
  if (needCpus > 0 || needBytes > 0) return { reason: 'no-headroom', numaFit: 0, allocation: 0 }
  return fitted(home, shares, request)
}

function fitted(
  home: Room,
  shares: readonly { room: Room; cpus: number; bytes: number }[],
  request: ResolvedRequest,
): Fit {
  const distance = (to: Room): number =>
    to.row.numaNode === home.row.numaNode ? 10 : (home.row.distances?.[String(to.row.numaNode)] ?? 20)
  const formula = allocationPresets[request.strategy === 'pack' ? 'nomadBinpack' : 'kubernetesLeastAllocated']
  const closeness = 10 / (shares.reduce((sum, { room }) => sum + distance(room), 0) / shares.length)
  const left = shares.map(({ room, cpus, bytes }) =>
    Math.min(room.cpus > 0 ? (room.freeCpus - cpus) / room.cpus : 1, (room.freeBytes - bytes) / room.bytes, 1),
  )
  const preference = request.numa === 'prefer-single' && shares.length > 1 ? 0.5 : 1
  const allocations = shares.map(({ room, cpus, bytes }) =>
    formula(
      { capacity: room.cpus, used: room.cpus - room.freeCpus + cpus },
      { capacity: room.bytes, used: room.bytes - room.freeBytes + bytes },
    ),
  )
  return {
    numaFit: (closeness * preference * (1 + Math.max(0, Math.min(...left)))) / 2,
    allocation: Math.max(0, Math.min(1, ...allocations)),
  }
}

function roomOf(row: ZoneRow, reserved: ReservedTotals | undefined): Room {
  const taken = reserved?.zones.get(`${row.bootId}/${row.numaNode}`)
  const freeBytes = Math.min(row.memoryAvailableBytes, row.memoryHeadroomBytes ?? Infinity)
  return {
    row,
    cpus: row.cpuHeadroomCores === null ? 0 : Math.min(row.cpus, row.cpuQuotaCores ?? Infinity),
    freeCpus: Math.max(0, (row.cpuHeadroomCores ?? 0) - (taken?.cpus ?? 0)),
    bytes: Math.min(row.memoryTotalBytes, row.memoryLimitBytes ?? Infinity),
    freeBytes: Math.max(0, freeBytes - (taken?.memoryBytes ?? 0)),
  }
}

function takenAt(reserved: ReservedTotals | undefined, workerId: string, incarnation: number) {
  const taken = reserved?.workers.get(workerId)?.find((sum) => sum.incarnation === incarnation)
  return taken ?? { jobs: 0, cpus: 0, memoryBytes: 0, vramBytes: 0 }
}

function hasTag(tags: readonly string[], wanted: string): boolean {
  return wanted.endsWith('=*') ? tags.some((tag) => tag.startsWith(wanted.slice(0, -1))) : tags.includes(wanted)
}

function toleratedBy({ tolerations }: ResolvedRequest, taint: { key: string; value: string; effect: string }): boolean {
  return tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === undefined || key === taint.key) &&
      (operator === 'Exists' || value === taint.value),
  )
}

function isCordoned(fleet: ObviousFleet, scope: string): boolean {
  const config = fleet.configs.get(`maintenance-mode ${scope}`)
  return config?.kind === 'maintenance-mode' && config.enabled
}

function limitOf(fleet: ObviousFleet, scope: string): number {
  const config = fleet.configs.get(`concurrency-limit ${scope}`)
  return config?.kind === 'concurrency-limit' ? config.maxInFlight : Infinity
}

const bare: WorkerProfile = {
  incarnation: 0,
  capabilities: [],
  tags: [],
  labels: {},
  taints: [],
  queues: [],
  admission: { kind: 'fixed' },
  residents: [],
  shards: [],
  numaBound: false,
}

export type { ResolvedRequirement }
