import { Mailbox } from '../core/mailbox.js'
import { Liveliness } from '../liveliness/verdict.js'
import { type IntentStatus, isFinal, type Transition } from '../plane/intents/transitions.js'
import type { FleetView } from './fleet-view.js'

export interface FollowOptions {
  /** Only this worker's reports. The iteration then ends after its final report, or when the worker is dead. */
  readonly workerId?: string
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

/** One step of one intent at one worker. */
export interface IntentProgress {
  readonly intentId: string
  readonly workerId: string
  readonly transition: Transition
  /** Of the last step known; null for earlier ones. */
  readonly reason: string | null
  /** Unix time on the worker's clock. */
  readonly atMs: number
}

/**
 * Yields the steps that an intent takes, each once and in order, even if several arrive as one sample or were taken
 * before this call. Ends when the signal aborts, the view closes, or the one worker that it follows has reported its
 * final step or is dead. A live worker that does not answer yields nothing: pass a signal.
 */
export async function* followIntent(
  view: FleetView,
  intentId: string,
  options: FollowOptions = {},
): AsyncIterableIterator<IntentProgress> {
  const { workerId, signal } = options
  if (signal?.aborted) return
  const mailbox = new Mailbox<IntentStatus>({ conflateBy: (status) => status.workerId })
  /** Steps already yielded, by worker. A worker that restarted reports its own history, which begins at another time. */
  const yielded = new Map<string, { readonly sinceMs: number | undefined; readonly steps: number }>()
  const offer = (status: IntentStatus): void => {
    if (status.intentId !== intentId || (workerId !== undefined && status.workerId !== workerId)) return
    mailbox.push(status)
  }
  const subscription = view.onChange((change) => {
    if (change.kind === 'intent-status') offer(change.status)
    if (change.kind !== 'worker' || change.workerId !== workerId) return
    if (change.after?.liveliness === Liveliness.dead) mailbox.close()
  })
  const onAbort = (): void => mailbox.close()
  const ends = [view.closing, ...(signal === undefined ? [] : [signal])]
  for (const end of ends) end.addEventListener('abort', onAbort, { once: true })
  if (view.closing.aborted) mailbox.close()
  for (const status of view.intentStatuses(intentId)) offer(status)
  if (workerId !== undefined && view.worker(workerId)?.liveliness === Liveliness.dead) mailbox.close()
  try {
    for await (const status of mailbox) {
      const sinceMs = status.history[0]?.atMs
      const before = yielded.get(status.workerId)
      const from = before !== undefined && before.sinceMs === sinceMs ? before.steps : 0
      yielded.set(status.workerId, { sinceMs, steps: status.history.length })
      for (const [index, { transition, atMs }] of status.history.entries()) {
        if (index < from) continue
        const reason = index === status.history.length - 1 ? status.reason : null
        yield { intentId, workerId: status.workerId, transition, reason, atMs }
      }
      if (workerId !== undefined && isFinal(status.transition)) return
    }
  } finally {
    for (const end of ends) end.removeEventListener('abort', onAbort)
    subscription.close()
  }
}
