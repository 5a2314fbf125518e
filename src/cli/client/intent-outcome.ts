import { NumacastError } from '../../core/errors.js'
import { type EntityGuid, participantOf } from '../../core/ids.js'
import { printable } from '../../observe/printable.js'
import type { Intent } from '../../plane/intents/intents.js'
import type { Transition } from '../../plane/intents/transitions.js'
import type { Topic } from '../../pubsub/model/topic.js'
import type { Participant } from '../../pubsub/participant.js'
import type { IntentIssuer, IssuedIntent } from '../../roles/intents/intent-issuer.js'
import type { FleetView } from '../../views/fleet-view.js'
import type { WorkerStatus } from '../../views/status/status-document.js'
import { printDocument } from '../options/document.js'
import { formatDuration } from '../options/duration.js'

/** How far an intent got at the worker: what `--json` prints. */
export interface IntentOutcome {
  readonly intentId: string
  readonly kind: string
  readonly action: string
  readonly workerId: string
  /** The last step reported; null before the first report. */
  transition: Transition | null
  reason: string | null
  readonly steps: { readonly transition: Transition; readonly atMs: number }[]
}

/** How long a command waits for a worker's reports. */
export interface WaitLimits {
  /** For the first report; also for a later one while the worker is known to be unable to report. */
  readonly firstMs: number
  /** For the last report. */
  readonly lastMs: number
}

/** How long a scheduler may take to keep the intent. */
const keptWithinMs = 3_000

/**
 * Prints each step of an intent as it arrives, or with `json` all of them as one document, until the final step.
 * @throws NumacastError NUMACAST_TIMEOUT when it takes too long; NUMACAST_UNAVAILABLE when the worker is dead or dies
 */
export async function followOutcome(
  issuer: IntentIssuer,
  view: FleetView,
  issued: IssuedIntent,
  json: boolean,
  patience: WaitLimits,
): Promise<IntentOutcome> {
  const { intent, kind } = issued
  const { intentId, target: workerId, action } = intent
  const outcome: IntentOutcome = { intentId, kind, action, workerId, transition: null, reason: null, steps: [] }
  const title = `${action === 'lift' ? `lift ${kind}` : kind} of ${workerId}`
  const watch = new AbortController()
  const giveUp = (afterMs: number): void => {
    watch.abort(timeoutError(title, outcome, intent.ttlMs, afterMs, impedimentOf(view.worker(workerId))))
  }
  const isSilent = (): boolean => outcome.transition === null || impedimentOf(view.worker(workerId)) !== undefined
  const first = setTimeout(() => {
    if (isSilent()) giveUp(patience.firstMs)
  }, patience.firstMs)
  const last = setTimeout(() => giveUp(patience.lastMs), patience.lastMs)
  const notice = oncePerText((text) => process.stderr.write(`numacast: ${printable(text)}\n`))
  const look = (worker: WorkerStatus | undefined): void => {
    if (worker?.liveliness === 'dead') watch.abort(deadWorker(workerId, worker.cause))
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
    await waitUntilRelayed(view.participant, issued)
    return outcome
  } finally {
    clearTimeout(first)
    clearTimeout(last)
    changes.close()
    if (json) printDocument(outcome)
  }
}

/** An intent for a worker that is dead, or that died before it reported. */
export function deadWorker(workerId: string, cause: string | null): NumacastError {
  const reason = cause === null ? '' : ` (${cause})`
  return new NumacastError('NUMACAST_UNAVAILABLE', `worker ${workerId} is dead${reason}: no intent reaches it`)
}

/**
 * Waits until a scheduler relays the intent. Until then the intent ends with this process, and a late joiner, or a
 * collector that restarts, would not receive it.
 */
async function waitUntilRelayed(participant: Participant, { kind, intent, token }: IssuedIntent): Promise<void> {
  const { setTimeout: pause } = await import('node:timers/promises')
  const { intentTopics } = await import('../../plane/intents/intents.js')
  const { planePartition } = await import('../../plane/vocabulary/partitions.js')
  const reader = participant.reader(intentTopics[kind] as Topic<Intent>, { partition: planePartition })
  const givenUpMs = performance.now() + keptWithinMs
  try {
    // A collector keeps it too, but after a restart it learns of the intent from a scheduler.
    const keeps = (carrier: EntityGuid): boolean =>
      carrier !== token.writer && participant.peer(participantOf(carrier))?.properties.role !== 'collector'
    while (!reader.carriers(reader.topic.keyOf(intent)).some(keeps)) {
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

function timeoutError(
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
