import { NumacastError } from './errors.js'

export interface WaitOptions {
  /** Aborting rejects the wait with the signal's reason and changes nothing else. */
  readonly signal?: AbortSignal
}

/** Rejects with the signal's reason when it aborts first; removes its listener either way. */
export async function raceSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  if (signal.aborted) work.catch(() => undefined) // the caller no longer waits for it
  signal.throwIfAborted()
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason ?? new NumacastError('NUMACAST_CLOSED', 'the wait was aborted'))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}
