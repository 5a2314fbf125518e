import { setTimeout as delay } from 'node:timers/promises'

/** Longer than any pending operation takes, even on an overloaded machine. */
const patienceMs = 120_000

/**
 * Calls `probe` until it returns a value, and returns that. Fails with `what` if it never does. A probe that does not
 * settle fails too.
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  everyMs = 50,
): Promise<T> {
  const givenUpMs = performance.now() + patienceMs
  for (;;) {
    const answering = probe()
    const answer = answering instanceof Promise ? await answerOf(what, answering) : answering
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > givenUpMs) throw new Error(`timed out after ${patienceMs / 1_000} s: ${what}`)
    await delay(everyMs)
  }
}

/** Waits in real time for a condition inside this process that is cheap to check. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  await eventually(what, () => (condition() ? true : undefined), 1)
}

async function answerOf<T>(what: string, answering: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const tooLate = delay(patienceMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`the probe did not settle within ${patienceMs / 1_000} s: ${what}`)
  })
  try {
    return await Promise.race([answering, tooLate])
  } finally {
    tooLate.catch(() => {})
    stop.abort()
  }
}
