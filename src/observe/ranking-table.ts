import { scoreTerms } from '../placement/score/terms.js'
import { printable } from './printable.js'
import type { RankedWorker, RankingDocument } from './ranking-document.js'
import { tableLines } from './table.js'
import { formatAge, formatBytes } from './units.js'

/** A ranking for a person: the candidates with their scores, and how many workers are refused for what. */
export function rankingLines(document: RankingDocument): string[] {
  const { candidates, explained, fitting, workers } = document
  const lines = [`domain ${document.domain}: ${fitting} of ${workers} workers fit`]
  if (candidates.length > 0) {
    const terms = scoreTerms.filter((term) => candidates.some(({ scores }) => typeof scores?.[term] === 'number'))
    lines.push(
      '',
      ...tableLines(
        ['', 'WORKER', 'NODE', 'SCORE', ...terms.map((term) => term.toUpperCase()), 'ZONES', 'AGE'],
        candidates.map((worker) => [
          String(worker.place),
          worker.workerId,
          `${worker.host}/${worker.numaNode}`,
          formatScore(worker.score),
          ...terms.map((term) => formatScore(worker.scores?.[term] ?? null)),
          zonesText(worker),
          formatAge(worker.ageMs),
        ]),
      ),
    )
    if (fitting > candidates.length) lines.push(`and ${fitting - candidates.length} more`)
  }
  const refused = Object.entries(document.refusedByReason).sort(([, a], [, b]) => b - a)
  if (refused.length > 0) {
    lines.push(
      '',
      ...tableLines(
        ['REFUSED FOR', 'WORKERS'],
        refused.map(([reason, count]) => [reason, String(count)]),
      ),
    )
  }
  if (fitting === 0 && workers > 0) lines.push('', retryText(document.retryAfterMs))
  if (explained !== null) lines.push('', ...explanationLines(explained))
  return lines
}

/** When to look again, as a sentence. */
export function retryText(retryAfterMs: number | null): string {
  return retryAfterMs === null
    ? 'Waiting does not help: each worker is refused for a reason that does not end by itself.'
    : `Look again in ${formatAge(retryAfterMs)}.`
}

function explanationLines(worker: RankedWorker): string[] {
  const name = printable(`${worker.workerId} on ${worker.host}/${worker.numaNode}`)
  if (worker.place === null) {
    const when =
      worker.retryAfterMs === null ? 'waiting does not help' : `look again in ${formatAge(worker.retryAfterMs)}`
    return [`${name} is refused (${when}):`, ...worker.reasons.map((reason) => `  ${reason}`)]
  }
  const terms = scoreTerms.map((term) => `  ${term}: ${formatScore(worker.scores?.[term] ?? null)}`)
  const stay = worker.mayStayMs === null ? [] : [`  may stay: ${formatAge(worker.mayStayMs)}`]
  return [`${name} is number ${worker.place}, with a score of ${formatScore(worker.score)}:`, ...terms, ...stay]
}

function zonesText({ zones }: RankedWorker): string {
  if (zones === null || zones.length === 0) return '-'
  return zones
    .map(
      ({ numaNode, cpus, memoryBytes }) => `${numaNode}: ${Number(cpus.toFixed(2))} CPUs, ${formatBytes(memoryBytes)}`,
    )
    .join('; ')
}

/** A term that does not apply to the request is `-`. */
function formatScore(score: number | null): string {
  return score === null ? '-' : score.toFixed(3)
}
