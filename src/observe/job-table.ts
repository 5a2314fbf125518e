import type { JobRecord } from '../views/jobs/job-record.js'
import type { JobRun } from '../views/jobs/job-run.js'
import type { JobsDocument } from './job-document.js'
import { printable } from './printable.js'
import { tableLines } from './table.js'
import { formatAge } from './units.js'

/** The jobs of a plane for a person, one line each. */
export function jobLines({ domain, jobs, ledgers, matching }: JobsDocument): string[] {
  const held = ledgers.map(({ name, jobs, maxJobs, evictedByCount, evictedByAge }) =>
    printable(`${name} holds ${jobs} of at most ${maxJobs}, ${evictedByCount + evictedByAge} evicted`),
  )
  const lines = [
    `domain ${domain}: ${matching} ${matching === 1 ? 'job' : 'jobs'}${held.map((text) => `; ${text}`).join('')}`,
  ]
  if (jobs.length > 0) {
    lines.push(
      '',
      ...tableLines(
        ['JOB', 'QUEUE', 'STATE', 'WORKER', 'ATTEMPT', 'PROGRESS', 'TIME', 'NOTE'],
        jobs.map((job) => [
          job.jobId,
          job.queue === '' ? '-' : job.queue,
          job.state,
          job.runs[0].workerId,
          String(job.runs[0].attempt),
          job.runs[0].progress === null ? '-' : `${Math.round(job.runs[0].progress * 100)} %`,
          job.runs[0].durationMs === null ? '-' : formatAge(job.runs[0].durationMs),
          noteOf(job.runs[0]),
        ]),
      ),
    )
  }
  if (matching > jobs.length) lines.push(`and ${matching - jobs.length} more`)
  return lines
}

/** One job with all its runs, for a person. */
export function jobDetailLines(job: JobRecord): string[] {
  const queue = job.queue === '' ? '' : ` of queue ${job.queue}`
  const lines = [printable(`job ${job.jobId}${queue}: ${job.state}`)]
  for (const run of job.runs) {
    const times = [
      `started ${new Date(run.startedAtMs).toISOString()}`,
      ...(run.durationMs === null ? [] : [`took ${formatAge(run.durationMs)}`]),
      ...(run.progress === null ? [] : [`${Math.round(run.progress * 100)} % done`]),
    ]
    lines.push(printable(`  attempt ${run.attempt} on ${run.workerId}: ${run.state}, ${times.join(', ')}`))
    const note = noteOf(run)
    if (note !== '') lines.push(printable(`    ${note}`))
    if (run.retryable !== null)
      lines.push(`    ${run.retryable ? 'another attempt may succeed' : 'a retry is useless'}`)
    if (run.retryAfterMs !== null) lines.push(`    a retry was requested, after ${formatAge(run.retryAfterMs)}`)
  }
  return lines
}

function noteOf({ error, note, processEnd, state }: JobRun): string {
  const parts: string[] = []
  if (state === 'lost' && processEnd !== null) {
    const { cause, detail, mayReassign } = processEnd
    const why = [cause, detail].filter((text) => text !== null).join(', ')
    parts.push(`worker died${why === '' ? '' : ` (${why})`}; ${mayReassign ? 'may be reassigned' : 'may still run'}`)
  }
  for (const text of [error, note]) if (text !== null && text !== '') parts.push(text)
  return parts.join('; ')
}
