import os from 'node:os'
import { Command, Option } from 'commander'
import { NumacastError } from '../../core/errors.js'
import { printable } from '../../observe/printable.js'
import type { IntentIssuer } from '../../roles/intents/intent-issuer.js'
import type { FleetView } from '../../views/fleet-view.js'
import type { IntentOutcome } from '../client/intent-outcome.js'
import type { PlaneClient } from '../client/plane-client.js'
import { formatDuration } from '../options/duration.js'
import { domainOption, durationHelp, durationMs, jsonOption, nameText, waitOption } from '../options/options.js'

interface IntentFlags {
  readonly domain: number
  readonly json?: boolean
  readonly reason?: string
  readonly wait: number
}

interface DrainFlags extends IntentFlags {
  readonly deadline: number
  readonly hold: number
}

/** No intent outlives a day (maxIntentTtlMs, which would load the whole plane for a --help). */
export const longestHoldMs = 24 * 60 * 60_000
/** A drain that held for less could end before the worker receives it. */
export const shortestHoldMs = 1_000
/** How long after its deadline a worker may take to report that it missed it, and how long it may take to resume. */
const answerMs = 10_000
/** How long a worker may take to report anything, however short its deadline is. */
const firstAnswerMs = 3_000

export function intentCommand(): Command {
  return new Command('intent')
    .summary('drain a worker, or resume it')
    .description('Tells the plane what a worker should do, and follows the progress until the worker reports the end.')
    .addCommand(
      new Command('drain')
        .summary('let a worker finish its jobs and give it no more')
        .description(
          'The worker finishes the jobs that it has and takes no more until it is resumed. The command ends when the ' +
            'worker reports that it is drained (exit code 0), that jobs were still running at the deadline, or that ' +
            'the hold ended first (exit code 1).',
        )
        .argument('<workerId>', 'as shown by `numacast status`', nameText)
        .addOption(
          new Option('--deadline <duration>', 'how long its jobs may take to finish')
            .argParser(durationMs())
            .default(30_000, '30s'),
        )
        .addOption(
          new Option('--hold <duration>', 'it takes work again after this time, 1s to 24h, unless resumed earlier')
            .argParser(durationMs({ leastMs: shortestHoldMs, mostMs: longestHoldMs }))
            .default(3_600_000, '1h'),
        )
        .option('--reason <text>', 'shown with the intent')
        .addOption(jsonOption('print the outcome as JSON'))
        .addOption(planeWaitOption())
        .addOption(domainOption())
        .addHelpText('after', durationHelp)
        .action(drain),
    )
    .addCommand(
      new Command('resume')
        .summary('undo a drain')
        .description('The worker takes work again. The command ends when the worker reports that it does.')
        .argument('<workerId>', 'as shown by `numacast status`', nameText)
        .option('--reason <text>', 'shown with the intent')
        .addOption(jsonOption('print the outcome as JSON'))
        .addOption(planeWaitOption())
        .addOption(domainOption())
        .addHelpText('after', durationHelp)
        .action(resume),
    )
}

function planeWaitOption(): Option {
  return waitOption('how long to look for a plane and the worker', 1_500)
}

async function drain(workerId: string, flags: DrainFlags): Promise<void> {
  const { deadline: deadlineMs, hold: ttlMs, json = false } = flags
  const { followOutcome } = await import('../client/intent-outcome.js')
  await withIssuer(workerId, flags, async (issuer, view) => {
    const issued = issuer.apply('drain', workerId, { deadlineMs }, { ttlMs, ...reasonOf(flags) })
    const endMs = Math.min(deadlineMs, ttlMs)
    const patience = { firstMs: Math.max(endMs, firstAnswerMs), lastMs: endMs + answerMs }
    const outcome = await followOutcome(issuer, view, issued, json, patience)
    if (outcome.transition === 'aborted' && ttlMs <= deadlineMs) {
      throw failed(
        `the drain of ${workerId} ended with its --hold of ${formatDuration(ttlMs)}, before the jobs did: it takes work ` +
          `again; drain it with a longer --hold`,
      )
    }
    if (outcome.transition === 'aborted') {
      throw failed(
        `the drain of ${workerId} was aborted${reasonSuffix(outcome)}: it still takes no new work; drain it again with a longer ` +
          `--deadline than ${formatDuration(deadlineMs)}, or let it work: \`numacast intent resume ${workerId}\``,
      )
    }
    requireCompleted(outcome, `the drain of ${workerId}`)
  })
}

async function resume(workerId: string, flags: IntentFlags): Promise<void> {
  const { followOutcome } = await import('../client/intent-outcome.js')
  await withIssuer(workerId, flags, async (issuer, view) => {
    // Sent all the same: it lifts a drain that has not arrived here.
    if (!isDrained(view, workerId)) {
      process.stderr.write(
        `numacast: ${printable(workerId)} is not being drained as far as is known here; the lift is sent nevertheless\n`,
      )
    }
    const issued = issuer.lift('drain', workerId, reasonOf(flags))
    const patience = { firstMs: answerMs, lastMs: answerMs }
    const outcome = await followOutcome(issuer, view, issued, flags.json ?? false, patience)
    requireCompleted(outcome, `resuming ${workerId}`)
  })
}

/** By what is wanted of the worker, or by what it reports itself. */
function isDrained(view: FleetView, workerId: string): boolean {
  const obeys = view.worker(workerId)?.appliedIntents.some(({ kind }) => kind === 'drain') ?? false
  return obeys || view.currentIntent('drain', workerId)?.intent.action === 'apply'
}

/** Joins the plane, makes sure that it knows the worker, and leaves when `use` is done. */
async function withIssuer(
  workerId: string,
  { domain, wait }: IntentFlags,
  use: (issuer: IntentIssuer, view: FleetView) => Promise<void>,
): Promise<void> {
  const { findPlane, openPlaneClient } = await import('../client/plane-client.js')
  const { IntentIssuer } = await import('../../roles/intents/intent-issuer.js')
  const observer = await openPlaneClient(domain, 'numacast intent')
  try {
    const deadline = AbortSignal.timeout(wait)
    await findPlane(observer, deadline)
    await requireWorker(observer, workerId, deadline)
    const issuer = new IntentIssuer(observer.view, { issuer: operatorName() })
    try {
      await use(issuer, observer.view)
    } finally {
      issuer.close()
    }
  } finally {
    await observer.close()
  }
}

/**
 * Waits until the view has the worker, or until `deadline` aborts.
 * @throws NumacastError NUMACAST_NOT_FOUND for an unknown worker; NUMACAST_UNAVAILABLE for a dead one
 */
async function requireWorker(
  { view, participant }: PlaneClient,
  workerId: string,
  deadline: AbortSignal,
): Promise<void> {
  const { untilView } = await import('../client/plane-client.js')
  const { deadWorker } = await import('../client/intent-outcome.js')
  try {
    await untilView(view, () => view.worker(workerId) !== undefined, deadline)
  } catch (error) {
    if (!deadline.aborted) throw error
  }
  const worker = view.worker(workerId)
  if (worker === undefined) {
    const ids = view.status().workers.map((each) => each.workerId)
    const known = ids.length === 0 ? 'it has no workers' : `it has ${ids.slice(0, 10).join(', ')}`
    const more = ids.length > 10 ? ` and ${ids.length - 10} more` : ''
    throw new NumacastError(
      'NUMACAST_NOT_FOUND',
      `the plane in domain ${participant.domain} has no worker ${workerId}: ${known}${more}; give a worker that has just started more time with --wait`,
    )
  }
  if (worker.liveliness === 'dead') throw deadWorker(workerId, worker.cause)
}

function requireCompleted(outcome: IntentOutcome, what: string): void {
  if (outcome.transition === 'completed') return
  throw failed(`${what} ended ${outcome.transition ?? 'without an answer'}${reasonSuffix(outcome)}`)
}

function reasonSuffix({ reason }: IntentOutcome): string {
  return reason === null ? '' : ` (${reason})`
}

function failed(message: string): NumacastError {
  return new NumacastError('NUMACAST_UNAVAILABLE', message)
}

function reasonOf({ reason }: IntentFlags): { reason?: string } {
  return reason === undefined ? {} : { reason }
}

function operatorName(): string {
  return `${process.env.USER || 'operator'}@${os.hostname()}`.slice(0, 256)
}
