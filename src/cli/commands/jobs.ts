import { Command, Option } from 'commander'
import type { JobState } from '../../views/jobs/job-run.js'
import { printDocument } from '../options/document.js'
import { domainOption, durationHelp, integerBetween, jsonOption, nameText, waitOption } from '../options/options.js'

interface JobsFlags {
  readonly domain: number
  readonly queue?: string
  readonly worker?: string
  readonly state?: JobState
  readonly limit: number
  readonly json?: boolean
  readonly wait: number
}

export function jobsCommand(): Command {
  return new Command('jobs')
    .summary('print what became of jobs')
    .description(
      'Joins the plane as a late joiner, prints the jobs that the ledgers of its schedulers hold and the jobs that workers ' +
        'report now, the latest first, and leaves.',
    )
    .addOption(new Option('--queue <name>', 'only the jobs of this queue').argParser(nameText))
    .addOption(new Option('--worker <workerId>', 'only the jobs that this worker has run').argParser(nameText))
    .addOption(
      new Option('--state <state>', 'only the jobs in this state').choices([
        'unstarted',
        'running',
        'completed',
        'failed',
        'lost',
      ]),
    )
    .addOption(new Option('--limit <n>', 'jobs to print').argParser(integerBetween(1, 1_000_000)).default(100))
    .addOption(jsonOption('print { domain, ledgers, matching, jobs } as JSON'))
    .addOption(waitOption('how long to look for a plane and wait for its jobs', 1_500))
    .addOption(domainOption())
    .addHelpText('after', `${durationHelp}\n\nExit code 0 also if no job matches; 3 if no plane answers.`)
    .action(printJobs)
}

async function printJobs({ domain, json = false, limit, queue, state, wait, worker }: JobsFlags): Promise<void> {
  const { withLedger } = await import('../client/ledger-client.js')
  const { jobLines } = await import('../../observe/job-table.js')
  await withLedger(domain, wait, 'numacast jobs', ({ ledger, states }) => {
    const matching = ledger.list({
      ...(queue !== undefined && { queue }),
      ...(worker !== undefined && { workerId: worker }),
      ...(state !== undefined && { state }),
    })
    const document = { domain, ledgers: states, matching: matching.length, jobs: matching.slice(0, limit) }
    if (json) printDocument(document)
    else process.stdout.write(`${jobLines(document).join('\n')}\n`)
  })
}
