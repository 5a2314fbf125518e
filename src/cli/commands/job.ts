import { Command, Option } from 'commander'
import { NumacastError } from '../../core/errors.js'
import { printDocument } from '../options/document.js'
import { domainOption, durationHelp, jsonOption, nameText, waitOption } from '../options/options.js'

interface JobFlags {
  readonly domain: number
  readonly queue?: string
  readonly json?: boolean
  readonly wait: number
}

export function jobCommand(): Command {
  return new Command('job')
    .summary('print what became of one job')
    .description(
      'Joins the plane as a late joiner, prints each attempt at a job, and leaves. Queues number their jobs ' +
        'separately: without --queue, the jobs with this id of all queues are printed.',
    )
    .argument('<jobId>', 'as shown by `numacast jobs`', nameText)
    .addOption(new Option('--queue <name>', "the job's queue; empty for a job of no named queue"))
    .addOption(jsonOption('print { domain, jobs, evicted } as JSON'))
    .addOption(waitOption('how long to look for a plane and wait for its jobs', 1_500))
    .addOption(domainOption())
    .addHelpText(
      'after',
      `${durationHelp}\n\nExit code 3 if no ledger holds the job; stderr tells whether it was evicted.`,
    )
    .action(printJob)
}

async function printJob(jobId: string, { domain, json = false, queue, wait }: JobFlags): Promise<void> {
  const { withLedger } = await import('../client/ledger-client.js')
  const { jobDetailLines } = await import('../../observe/job-table.js')
  await withLedger(domain, wait, 'numacast job', ({ ledger }) => {
    const isAsked = (job: { readonly queue: string }): boolean => queue === undefined || job.queue === queue
    const jobs = ledger.withId(jobId).filter(isAsked)
    const evicted = ledger.evictedWithId(jobId).filter(isAsked)
    if (json) printDocument({ domain, jobs, evicted })
    else for (const job of jobs) process.stdout.write(`${jobDetailLines(job).join('\n')}\n`)
    if (jobs.length > 0) return
    const [first] = evicted
    const why =
      first === undefined
        ? 'is unknown: no report on it has arrived'
        : `was evicted from the ledger by ${first.evicted === 'evicted-by-age' ? 'age' : 'count'}`
    const named = queue === undefined || queue === '' ? jobId : `${jobId} of queue ${queue}`
    throw new NumacastError('NUMACAST_NOT_FOUND', `job ${named} ${why}`)
  })
}
