import type { WaitOptions } from '../core/abort.js'
import type { FleetChange } from './fleet-change.js'
import type { FleetChangeLog } from './fleet-change-log.js'
import { ViewToken } from './token/view-token.js'

export interface ChangesOptions extends WaitOptions {
  /**
   * Begins with the first change that the holder of this token may lack. A token of this view, from a read, a status or an
   * earlier change. @default only what comes now
   */
  readonly since?: string
}

/**
 * One change, with a token to continue from. `reset` comes in the place of changes that are no longer known: read the
 * status again; what follows is complete.
 */
export type FleetUpdate = (FleetChange | { readonly kind: 'reset' }) & {
  /** Pass it as `since` to continue after this change. A change before it may then come again; none is missed. */
  readonly token: string
}

/** The changes of a view, and what ends a wait for more. */
export interface ChangeSource {
  readonly log: FleetChangeLog
  readonly servedToken: () => string
  /** Aborts when the view closes. */
  readonly closing: AbortSignal
}

/**
 * Yields the changes after a token, then each new one. Ends when the signal aborts or the view closes. A consumer that is
 * too slow for the log gets a `reset`.
 * @throws NumacastError NUMACAST_INVALID_ARGUMENT for a malformed token
 */
export function followChanges(
  source: ChangeSource,
  { since, signal }: ChangesOptions,
): AsyncIterableIterator<FleetUpdate> {
  const { log } = source
  if (since !== undefined) ViewToken.parse(since)
  return iterate(source, since === undefined ? log.next : log.since(since), signal)
}

/** @param start the first batch to yield; undefined when it is no longer kept */
async function* iterate(
  { log, servedToken, closing }: ChangeSource,
  start: number | undefined,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<FleetUpdate> {
  let wake = (): void => {}
  const onEvent = (): void => wake()
  const follower = log.subscribe(onEvent)
  const ends = [closing, ...(signal === undefined ? [] : [signal])]
  const hasEnded = (): boolean => ends.some((end) => end.aborted)
  for (const end of ends) end.addEventListener('abort', onEvent, { once: true })
  const tokenBefore = (batch: number): string => {
    const token = servedToken()
    log.issued(token, batch)
    return token
  }
  let next = start
  try {
    while (!hasEnded()) {
      if (next === undefined || next < log.first) {
        next = log.next
        yield { kind: 'reset', token: tokenBefore(next) }
        continue
      }
      const changes = log.batch(next)
      if (changes === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      for (const [index, change] of changes.entries()) {
        const isLast = index === changes.length - 1
        yield { ...change, token: tokenBefore(isLast ? next + 1 : next) }
        if (hasEnded()) return
      }
      next++
    }
  } finally {
    follower.close()
    for (const end of ends) end.removeEventListener('abort', onEvent)
  }
}
