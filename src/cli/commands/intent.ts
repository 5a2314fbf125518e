import os from 'node:os'
import { Command, Option } from 'commander'
import { NumacastError } from '../../core/errors.js'
import { type EntityGuid, participantOf } from '../../core/ids.js'
import { printable } from '../../observe/printable.js'
import type { Intent } from '../../plane/intents.js'
import type { Transition } from '../../plane/transitions.js'
import type { Topic } from '../../pubsub/model/topic.js'
import type { Participant } from '../../pubsub/participant.js'
import type { IntentIssuer, IssuedIntent } from '../../roles/intents/intent-issuer.js'
import type { FleetView } from '../../views/fleet-view.js'
import type { WorkerStatus } from '../../views/status/status-document.js'
import type { PlaneClient } from '../client/plane-client.js'
import { printDocument } from '../options/document.js'
import { formatDuration } from '../options/duration.js'
import { domainOption, durationHelp, durationMs, jsonOption, nameText } from '../options/options.js'

interface IntentFlags {
  readonly domain: number
  readonly json?: boolean
  readonly reason?: string
}

interface DrainFlags extends IntentFlags {
  readonly deadline: number
  readonly hold: number
}

/** What `--json` prints: how far the intent got at the worker. */
interface IntentOutcome {
  readonly intentId: string
  readonly kind: string
  readonly action: string
  readonly workerId: string
  /** The last step reported; null before the first report. */
  transition: Transition | null
  reason: string | null
  readonly steps: { readonly transition: Transition; readonly atMs: number }[]
}

const findPlaneMs = 1_500
/** How long a scheduler may take to keep the intent. */
const keptWithinMs = 3_000
/** No intent outlives a day (maxIntentTtlMs, which would load the whole plane for a --help). */
export const longestHoldMs = 24 * 60 * 60_000
/** A drain that held for less could end before the worker receives it. */
export const shortestHoldMs = 1_000
/** How long after its deadline a worker may take to report that it missed it, and how long it may take to resume. */
const answerMs = 10_000
/** How long a worker may take to report anything, however short its deadline is. */
const firstAnswerMs = 3_000

/** How long a command waits for a worker's reports. */
interface Patience {
  /** For the first report; also for a later one while the worker is known to be unable to report. */
  readonly firstMs: number
  /** For the last report. */
  readonly lastMs: number
}

export function intentCommand(): Command {
  return new Command('intent')
    .summary('drain a worker, or resume it')
    .description('Tells the plane what a worker should do, and follows how far that gets.')
    .addCommand(
      new Command('drain')
        .summary('let a worker finish, and give it nothing more')
        .description(
          'The worker finishes the jobs that it has and takes no more, until it is resumed. Ends when the worker ' +
            'reports that it is drained (exit code 0), or that jobs were still running at the deadline, or when the ' +
            'hold ended (exit code 1).',
        )
        .argument('<workerId>', 'as `numacast status` shows it', nameText)
        .addOption(
          new Option('--deadline <duration>', 'how long its jobs may take to finish')
            .argParser(durationMs())
            .default(30_000, '30s'),
        )
        .addOption(
          new Option('--hold <duration>', 'it takes work again after this long, 1s to 24h, unless it is resumed before')
            .argParser(durationMs({ leastMs: shortestHoldMs, mostMs: longestHoldMs }))
            .default(3_600_000, '1h'),
        )
        .option('--reason <text>', 'shown with the intent')
        .addOption(jsonOption('print the outcome as JSON'))
        .addOption(domainOption())
        .addHelpText('after', durationHelp)
        .action(drain),
    )
    .addCommand(
      new Command('resume')
        .summary('undo a drain')
        .description('The worker takes work again. Ends when it reports so.')
        .argument('<workerId>', 'as `numacast status` shows it', nameText)
        .option('--reason <text>', 'shown with the intent')
        .addOption(jsonOption('print the outcome as JSON'))
        .addOption(domainOption())
        .action(resume),
    )
}

async function drain(workerId: string, flags: DrainFlags): Promise<void> {
  const { deadline: deadlineMs, hold: ttlMs } = flags
  await withIssuer(workerId, flags, async (issuer, view) => {
    const issued = issuer.apply('drain', workerId, { deadlineMs }, { ttlMs, ...reasonOf(flags) })
    const endMs = Math.min(deadlineMs, ttlMs)
    const patience = { firstMs: Math.max(endMs, firstAnswerMs), lastMs: endMs + answerMs }
    const outcome = await follow(issuer, view, issued, flags, patience)
    if (outcome.transition === 'aborted' && ttlMs <= deadlineMs) {
      throw failed(
        `the drain of ${workerId} ended with its --hold of ${formatDuration(ttlMs)}, before the jobs did: it takes work ` +
          `again; drain it with a longer --hold`,
      )
    }
    if (outcome.transition === 'aborted') {
      throw failed(
        `the drain of ${workerId} was aborted${because(outcome)}: it still takes no new work; drain it again with a longer ` +
          `--deadline than ${formatDuration(deadlineMs)}, or let it work: \`numacast intent resume ${workerId}\``,
      )
    }
    requireCompleted(outcome, `the drain of ${workerId}`)
  })
}

async function resume(workerId: string, flags: IntentFlags): Promise<void> {
  await withIssuer(workerId, flags, async (issuer, view) => {
    // Sent all the same: it lifts a drain that has not arrived here.
    if (!isDrained(view, workerId)) {
      const worker = printable(workerId)
      process.stderr.write(`numacast: ${worker} is not being drained, and is told that there is nothing to lift\n`)
    }
    const issued = issuer.lift('drain', workerId, reasonOf(flags))
    const patience = { firstMs: answerMs, lastMs: answerMs }
    requireCompleted(await follow(issuer, view, issued, flags, patience), `resuming ${workerId}`)
  })
}

/** By what is wanted of the worker, or by what it reports itself. */
function isDrained(view: FleetView, workerId: string): boolean {
  const worker = view.status().workers.find((candidate) => candidate.workerId === workerId)
  const obeys = worker?.appliedIntents.some(({ kind }) => kind === 'drain') ?? false
  return obeys || view.currentIntent('drain', workerId)?.intent.action === 'apply'
}

/** Joins the plane, makes sure that it knows the worker, and leaves when `use` is done. */
async function withIssuer(
  workerId: string,
  { domain }: IntentFlags,
  use: (issuer: IntentIssuer, view: FleetView) => Promise<void>,
): Promise<void> {
  const { findPlane, openPlaneClient } = await import('../client/plane-client.js')
  const { IntentIssuer } = await import('../../roles/intents/intent-issuer.js')
  const observer = await openPlaneClient(domain, 'numacast intent')
  try {
    await findPlane(observer, findPlaneMs)
    requireWorker(observer, workerId)
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

function requireWorker({ view, participant }: PlaneClient, workerId: string): void {
  const { workers } = view.status()
  const worker = workers.find((candidate) => candidate.workerId === workerId)
  if (worker === undefined) {
    const known =
      workers.length === 0 ? 'it has no workers' : `it has ${workers.map((each) => each.workerId).join(', ')}`
    throw new NumacastError(
      'NUMACAST_NOT_FOUND',
      `the plane in domain ${participant.domain} has no worker ${workerId}: ${known}`,
    )
  }
  if (worker.liveliness === 'dead') throw failed(deathOf(workerId, worker.cause))
}

/** Prints each step as it comes, or all of them as one document, until the last one or until it takes too long. */
async function follow(
  issuer: IntentIssuer,
  view: FleetView,
  issued: IssuedIntent,
  { json }: IntentFlags,
  patience: Patience,
): Promise<IntentOutcome> {
  const { intent, kind } = issued
  const { intentId, target: workerId, action } = intent
  const outcome: IntentOutcome = { intentId, kind, action, workerId, transition: null, reason: null, steps: [] }
  const title = `${action === 'lift' ? `lift ${kind}` : kind} of ${workerId}`
  const watch = new AbortController()
  const giveUp = (afterMs: number): void => {
    watch.abort(noAnswer(title, outcome, intent.ttlMs, afterMs, impedimentOf(view.worker(workerId))))
  }
  const isSilent = (): boolean => outcome.transition === null || impedimentOf(view.worker(workerId)) !== undefined
  const first = setTimeout(() => {
    if (isSilent()) giveUp(patience.firstMs)
  }, patience.firstMs)
  const last = setTimeout(() => giveUp(patience.lastMs), patience.lastMs)
  const notice = oncePerText((text) => process.stderr.write(`numacast: ${printable(text)}\n`))
  const look = (worker: WorkerStatus | undefined): void => {
    if (worker?.liveliness === 'dead') watch.abort(failed(deathOf(workerId, worker.cause)))
    const impediment = impedimentOf(worker)
    if (impediment !== undefined) notice(`${workerId} is ${impediment}: it cannot report now`)
  }
  const changes = view.onChange((change) => {
    if (change.kind === 'worker' && change.workerId === workerId) look(change.after)
  })
  look(view.worker(workerId))
  try {
    for await (const step of issuer.follow(intentId, { workerId, signal: watch.signal })) {
      outcome.transition = step.transition
      outcome.reason = step.reason
      outcome.steps.push({ transition: step.transition, atMs: step.atMs })
      if (!json) printStep(title, step.transition, step.reason)
    }
    watch.signal.throwIfAborted()
    await untilKept(view.participant, issued)
    return outcome
  } finally {
    clearTimeout(first)
    clearTimeout(last)
    changes.close()
    if (json) printDocument(outcome)
  }
}

/**
 * Waits until a scheduler relays the intent. Until then the intent ends with this process, and a late joiner, or a
 * collector that restarts, would not receive it.
 */
async function untilKept(participant: Participant, { kind, intent, token }: IssuedIntent): Promise<void> {
  const { setTimeout: pause } = await import('node:timers/promises')
  const { intentTopics } = await import('../../plane/intents.js')
  const { planePartition } = await import('../../plane/partitions.js')
  const reader = participant.reader(intentTopics[kind] as Topic<Intent>, { partition: planePartition })
  const givenUpMs = performance.now() + keptWithinMs
  try {
    // A collector keeps it too, but after a restart it learns of the intent from a scheduler.
    const keeps = (carrier: EntityGuid): boolean =>
      carrier !== token.writer && participant.peer(participantOf(carrier))?.properties.role !== 'collector'
    while (!reader.carriers(intent.target).some(keeps)) {
      if (performance.now() > givenUpMs) {
        process.stderr.write('numacast: no scheduler keeps the intent: a collector that restarts will not know of it\n')
        return
      }
      await pause(20)
    }
  } finally {
    reader.close()
  }
}

function printStep(title: string, transition: Transition, reason: string | null): void {
  process.stdout.write(`${printable(`${title}: ${transition}${reason === null ? '' : ` (${reason})`}`)}\n`)
}

function requireCompleted(outcome: IntentOutcome, what: string): void {
  if (outcome.transition === 'completed') return
  throw failed(`${what} ended ${outcome.transition ?? 'without an answer'}${because(outcome)}`)
}

function because({ reason }: IntentOutcome): string {
  return reason === null ? '' : ` (${reason})`
}

/** Returns why a worker that is not dead cannot report; undefined if it can. */
function impedimentOf(worker: WorkerStatus | undefined): string | undefined {
  if (worker === undefined || worker.liveliness === 'alive' || worker.liveliness === 'dead') return undefined
  return `${worker.liveliness}${worker.cause === null ? '' : ` (${worker.cause})`}`
}

function oncePerText(print: (text: string) => void): (text: string) => void {
  const printed = new Set<string>()
  return (text) => {
    if (!printed.has(text)) print(text)
    printed.add(text)
  }
}

function noAnswer(
  title: string,
  { transition }: IntentOutcome,
  ttlMs: number,
  afterMs: number,
  impediment: string | undefined,
): NumacastError {
  const progress = transition === null ? 'has not answered' : `got as far as ${transition}`
  const state = `the worker ${impediment === undefined ? '' : `is ${impediment} and `}${progress}`
  const fate =
    ttlMs <= afterMs
      ? `the intent has ended with its hold of ${formatDuration(ttlMs)}`
      : 'the intent stands, `numacast status` shows how far it gets'
  return new NumacastError('NUMACAST_TIMEOUT', `${title}: ${state} after ${formatDuration(afterMs)}; ${fate}`)
}

function deathOf(workerId: string, cause: string | null): string {
  return `worker ${workerId} is dead${cause === null ? '' : ` (${cause})`}: there is nothing left to tell it`
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
