import type { RefusalReason } from '../placement/filter/refusal.js'
import type { Candidate, Ranking, Refusal } from '../placement/rank/ranking.js'
import type { ZoneUse } from '../placement/rank/zone-verdicts.js'
import type { ResolvedRequest } from '../placement/request/placement-request.js'
import type { ScoreTerm } from '../placement/score/terms.js'
import type { WorkerRow } from '../views/snapshot/worker-row.js'

/** One worker of a ranking: a candidate with its place, or a refused worker with all reasons. */
export interface RankedWorker {
  readonly workerId: string
  readonly host: string
  readonly bootId: string
  readonly numaNode: number
  /** From 1; null if the worker is refused. */
  readonly place: number | null
  readonly score: number | null
  readonly scores: Readonly<Record<ScoreTerm, number | null>> | null
  readonly zones: readonly ZoneUse[] | null
  readonly mayStayMs: number | null
  /** Empty for a candidate. */
  readonly reasons: readonly RefusalReason[]
  /** When to look again; 0 for a candidate, null if waiting does not help. */
  readonly retryAfterMs: number | null
  /** Age of the worker's report, in milliseconds. */
  readonly ageMs: number
}

/** A ranking as plain data: what `numacast rank --json` prints. */
export interface RankingDocument {
  readonly domain: number
  readonly request: ResolvedRequest
  /** Workers that were ranked. */
  readonly workers: number
  /** How many of them fit. */
  readonly fitting: number
  readonly candidates: readonly RankedWorker[]
  /** How many workers are refused for each reason; a worker counts once for each of its reasons. */
  readonly refusedByReason: Readonly<Partial<Record<RefusalReason, number>>>
  /** 0 if a worker fits, null if waiting does not help. */
  readonly retryAfterMs: number | null
  /** What is decided about the worker that was asked for; null if none was. */
  readonly explained: RankedWorker | null
}

/** @param most candidates to list @param explained the worker to explain; the ranking must hold it */
export function rankingDocument(
  domain: number,
  ranking: Ranking,
  nowMs: number,
  { most, explained }: { readonly most: number; readonly explained: string | undefined },
): RankingDocument {
  const candidates: RankedWorker[] = []
  for (let place = 0; place < Math.min(most, ranking.size); place++) {
    const candidate = ranking.at(place)
    if (candidate !== undefined) candidates.push(rankedCandidate(candidate, place + 1, nowMs))
  }
  return {
    domain,
    request: ranking.request,
    workers: ranking.snapshot.size,
    fitting: ranking.size,
    candidates,
    refusedByReason: ranking.refusedByReason(),
    retryAfterMs: ranking.retryAfterMs,
    explained: explained === undefined ? null : explainedWorker(ranking, explained, nowMs),
  }
}

function explainedWorker(ranking: Ranking, workerId: string, nowMs: number): RankedWorker | null {
  const decided = ranking.explain(workerId)
  if (decided === undefined) return null
  if ('reasons' in decided) return refusedWorker(decided, nowMs)
  let place = 0
  for (const each of ranking.workerIds()) {
    place++
    if (each === workerId) break
  }
  return rankedCandidate(decided, place, nowMs)
}

function rankedCandidate(
  { row, score, scores, zones, mayStayMs }: Candidate,
  place: number,
  nowMs: number,
): RankedWorker {
  return { ...named(row, nowMs), place, score, scores, zones, mayStayMs, reasons: [], retryAfterMs: 0 }
}

function refusedWorker({ row, reasons, retryAfterMs }: Refusal, nowMs: number): RankedWorker {
  const none = { place: null, score: null, scores: null, zones: null, mayStayMs: null }
  return { ...named(row, nowMs), ...none, reasons, retryAfterMs }
}

function named({ workerId, load }: WorkerRow, nowMs: number) {
  const { host, bootId, numaNode, observedMs } = load
  return { workerId, host, bootId, numaNode, ageMs: Math.max(0, nowMs - observedMs) }
}
