import { raceSignal } from '../../core/abort.js'
import { NumacastError } from '../../core/errors.js'
import type { Clock } from '../../core/time/clock.js'
import { Liveliness } from '../../liveliness/verdict.js'
import type { IntentKind } from '../../plane/intents/intents.js'
import { isFinal, type Transition } from '../../plane/intents/transitions.js'
import type { WorkerStatus } from '../../views/status/status-document.js'
import { tokenOf } from '../../views/token/view-token.js'
import type { IntentIssuer, IssuedIntent } from '../intents/intent-issuer.js'

/** How far an intent got at one worker: its final report. */
export interface IntentResult {
  readonly intentId: string
  readonly workerId: string
  readonly transition: Transition
  readonly reason: string | null
  /** Names the intent to other processes: a read with this `requiredToken` includes it. */
  readonly token: string
}

export interface IntentResultOptions {
  readonly workerId: string
  /** How long the worker may take for its final report. */
  readonly waitMs: number
  readonly signal: AbortSignal | undefined
}

/** What reports on intents are awaited with. */
interface IntentResultSources {
  readonly clock: Clock
  readonly intents: Pick<IntentIssuer, 'follow'>
  readonly fleet: { worker(workerId: string): WorkerStatus | undefined }
}

/**
 * Resolves with the worker's final report on an intent.
 * @throws NumacastError NUMACAST_TIMEOUT when there is none in time; NUMACAST_UNAVAILABLE when the worker dies;
 *   NUMACAST_CLOSED when the fleet closes first; the signal's reason when it aborts
 */
export async function intentResult(
  sources: IntentResultSources,
  { intent: { intentId }, token }: IssuedIntent<IntentKind>,
  { workerId, waitMs, signal }: IntentResultOptions,
): Promise<IntentResult> {
  const stop = new AbortController()
  const timer = sources.clock.after(waitMs, () => {
    const message = `worker ${workerId} has not reported on intent ${intentId} after ${waitMs} ms; the intent stands`
    stop.abort(new NumacastError('NUMACAST_TIMEOUT', message))
  })
  try {
    const last = await raceSignal(finalReport(sources, intentId, workerId, stop.signal), signal)
    return { ...last, token: tokenOf(token) }
  } finally {
    // Also ends the iteration when the caller's signal aborted first.
    stop.abort()
    timer.cancel()
  }
}

/** Returns the error of an intent for a dead worker. */
export function deadWorkerError(workerId: string, cause: string | null): NumacastError {
  return new NumacastError('NUMACAST_UNAVAILABLE', `worker ${workerId} is dead (${cause ?? 'unknown cause'})`)
}

async function finalReport(
  { intents, fleet }: IntentResultSources,
  intentId: string,
  workerId: string,
  signal: AbortSignal,
): Promise<Omit<IntentResult, 'token'>> {
  let last: Omit<IntentResult, 'token'> | undefined
  for await (const { transition, reason } of intents.follow(intentId, { workerId, signal })) {
    last = { intentId, workerId, transition, reason }
  }
  if (last !== undefined && isFinal(last.transition)) return last
  signal.throwIfAborted()
  const worker = fleet.worker(workerId)
  if (worker?.liveliness === Liveliness.dead) throw deadWorkerError(workerId, worker.cause)
  throw new NumacastError('NUMACAST_CLOSED', `the fleet was closed before worker ${workerId} reported`)
}
