import { Mailbox } from '../core/mailbox.js'
import { type IntentStatus, isFinal, type Transition } from '../plane/transitions.js'
import type { FleetView } from './fleet-view.js'

export interface FollowOptions {
  /** Only this worker's reports; the iteration then ends after its final one. */
  readonly workerId?: string
  /** Ends the iteration by throwing the signal's reason. */
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
 * The steps that an intent takes, each once and in order, even when several arrive as one sample or were taken
 * before this call. Nothing is said for a worker that does not answer: give a signal, or watch the view as well.
 */
export async function* followIntent(
  view: FleetView,
  intentId: string,
  options: FollowOptions = {},
): AsyncIterableIterator<IntentProgress> {
  const { workerId, signal } = options
  signal?.throwIfAborted()
  const mailbox = new Mailbox<IntentStatus>({ conflateBy: (status) => status.workerId })
  /** Steps already told, by worker. A worker that restarted tells its own history, which begins at another time. */
  const told = new Map<string, { readonly sinceMs: number | undefined; readonly steps: number }>()
  const offer = (status: IntentStatus): void => {
    if (status.intentId !== intentId || (workerId !== undefined && status.workerId !== workerId)) return
    mailbox.push(status)
  }
  const subscription = view.onChange((change) => {
    if (change.kind === 'intent-status') offer(change.status)
  })
  const onAbort = (): void => mailbox.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  for (const status of view.intentStatuses(intentId)) offer(status)
  try {
    for await (const status of mailbox) {
      const sinceMs = status.history[0]?.atMs
      const before = told.get(status.workerId)
      const from = before !== undefined && before.sinceMs === sinceMs ? before.steps : 0
      told.set(status.workerId, { sinceMs, steps: status.history.length })
      for (const [index, { transition, atMs }] of status.history.entries()) {
        if (index < from) continue
        const reason = index === status.history.length - 1 ? status.reason : null
        yield { intentId, workerId: status.workerId, transition, reason, atMs }
      }
      if (workerId !== undefined && isFinal(status.transition)) return
    }
    signal?.throwIfAborted()
  } finally {
    signal?.removeEventListener('abort', onAbort)
    subscription.close()
  }
}
